import { describe, expect, it } from 'vitest'
import { type Kernel, linkKernel } from '../../src/gpu/kernel.ts'

const module = `
  import constants::WIDTH;
  @group(0) @binding(0) var<storage, read_write> sums: array<f32>;
  @if(doubled) const factor = 2.0;
  @else const factor = 1.0;
  @compute @workgroup_size(WIDTH) fn twice() { sums[0] = factor; }
`
const kernel = (change: Partial<Kernel<[]>> = {}): Kernel<[]> => ({
  name: 'twice',
  groups: [],
  conditions: { doubled: true },
  sizes: { WIDTH: 8 },
  sources,
  ...change,
})
const sources = { './twice.wgsl': module }

describe('linkKernel', () => {
  it('links a variant once, and each by what it is made of', async () => {
    const linked = linkKernel(kernel())
    expect(linkKernel(kernel())).toBe(linked)
    const others = [
      kernel({ conditions: { doubled: false } }),
      kernel({ sizes: { WIDTH: 16 } }),
      kernel({ sources: { './twice.wgsl': module.replace('2.0', '4.0') } }),
    ]
    const texts = await Promise.all([linked, ...others.map(other => linkKernel(other))])
    expect(new Set(texts).size).toBe(4)
    expect(texts[0]).toContain('2.0')
    expect(texts[1]).toContain('1.0')
    expect(texts[3]).toContain('4.0')
  })
})

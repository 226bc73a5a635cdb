import { describe, expect, it } from 'vitest'
import { probeStruct, shuffleProbe } from '../../src/kernels/shuffle_probe.ts'
import { shuffleProbe as twin } from '../reference/shuffle_probe.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'

const device = useGpu()

describe('shuffle_probe', () => {
  it.each([
    [2, 4],
    [4, 2],
    [8, 1],
    [8, 4],
  ])('finds slices of %i lanes whole, %i to a workgroup', async (lanes, slices) => {
    const invocations = lanes * slices
    const result = await runKernel(device.gpu, shuffleProbe(lanes), {
      constants: { SLICES: slices },
      workgroups: 1,
      buffers: { agreed: { words: invocations }, probe: probeStruct.pack({ invocations }) },
    })
    expect([...result.words('agreed')]).toEqual(twin(lanes, invocations, (index, mask) => index ^ mask))
  })

  it('finds slices that a subgroup does not hold', async () => {
    const lanes = 4 * device.gpu.capabilities.subgroupMinSize
    const result = await runKernel(device.gpu, shuffleProbe(lanes), {
      constants: { SLICES: 1 },
      workgroups: 1,
      buffers: { agreed: { words: lanes }, probe: probeStruct.pack({ invocations: lanes }) },
    })
    expect(result.words('agreed').includes(0)).toBe(true)
  })
})

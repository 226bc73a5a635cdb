import { describe, expect, it } from 'vitest'
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js'
import { type BindingKind, type Bindings, type Kernel, linkKernel } from '../../src/gpu/kernel.ts'
import type { ScalarStruct } from '../../src/gpu/struct.ts'
import { workgroupSize } from '../../src/kernels/shared.ts'
import { sources } from '../../src/kernels/sources.ts'
import { allKernels, kernelModules, kernelTitle } from '../support/kernels.ts'

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const isStruct = (value: unknown): value is ScalarStruct<Record<string, 'u32' | 'f32'>> =>
  isObject(value) && 'fields' in value && 'pack' in value

const kernels = allKernels.map(kernel => ({ kernel, title: kernelTitle(kernel) }))

/** Struct tables by the module that declares them, then by name: kernels have a `Span` each. */
const structsOf = (path: string) => Object.values(kernelModules[path] ?? {}).filter(isStruct)
const sharedStructs = structsOf('../../src/kernels/structs.ts')

const accessOf: Record<BindingKind, { space: string; access: string }> = {
  read: { space: 'storage', access: 'read' },
  'read-write': { space: 'storage', access: 'read_write' },
  uniform: { space: 'uniform', access: 'read' },
  batch: { space: 'uniform', access: 'read' },
}

/** WebGPU's default for maxStorageBuffersPerShaderStage: what every device has. */
const storageBuffers = 8

async function reflect(kernel: Kernel<readonly Bindings[]>): Promise<WgslReflect> {
  // The reflection's parser takes two names for keywords, which in WGSL they are not, and does not know products as sizes.
  const text = (await linkKernel(kernel))
    .replace(/\bblock\b/g, 'part')
    .replace(/(?<!<)\bworkgroup\b/g, 'group')
    .replace(/LANES \* SLICES(?=[)>])/g, '64')
  return new WgslReflect(text)
}

describe('kernel descriptors', () => {
  it('are there for every shader', () => {
    const described = new Set(kernels.map(({ kernel }) => `./${kernel.name}.wgsl`))
    const shaders = Object.keys(sources).filter(path => sources[path]!.includes('@compute'))
    expect(described).toEqual(new Set(shaders))
  })
})

describe.each(kernels)('the descriptor of $title', ({ kernel }) => {
  it('names the one entry point and its workgroup size', async () => {
    const { entry } = await reflect(kernel)
    expect(entry.compute.map(({ name }) => name)).toEqual([kernel.name])
    const sizes = (await linkKernel(kernel)).match(/@workgroup_size\(([^)]*)\)/)
    const { LANES: lanes, THREADS: threads } = kernel.sizes ?? {}
    const expected = lanes !== undefined ? 'LANES * SLICES' : threads !== undefined ? 'THREADS' : 'WORKGROUP_SIZE'
    expect(sizes?.[1]).toBe(expected)
    const declared = (await linkKernel(kernel)).match(/const (?:WORKGROUP_SIZE: u32|LANES|THREADS) = (\d+)/)
    expect(Number(declared?.[1])).toBe(lanes ?? threads ?? workgroupSize)
  })

  it('has the bindings of the shader: names, numbers, kinds', async () => {
    const { uniforms, storage } = await reflect(kernel)
    const used = [...uniforms, ...storage].map(({ name, group, binding, resourceType, access }) => {
      const space = resourceType === 0 ? 'uniform' : 'storage'
      return { name, group, binding, space, access: space === 'uniform' ? 'read' : access }
    })
    const described = kernel.groups.flatMap((bindings, group) =>
      Object.entries(bindings).map(([name, kind], binding) => ({ name, group, binding, ...accessOf[kind] })),
    )
    // A variant may leave a binding unused, which linking drops; the shader's other variants use it.
    for (const one of used) expect(described).toContainEqual(one)
    const unused = described.filter(one => !used.some(({ name }) => name === one.name)).map(({ name }) => name)
    const elsewhere = new Set<string>()
    for (const other of kernels) {
      if (other.kernel === kernel || !shares(other.kernel, kernel)) continue
      const { uniforms: u, storage: s } = await reflect(other.kernel)
      for (const { name } of [...u, ...s]) elsewhere.add(name)
    }
    expect(unused.filter(name => !elsewhere.has(name))).toEqual([])
  })

  it('keeps to the storage buffers that every device has', () => {
    const kinds = kernel.groups.flatMap(group => Object.values(group))
    expect(kinds.filter(kind => kind === 'read' || kind === 'read-write').length).toBeLessThanOrEqual(storageBuffers)
  })

  it('has the structs of the shader: sizes, fields, offsets, types', async () => {
    const { structs: all, uniforms, storage } = await reflect(kernel)
    const bound = new Set([...uniforms, ...storage].map(({ type }) => elementOf(type).name))
    const structs = all.filter(({ name }) => bound.has(name))
    const own = structsOf(`../../src/kernels/${kernel.name}.ts`)
    expect(structs.length).toBeGreaterThan(0)
    for (const struct of structs) {
      const table = [...own, ...sharedStructs].find(({ name }) => name === struct.name)
      expect(table, `a table for ${struct.name}`).toBeDefined()
      expect(table!.size).toBe(struct.size)
      expect(Object.entries(table!.fields).map(([name, type], index) => ({ name, type, offset: 4 * index }))).toEqual(
        struct.members.map(member => ({ name: member.name, type: member.type.name, offset: member.offset })),
      )
    }
  })
})

/** The type that an array in a buffer holds, or the type itself. */
function elementOf(type: { name: string; format?: { name: string } | null }): { name: string } {
  return type.name === 'array' && type.format ? type.format : type
}

/** Whether two kernels take a bind group from one list of bindings. */
function shares(one: Kernel<readonly Bindings[]>, other: Kernel<readonly Bindings[]>): boolean {
  return one.groups.some(group =>
    other.groups.some(bindings => Object.keys(bindings).join() === Object.keys(group).join()),
  )
}

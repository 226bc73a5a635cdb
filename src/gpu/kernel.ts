import { link } from 'wesl'
import { GpuFailedError } from '../errors.ts'
import { capture } from './capture.ts'
import { type DispatchSize, planDispatch } from './dispatch.ts'

/** `batch` is a uniform whose place is given at each dispatch (a dynamic offset). */
export type BindingKind = 'read' | 'read-write' | 'uniform' | 'batch'

/** The bindings of one bind group by name; their order is their number. */
export type Bindings = Readonly<Record<string, BindingKind>>

/** A compute shader as the host sees it. Name, WGSL module, entry point and labels are one word. */
export interface Kernel<Groups extends readonly Bindings[]> {
  readonly name: string
  readonly groups: Groups
  /** WESL conditions that choose a variant. */
  readonly conditions: Readonly<Record<string, boolean>>
  /** Sizes that must be known when the WGSL is linked (of arrays in registers): what it imports from `constants`. */
  readonly sizes?: Readonly<Record<string, number>>
  /** All WGSL modules by path, among them `name`.wgsl. */
  readonly sources: Readonly<Record<string, string>>
}

/** Values of the shader's `override` constants. */
export type Constants = Readonly<Record<string, number>>

type Names<Group> = keyof Group & string

/** The WGSL of variants that were linked, by their modules: linking takes as long as compiling, and a device may follow another. */
const linkedOf = new WeakMap<Kernel<readonly Bindings[]>['sources'], Map<string, Promise<string>>>()

/** The WGSL of a kernel's variant: its imports linked in, what it does not use left out. */
export function linkKernel(kernel: Kernel<readonly Bindings[]>): Promise<string> {
  const variants = linkedOf.get(kernel.sources) ?? new Map<string, Promise<string>>()
  linkedOf.set(kernel.sources, variants)
  const key = JSON.stringify([kernel.name, kernel.conditions, kernel.sizes])
  const linked = variants.get(key) ?? linkVariant(kernel)
  variants.set(key, linked)
  return linked
}

async function linkVariant(kernel: Kernel<readonly Bindings[]>): Promise<string> {
  const linked = await link({
    weslSrc: { ...kernel.sources },
    rootModuleName: kernel.name,
    conditions: { ...kernel.conditions },
    constants: { ...kernel.sizes },
    keepComments: false,
    sourceMap: false,
  })
  return linked.dest
}

const bufferTypes = {
  read: { type: 'read-only-storage' },
  'read-write': { type: 'storage' },
  uniform: { type: 'uniform' },
  batch: { type: 'uniform', hasDynamicOffset: true },
} as const satisfies Record<BindingKind, GPUBufferBindingLayout>

const computeStage = 0x4 // GPUShaderStage.COMPUTE, which Node has no global for

function groupLayout(device: GPUDevice, label: string, group: Bindings): GPUBindGroupLayout {
  const entries = Object.values(group).map((kind, binding) => ({
    binding,
    visibility: computeStage,
    buffer: bufferTypes[kind],
  }))
  return device.createBindGroupLayout({ label, entries })
}

/** A compiled variant of a kernel. */
export class Pipeline<Groups extends readonly Bindings[]> {
  readonly kernel: Kernel<Groups>
  readonly #device: GPUDevice
  readonly #layouts: readonly GPUBindGroupLayout[]
  readonly #pipeline: GPUComputePipeline

  private constructor(
    device: GPUDevice,
    kernel: Kernel<Groups>,
    layouts: readonly GPUBindGroupLayout[],
    pipeline: GPUComputePipeline,
  ) {
    this.#device = device
    this.kernel = kernel
    this.#layouts = layouts
    this.#pipeline = pipeline
  }

  /** @throws GpuFailedError with the compiler's words where the shader does not compile. */
  static async create<Groups extends readonly Bindings[]>(
    device: GPUDevice,
    kernel: Kernel<Groups>,
    constants: Constants,
  ): Promise<Pipeline<Groups>> {
    const code = await linkKernel(kernel)
    const problem = `the kernel ${kernel.name} does not compile`
    const { result, settled } = capture(device, problem, 0, () => {
      const layouts = kernel.groups.map((group, index) => groupLayout(device, `${kernel.name} group ${index}`, group))
      const module = device.createShaderModule({ label: kernel.name, code })
      const pipeline = device.createComputePipelineAsync({
        label: kernel.name,
        layout: device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: layouts }),
        compute: { module, entryPoint: kernel.name, constants: { ...constants } },
      })
      pipeline.catch(() => {}) // heard below, after what the compiler says
      return { layouts, pipeline }
    })
    await settled
    try {
      return new Pipeline(device, kernel, result.layouts, await result.pipeline)
    } catch (error) {
      throw new GpuFailedError(`${problem}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** A bind group: each binding's buffer by name. A `batch` binding also needs the size of its window. */
  bind<Index extends keyof Groups & number>(
    index: Index,
    buffers: Record<Names<Groups[Index]>, GPUBuffer>,
    batchBytes?: number,
  ): GPUBindGroup {
    const group = this.kernel.groups[index] as Bindings
    return this.#device.createBindGroup({
      label: `${this.kernel.name} group ${index}`,
      layout: this.#layouts[index]!,
      entries: Object.entries(group).map(([name, kind], binding) => ({
        binding,
        resource: {
          buffer: (buffers as Record<string, GPUBuffer>)[name]!,
          ...(kind === 'batch' ? { size: batchBytes! } : {}),
        },
      })),
    })
  }

  /**
   * Encodes a dispatch of at least `workgroups` workgroups; none for 0. `batchOffset` goes to the kernel's `batch`
   * binding.
   */
  dispatch(
    pass: GPUComputePassEncoder,
    groups: readonly GPUBindGroup[],
    workgroups: number,
    batchOffset?: number,
  ): void {
    if (workgroups === 0) return
    const size: DispatchSize = planDispatch(workgroups, this.#device.limits.maxComputeWorkgroupsPerDimension)
    pass.setPipeline(this.#pipeline)
    groups.forEach((group, index) => {
      const moves = Object.values(this.kernel.groups[index]!).includes('batch')
      pass.setBindGroup(index, group, moves ? [batchOffset!] : [])
    })
    pass.dispatchWorkgroups(size.x, size.y)
  }
}

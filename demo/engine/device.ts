import { type AdapterDescription, type Gpu, GpuUnavailableError, LowrankError } from '../../src/index.ts'
import type { Machine } from './messages.ts'

/** The GPU at hand; opened again when it was lost. */
export class Device {
  readonly #open: () => Promise<Gpu>
  #opening: Promise<Gpu> | undefined

  constructor(open: () => Promise<Gpu>) {
    this.#open = open
  }

  /** @throws GpuUnavailableError */
  gpu(): Promise<Gpu> {
    this.#opening ??= this.#opened()
    return this.#opening
  }

  /** Leaves a GPU that was lost, so that the next one asked for is another. */
  leave(lost: Gpu): void {
    void this.#opening?.then(
      gpu => {
        if (gpu === lost) this.#forget(gpu)
      },
      () => {},
    )
  }

  async #opened(): Promise<Gpu> {
    try {
      const gpu = await this.#open()
      void gpu.device.lost.then(() => this.#forget(gpu))
      this.#current = gpu
      return gpu
    } catch (error) {
      this.#opening = undefined
      if (error instanceof LowrankError) throw error
      throw new GpuUnavailableError('the GPU does not open', error instanceof Error ? error.message : String(error))
    }
  }

  #current: Gpu | undefined

  #forget(gpu: Gpu): void {
    if (this.#current !== gpu) return
    this.#current = undefined
    this.#opening = undefined
    gpu.destroy()
  }
}

export function machineOf({ capabilities }: Gpu): Machine {
  const { adapter, limits, features } = capabilities
  return {
    name: adapterName(adapter),
    software: adapter.software,
    limits: {
      storageBinding: limits.maxStorageBufferBindingSize,
      buffer: limits.maxBufferSize,
      workgroupStorage: limits.maxComputeWorkgroupStorageSize,
      invocations: limits.maxComputeInvocationsPerWorkgroup,
    },
    features: { ...features },
  }
}

/** Names as their owners write them, by the lower case words that browsers give. */
const spellings: Record<string, string> = {
  amd: 'AMD',
  arm: 'Arm',
  gcn: 'GCN',
  img: 'Imagination',
  nvidia: 'NVIDIA',
  rdna: 'RDNA',
  swiftshader: 'SwiftShader',
}

/** The name of an adapter for people; never empty. */
export function adapterName({ vendor, architecture, description }: Omit<AdapterDescription, 'software'>): string {
  if (description !== '') return description
  const words = architecture.toLowerCase() === 'swiftshader' ? [architecture] : [vendor, ...architecture.split('-')]
  const named = words.filter(word => word !== '').map(spelled)
  return named.length === 0 ? 'A GPU that the browser does not name' : named.join(' ')
}

const spelled = (word: string) => spellings[word.toLowerCase()] ?? word.charAt(0).toUpperCase() + word.slice(1)

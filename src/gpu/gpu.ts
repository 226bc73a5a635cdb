import { DeviceLostError, GpuUnavailableError } from '../errors.ts'
import type { HostThreads } from '../layout/threads.ts'
import { BufferOwner, type Ledger } from './buffers.ts'
import { type Capabilities, describeDevice, plannedLimits, usedFeatures } from './capabilities.ts'
import { capture } from './capture.ts'
import { type Bindings, type Constants, type Kernel, Pipeline } from './kernel.ts'
import { Readback } from './readback.ts'

/** How to wait for the GPU; the default just awaits. Node's binding needs another way, see `lowrank/node`. */
export type Wait = <T>(promise: Promise<T>) => Promise<T>

export interface OpenOptions {
  powerPreference?: GPUPowerPreference | undefined
}

/** Where the adapter comes from and how its promises are waited for; `lowrank/node` fills these in for Node. */
export interface Platform {
  provider?: GPU | undefined
  wait?: Wait | undefined
  /**
   * Threads that entries are packed and parameters drawn on.
   * @internal
   */
  threads?: HostThreads | undefined
  /** Called once, last in `destroy`. */
  release?: (() => void) | undefined
}

/** Milliseconds that an error which may be due to the loss of the device waits for word of it. */
const lossPatience = 5000

interface Ownership extends Omit<Platform, 'provider'> {
  /** Whether `destroy` also destroys the device. */
  ownsDevice: boolean
}

/**
 * A device with what lowrank keeps beside it: capabilities, compiled pipelines, a ledger of buffers, readback. Give it
 * to `fit` and to models; call `destroy` when done.
 */
export class Gpu {
  readonly device: GPUDevice
  readonly capabilities: Capabilities
  readonly #ownership: Ownership
  readonly #ledger: Ledger = { liveBytes: 0 }
  readonly #pipelines = new Map<string, Promise<Pipeline<readonly Bindings[]>>>()
  readonly #own: BufferOwner
  readonly #readback: Readback
  #lost: GPUDeviceLostInfo | undefined
  /** What ends the waits under way when the device is lost: not every driver settles what is pending then. */
  readonly #waiting = new Set<() => void>()

  constructor(device: GPUDevice, ownership: Ownership) {
    this.device = device
    this.capabilities = describeDevice(device)
    this.#ownership = ownership
    this.#own = this.buffers()
    this.#readback = new Readback(device, this.#own, promise => this.wait(promise))
    void device.lost.then(info => {
      this.#lost = info
      for (const giveUp of this.#waiting) giveUp()
    })
  }

  /**
   * Opens a device with the adapter's limits and the features that lowrank can use.
   * @param platform `navigator.gpu`, unless given.
   * @throws GpuUnavailableError where there is no WebGPU or no adapter.
   */
  static async open(options: OpenOptions = {}, platform: Platform = {}): Promise<Gpu> {
    const { wait, threads, release } = platform
    const provider = platform.provider ?? (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu
    if (provider === undefined) {
      throw new GpuUnavailableError(
        'WebGPU is not available here',
        'In a page it needs a secure context (https or localhost) and a browser with WebGPU; in Node use openGpu from lowrank/node.',
      )
    }
    const adapter = await provider.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' })
    if (adapter === null) {
      throw new GpuUnavailableError(
        'no GPU adapter was found',
        'In Node: `npx lowrank doctor` says what is missing. In a browser: see its GPU status page (chrome://gpu, about:support).',
      )
    }
    const device = await adapter.requestDevice({
      label: 'lowrank',
      requiredFeatures: usedFeatures.filter(feature => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(plannedLimits.map(name => [name, adapter.limits[name]])),
    })
    return new Gpu(device, { ownsDevice: true, wait, threads, release })
  }

  /** Uses a device of the caller's, which stays the caller's: `destroy` leaves it alive. */
  static from(device: GPUDevice, wait?: Wait): Gpu {
    return new Gpu(device, { ownsDevice: false, wait })
  }

  /** Bytes in buffers made through this object that are not destroyed yet. */
  get liveBytes(): number {
    return this.#ledger.liveBytes
  }

  /**
   * Threads of the host that entries are packed and parameters drawn on.
   * @internal
   */
  get threads(): HostThreads | undefined {
    return this.#ownership.threads
  }

  /** A new owner for buffers. */
  buffers(): BufferOwner {
    return new BufferOwner(this.device, this.capabilities.limits, this.#ledger)
  }

  /** The compiled variant of a kernel; compiled once for each set of conditions, sizes and constants. */
  pipeline<Groups extends readonly Bindings[]>(
    kernel: Kernel<Groups>,
    constants: Constants = {},
  ): Promise<Pipeline<Groups>> {
    const key = JSON.stringify([kernel.name, kernel.conditions, kernel.sizes, constants])
    let pipeline = this.#pipelines.get(key)
    if (pipeline === undefined) {
      const compiled = this.wait(Pipeline.create(this.device, kernel, constants))
      pipeline = compiled as unknown as Promise<Pipeline<readonly Bindings[]>>
      this.#pipelines.set(key, pipeline)
      pipeline.catch(() => this.#pipelines.delete(key))
    }
    return pipeline as unknown as Promise<Pipeline<Groups>>
  }

  /** Reads the first `bytes` bytes of a storage buffer, after all work submitted before. */
  read(source: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    return this.#readback.read(source, bytes)
  }

  /**
   * Waits for a GPU promise.
   * @throws DeviceLostError where the device is lost before or meanwhile.
   */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const { promise: ended, end } = this.#endOnLoss(promise)
    try {
      return await (this.#ownership.wait?.(ended) ?? ended)
    } catch (error) {
      await this.#lossBehind(error)
      if (this.#lost !== undefined) throw new DeviceLostError(this.#lost.message || this.#lost.reason)
      throw error
    } finally {
      this.#waiting.delete(end)
    }
  }

  /** A lost device rejects what is pending with errors of its own, in a busy browser long before `lost` itself settles. */
  async #lossBehind(error: unknown): Promise<void> {
    const mayBe = ['AbortError', 'OperationError'].includes((error as Partial<Error> | undefined)?.name ?? '')
    let timer: ReturnType<typeof setTimeout> | undefined
    const patience = new Promise(resolve => {
      timer = setTimeout(resolve, mayBe ? lossPatience : 0)
    })
    await Promise.race([this.device.lost, patience])
    clearTimeout(timer)
  }

  #endOnLoss<T>(promise: Promise<T>): { promise: Promise<T>; end: () => void } {
    let end = () => {}
    const ended = new Promise<T>((resolve, reject) => {
      end = () => reject(new Error('the device is lost'))
      promise.then(resolve, reject)
    })
    this.#waiting.add(end)
    if (this.#lost !== undefined) end()
    return { promise: ended, end }
  }

  /** Waits until all submitted work is done. */
  async idle(): Promise<void> {
    await this.wait(this.device.queue.onSubmittedWorkDone())
  }

  /**
   * Runs synchronous WebGPU calls and turns what goes wrong in them into exceptions.
   * @throws OutOfMemoryError, GpuFailedError, DeviceLostError
   */
  async checked<T>(what: string, calls: () => T): Promise<T> {
    const { result, settled } = capture(this.device, what, 0, calls)
    await this.wait(settled)
    return result
  }

  /**
   * Waits until the buffers of an owner are known to be good.
   * @throws OutOfMemoryError, GpuFailedError, DeviceLostError
   */
  settle(buffers: BufferOwner): Promise<void> {
    return this.wait(buffers.settled())
  }

  /** Frees what this object holds, and the device if it was opened here. */
  destroy(): void {
    this.#pipelines.clear()
    this.#own.destroy()
    if (this.#ownership.ownsDevice) this.device.destroy()
    this.#ownership.release?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.destroy()
  }
}

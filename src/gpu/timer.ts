import type { BufferOwner } from './buffers.ts'
import type { Capabilities } from './capabilities.ts'
import type { Gpu } from './gpu.ts'

const capacity = 1024

/** Bytes of a timer's buffers. */
export const timerBytes = ({ features }: Pick<Capabilities, 'features'>): number =>
  features.timestamps ? 16 * capacity : 0

/** Sums the GPU time of compute passes by timestamp queries, where the device has them. */
export class GpuTimer {
  readonly #gpu: Gpu
  readonly #queries: GPUQuerySet | undefined
  readonly #results: GPUBuffer | undefined
  #passes = 0

  constructor(gpu: Gpu, buffers: BufferOwner) {
    this.#gpu = gpu
    if (!gpu.capabilities.features.timestamps) return
    this.#queries = gpu.device.createQuerySet({ label: 'pass times', type: 'timestamp', count: 2 * capacity })
    this.#results = buffers.queryResults('pass times', 16 * capacity)
  }

  /** To spread into the descriptor of a compute pass that is to be timed. */
  next(): { timestampWrites?: GPUComputePassTimestampWrites } {
    const pass = this.#passes++
    if (this.#queries === undefined || pass >= capacity) return {}
    return {
      timestampWrites: {
        querySet: this.#queries,
        beginningOfPassWriteIndex: 2 * pass,
        endOfPassWriteIndex: 2 * pass + 1,
      },
    }
  }

  /** Seconds since the last call; undefined without timestamps or past 1024 passes. */
  async seconds(): Promise<number | undefined> {
    const passes = this.#passes
    this.#passes = 0
    if (this.#queries === undefined || passes === 0 || passes > capacity) return undefined
    const encoder = this.#gpu.device.createCommandEncoder({ label: 'pass times' })
    encoder.resolveQuerySet(this.#queries, 0, 2 * passes, this.#results!, 0)
    this.#gpu.device.queue.submit([encoder.finish()])
    const times = new BigUint64Array(await this.#gpu.read(this.#results!, 16 * passes))
    let nanoseconds = 0n
    for (let pass = 0; pass < passes; pass++) {
      const time = times[2 * pass + 1]! - times[2 * pass]!
      if (time > 0n) nanoseconds += time
    }
    return Number(nanoseconds) / 1e9
  }

  destroy(): void {
    this.#queries?.destroy()
  }
}

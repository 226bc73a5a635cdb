import type { BufferOwner } from '../gpu/buffers.ts'
import type { DeviceLimits } from '../gpu/capabilities.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'
import { residualsBatch } from '../kernels/residuals.ts'
import { sideBatchStruct } from '../kernels/structs.ts'
import { type BatchLayout, runBounds, segmentCount } from '../layout/batches.ts'
import { type BatchTable, entryWords, runWords } from './batch-tables.ts'
import type { StepPlaces } from './entry-store.ts'

/** What a batch's step multiplies with; it changes from batch to batch and from epoch to epoch. */
export interface StepScale {
  /** Factor of the learning rates. */
  rate: number
  /** Adam's 1 - beta_1^t and 1 - beta_2^t; 1 without. */
  correction1: number
  correction2: number
}

const sides = ['users', 'items'] as const

/** Bytes that a `batch` binding of any of the kernels sees. */
export const windowBytes = 16 * Math.ceil(Math.max(residualsBatch.size, sideBatchStruct.size) / 16)

const strideOf = ({ minUniformBufferOffsetAlignment: alignment }: DeviceLimits) =>
  alignment * Math.ceil(windowBytes / alignment)

/** Bytes of the windows of so many batches over so many shards a side. */
export const windowsBytes = (
  batches: number,
  shards: Record<'users' | 'items', number>,
  limits: DeviceLimits,
): number => (1 + shards.users + shards.items) * batches * strideOf(limits)

/**
 * One uniform buffer with the windows of every batch, bound by dynamic offsets and written once an epoch: one for its
 * residuals, and for each side one a shard.
 */
export class BatchWindows {
  readonly buffer: GPUBuffer
  readonly #gpu: Gpu
  readonly #layout: BatchLayout
  readonly #windows: number
  readonly #stride: number
  readonly #bytes: ArrayBuffer
  readonly #partialStart: readonly number[]
  readonly #meanGradient: boolean

  /**
   * @param partialStart first pair of each batch in the table of partial sums
   * @param meanGradient whether a step takes the gradient of the batch's mean squared error, not of half its sum
   */
  constructor(
    gpu: Gpu,
    buffers: BufferOwner,
    layout: BatchLayout,
    partialStart: readonly number[],
    meanGradient: boolean,
  ) {
    const { limits } = gpu.capabilities
    const { users, items } = layout
    const shards = { users: users.shards, items: items.shards }
    this.#gpu = gpu
    this.#layout = layout
    this.#windows = 1 + users.shards + items.shards
    this.#partialStart = partialStart
    this.#meanGradient = meanGradient
    this.#stride = strideOf(limits)
    this.#bytes = new ArrayBuffer(windowsBytes(layout.batchCount, shards, limits))
    this.buffer = buffers.uniform('batches', this.#bytes)
  }

  residuals(batch: number): number {
    return this.#windows * batch * this.#stride
  }

  /** That of a batch's rows in one shard of a side; what holds for all of its rows, any of them says. */
  side(batch: number, name: (typeof sides)[number], shard = 0): number {
    const before = name === 'users' ? 1 : 1 + this.#layout.users.shards
    return this.residuals(batch) + (before + shard) * this.#stride
  }

  /**
   * Writes the windows of all batches.
   * @param scaleOf the scale of each batch's step
   * @param places of the batches in this epoch
   */
  write(scaleOf: (batch: number) => StepScale, { start }: Pick<StepPlaces<BatchTable>, 'start'>): void {
    const view = new DataView(this.#bytes)
    const { batchCount, entryStart } = this.#layout
    for (let batch = 0; batch < batchCount; batch++) {
      const entry_start = start.entries[batch]! / entryWords
      const count = entryStart[batch + 1]! - entryStart[batch]!
      residualsBatch.write(view, this.residuals(batch), {
        entry_start,
        entry_count: count,
        partial_start: this.#partialStart[batch]!,
      })
      const scale = scaleOf(batch)
      for (const name of sides) {
        const side = this.#layout[name]
        const first_run = start[`${name}-runs`][batch]! / runWords
        const common = {
          first_run,
          segment_start: start[`${name}-segments`][batch]!,
          entry_start,
          segment_count: segmentCount(side, batch),
          gradient_scale: this.#meanGradient ? 2 / count : 1,
          rate: scale.rate,
          correction_1: scale.correction1,
          correction_2: scale.correction2,
        }
        for (let shard = 0; shard < side.shards; shard++) {
          const [first, end] = runBounds(side, batch, shard)
          const own = { run_start: first_run + first, run_count: end - first }
          sideBatchStruct.write(view, this.side(batch, name, shard), { ...common, ...own })
        }
      }
    }
    writeBuffer(this.#gpu.device.queue, this.buffer, 0, this.#bytes)
  }
}

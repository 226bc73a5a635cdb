import type { BufferOwner } from '../gpu/buffers.ts'
import type { DeviceLimits } from '../gpu/capabilities.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { residualsBatch } from '../kernels/residuals.ts'
import { sideBatchStruct } from '../kernels/structs.ts'
import type { BatchLayout, SideLayout } from '../layout/batches.ts'

/** What a batch's step multiplies with; it changes from batch to batch and from epoch to epoch. */
export interface StepScale {
  /** Factor of the learning rates. */
  rate: number
  /** Adam's 1 - beta_1^t and 1 - beta_2^t; 1 without. */
  correction1: number
  correction2: number
}

const windows = ['residuals', 'users', 'items'] as const

/** Bytes that a `batch` binding of any of the kernels sees. */
export const windowBytes = 16 * Math.ceil(Math.max(residualsBatch.size, sideBatchStruct.size) / 16)

const strideOf = ({ minUniformBufferOffsetAlignment: alignment }: DeviceLimits) =>
  alignment * Math.ceil(windowBytes / alignment)

/** Bytes of the windows of so many batches. */
export const windowsBytes = (batches: number, limits: DeviceLimits): number =>
  windows.length * batches * strideOf(limits)

/** One uniform buffer with the three windows of every batch, bound by dynamic offsets and written once an epoch. */
export class BatchWindows {
  readonly buffer: GPUBuffer
  readonly #gpu: Gpu
  readonly #layout: BatchLayout
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
    this.#gpu = gpu
    this.#layout = layout
    this.#partialStart = partialStart
    this.#meanGradient = meanGradient
    this.#stride = strideOf(limits)
    this.#bytes = new ArrayBuffer(windowsBytes(layout.batchCount, limits))
    this.buffer = buffers.uniform('batches', this.#bytes)
  }

  offset(batch: number, window: (typeof windows)[number]): number {
    return (windows.length * batch + windows.indexOf(window)) * this.#stride
  }

  /** Writes the windows of all batches; `scaleOf` gives the scale of each batch's step. */
  write(scaleOf: (batch: number) => StepScale): void {
    const view = new DataView(this.#bytes)
    const { batchCount, entryStart } = this.#layout
    for (let batch = 0; batch < batchCount; batch++) {
      const start = entryStart[batch]!
      const count = entryStart[batch + 1]! - start
      residualsBatch.write(view, this.offset(batch, 'residuals'), {
        entry_start: start,
        entry_count: count,
        partial_start: this.#partialStart[batch]!,
      })
      const scale = scaleOf(batch)
      const common = {
        entry_start: start,
        gradient_scale: this.#meanGradient ? 2 / count : 1,
        rate: scale.rate,
        correction_1: scale.correction1,
        correction_2: scale.correction2,
      }
      for (const side of ['users', 'items'] as const) {
        sideBatchStruct.write(view, this.offset(batch, side), { ...span(this.#layout[side], batch), ...common })
      }
    }
    this.#gpu.device.queue.writeBuffer(this.buffer, 0, this.#bytes)
  }
}

function span(side: SideLayout, batch: number) {
  const runStart = side.runStart[batch]!
  const segmentStart = side.segmentStart[batch]!
  return {
    run_start: runStart,
    run_count: side.runStart[batch + 1]! - runStart,
    segment_start: segmentStart,
    segment_count: side.segmentStart[batch + 1]! - segmentStart,
  }
}

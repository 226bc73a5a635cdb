import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'
import { paddedFactors, padRows, trimRows } from '../layout/padding.ts'
import { cutRows, type RowSpan, spanOf } from '../layout/shards.ts'
import type { BufferKind, BufferPlan } from './buffer-plan.ts'

/** Bytes of padded rows that go to the GPU in one call. */
const pieceBytes = 32 * 2 ** 20

/** Some rows of one side, in buffers that each fit a binding. */
export interface SideShard extends RowSpan {
  factors: GPUBuffer
  bias: GPUBuffer
}

export interface SideShape {
  /** users or items */
  rows: number
  /** k */
  factors: number
}

/** How a side is cut into shards, and bytes of a row of factors. */
function cutSide(
  buffers: Pick<BufferOwner, 'mostRows'>,
  label: string,
  { rows, factors }: SideShape,
  rowBytes: number,
) {
  const stride = 4 * paddedFactors(factors)
  return { stride, spans: cutRows(rows, buffers.mostRows(`${label}-factors`, Math.max(stride, rowBytes))) }
}

/** The buffers of a `SideTable`; returns its shards. */
export function planSide(
  plan: BufferPlan,
  kind: BufferKind,
  label: string,
  shape: SideShape,
  rowBytes: number,
): RowSpan[] {
  const { stride, spans } = cutSide(plan, label, shape, rowBytes)
  for (const { rows } of spans) {
    plan.storage(kind, `${label}-factors`, rows * stride)
    plan.storage(kind, `${label}-bias`, 4 * rows)
  }
  return spans
}

/**
 * One side of a model on the GPU: rows of factors padded to whole vec4s, biases beside them, cut by rows into shards where
 * the factors are too large for one binding.
 */
export class SideTable {
  readonly shape: SideShape
  readonly shards: readonly SideShard[]
  readonly #rowBytes: number

  /**
   * Zeroed, owned by `buffers`.
   * @param rowBytes of a row in the widest table that is cut alike
   * @throws LimitExceededError where a single row does not fit
   */
  constructor(buffers: BufferOwner, label: string, shape: SideShape, rowBytes = 0) {
    const { stride, spans } = cutSide(buffers, label, shape, rowBytes)
    this.#rowBytes = rowBytes
    this.shape = shape
    this.shards = spans.map((span, at) => {
      const shard = spans.length === 1 ? '' : ` ${at + 1} of ${spans.length}`
      return {
        ...span,
        factors: buffers.storage(`${label}-factors${shard}`, span.rows * stride),
        bias: buffers.storage(`${label}-bias${shard}`, 4 * span.rows),
      }
    })
  }

  /** Bytes of factors. */
  get bytes(): number {
    return this.shape.rows * 4 * paddedFactors(this.shape.factors)
  }

  /** The shard that a row lies in. */
  shardOf(row: number): number {
    return spanOf(this.shards, row)
  }

  /** Another table of the same shape, in the same shards. */
  alike(buffers: BufferOwner, label: string): SideTable {
    return new SideTable(buffers, label, this.shape, this.#rowBytes)
  }

  /** @param factors rows x k, tight */
  write(gpu: Gpu, factors: Float32Array, bias: Float32Array): void {
    const { queue } = gpu.device
    const k = this.shape.factors
    const stride = 4 * paddedFactors(k)
    const pieces = Math.max(1, Math.floor(pieceBytes / stride))
    for (const shard of this.shards) {
      for (const { first, rows } of cutRows(shard.rows, pieces)) {
        const from = shard.first + first
        const tight = factors.subarray(from * k, (from + rows) * k)
        const padded = stride === 4 * k ? tight : padRows(tight, rows, k)
        writeBuffer(queue, shard.factors, first * stride, padded)
      }
      writeBuffer(queue, shard.bias, 0, bias.subarray(shard.first, shard.first + shard.rows))
    }
  }

  /** Rows x k, tight, and the biases. */
  async read(gpu: Gpu): Promise<{ factors: Float32Array; bias: Float32Array }> {
    const { rows: count, factors: k } = this.shape
    const factors = new Float32Array(count * k)
    const bias = new Float32Array(count)
    for (const { first, rows, ...shard } of this.shards) {
      const padded = new Float32Array(await gpu.read(shard.factors, rows * 4 * paddedFactors(k)))
      trimRows(padded, rows, k, factors.subarray(first * k, (first + rows) * k))
      bias.set(new Float32Array(await gpu.read(shard.bias, 4 * rows)), first)
    }
    return { factors, bias }
  }

  /** Encodes a copy into a table in the same shards. */
  copyTo(encoder: GPUCommandEncoder, target: SideTable): void {
    this.shards.forEach((shard, at) => {
      for (const part of ['factors', 'bias'] as const) {
        encoder.copyBufferToBuffer(shard[part], 0, target.shards[at]![part], 0, shard[part].size)
      }
    })
  }
}

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { gatherRows, movingStruct, scatterRows } from '../kernels/move_rows.ts'
import { workgroupSize } from '../kernels/shared.ts'
import { type RowSpan, spanOf } from '../layout/shards.ts'

/** Rows and what is beside each: biases of a model, states of slots. */
export interface RowBuffers {
  factors: GPUBuffer
  beside: GPUBuffer
}

/** Ways of chosen rows, shard by shard. */
export interface MoveList {
  /** (row of its shard, its place among the chosen ones) of each. */
  moves: Uint32Array<ArrayBuffer>
  /** The first of each shard, and the end. */
  start: readonly number[]
}

/** @param rows of a table; each goes to its place among them */
export function listRowMoves(shards: readonly RowSpan[], rows: Uint32Array): MoveList {
  const shardOf = Uint32Array.from(rows, row => spanOf(shards, row))
  const start = new Array<number>(shards.length + 1).fill(0)
  for (let place = 0; place < rows.length; place++) start[shardOf[place]! + 1]!++
  for (let shard = 0; shard < shards.length; shard++) start[shard + 1]! += start[shard]!
  const next = start.slice()
  const moves = new Uint32Array(2 * rows.length)
  for (let place = 0; place < rows.length; place++) {
    const shard = shardOf[place]!
    const at = next[shard]!++
    moves[2 * at] = rows[place]! - shards[shard]!.first
    moves[2 * at + 1] = place
  }
  return { moves, start }
}

/** The way from some rows of a table's shards to a table of those rows alone, and back. */
export interface RowMoves {
  encodeGather(pass: GPUComputePassEncoder): void
  encodeScatter(pass: GPUComputePassEncoder): void
}

type Moving = Pipeline<typeof gatherRows.model.groups>

/** Makes ways between shards and tables of chosen rows. */
export class RowMover {
  readonly #buffers: BufferOwner
  readonly #label: string
  readonly #gather: Moving
  readonly #scatter: Moving
  readonly #invocations: number

  private constructor(buffers: BufferOwner, label: string, gather: Moving, scatter: Moving, invocations: number) {
    this.#buffers = buffers
    this.#label = label
    this.#gather = gather
    this.#scatter = scatter
    this.#invocations = invocations
  }

  /** @param blocksPerRow vec4s in a row */
  static async create(
    gpu: Gpu,
    buffers: BufferOwner,
    label: string,
    kind: keyof typeof gatherRows,
    blocksPerRow: number,
  ): Promise<RowMover> {
    const constants = { FACTOR_BLOCKS: blocksPerRow }
    const gather = await gpu.pipeline(gatherRows[kind], constants)
    const scatter = await gpu.pipeline(scatterRows[kind], constants)
    return new RowMover(buffers, label, gather, scatter, blocksPerRow + 1)
  }

  /** @param moves holds what is listed */
  bind(
    shards: readonly (RowSpan & RowBuffers)[],
    chosen: RowBuffers,
    { start }: Pick<MoveList, 'start'>,
    moves: GPUBuffer,
  ): RowMoves {
    const dispatches = shards.flatMap(({ factors, beside }, shard) => {
      const first = start[shard]!
      const count = start[shard + 1]! - first
      if (count === 0) return []
      const bound = {
        factors,
        beside,
        gathered: chosen.factors,
        gathered_beside: chosen.beside,
        moves,
        moving: this.#buffers.uniform(`${this.#label} moving`, movingStruct.pack({ moves: count, first })),
      }
      const workgroups = Math.ceil((count * this.#invocations) / workgroupSize)
      return [{ there: this.#gather.bind(0, bound), back: this.#scatter.bind(0, bound), workgroups }]
    })
    return {
      encodeGather: pass => {
        for (const { there, workgroups } of dispatches) this.#gather.dispatch(pass, [there], workgroups)
      },
      encodeScatter: pass => {
        for (const { back, workgroups } of dispatches) this.#scatter.dispatch(pass, [back], workgroups)
      },
    }
  }
}

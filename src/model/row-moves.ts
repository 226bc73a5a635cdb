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

  /** @param rows of the table; each goes to its place among them */
  moves(shards: readonly (RowSpan & RowBuffers)[], chosen: RowBuffers, rows: Uint32Array): RowMoves {
    const own: number[][] = shards.map(() => [])
    rows.forEach((row, place) => {
      const shard = spanOf(shards, row)
      own[shard]!.push(row - shards[shard]!.first, place)
    })
    const dispatches = own.flatMap((moves, shard) => {
      if (moves.length === 0) return []
      const { factors, beside } = shards[shard]!
      const count = moves.length / 2
      const bound = {
        factors,
        beside,
        gathered: chosen.factors,
        gathered_beside: chosen.beside,
        moves: this.#buffers.upload(`${this.#label}-moves`, Uint32Array.from(moves)),
        moving: this.#buffers.uniform(`${this.#label} moving`, movingStruct.pack({ moves: count })),
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

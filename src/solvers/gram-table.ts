import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { productColumns } from '../kernels/als_product.ts'
import { gram, gramRows } from '../kernels/gram.ts'
import { gramSum } from '../kernels/gram_sum.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'
import { gramShapeStruct } from '../kernels/structs.ts'
import type { RowSpan } from '../layout/shards.ts'
import type { BufferPlan } from '../model/buffer-plan.ts'
import type { SideShape, SideTable } from '../model/side-table.ts'

/** Rows of the table in a chunk at least, and chunks at most: what fills a large GPU without many parts to add. */
const leastChunk = 256
const mostChunks = 128

/** Bytes of the parts at most. */
const partsBytes = 64 * 2 ** 20

/** A table whose Gram matrix is wanted. */
export interface GramInput {
  label: string
  table: Pick<SideTable, 'shape' | 'shards'>
  /** Multiply-adds that a dispatch may take. */
  work: number
}

/** What decides how a table is cut. */
export interface GramShape {
  table: { shape: SideShape; shards: readonly RowSpan[] }
  work: number
}

/** How a table is cut: sizes in rows and chunks, and the dispatches of `gram`, from chunk `first` on up to `end`. */
function cutTable({ table, work }: GramShape) {
  const { rows, factors } = table.shape
  const blocks = factorBlocks(factors)
  const bytes = 64 * blocks * blocks
  const chunks = Math.max(1, Math.min(mostChunks, Math.floor(partsBytes / bytes), Math.ceil(rows / leastChunk)))
  const chunk = Math.ceil(rows / chunks)
  const together = Math.max(1, Math.floor(work / (chunk * 16 * blocks * blocks)))
  const parts: { shard: number; first: number; end: number; count: number }[] = []
  table.shards.forEach((span, shard) => {
    const end = Math.min(chunks, Math.ceil((span.first + span.rows) / chunk))
    for (let first = Math.floor(span.first / chunk); first < end; first += together) {
      parts.push({ shard, first, end, count: Math.min(together, end - first) })
    }
  })
  // Rows of zeros up to a whole number of the columns that the product takes at a time.
  const padded = productColumns * Math.ceil((4 * blocks) / productColumns)
  return { blocks, chunks, chunk, parts, matrixBytes: 16 * padded * blocks, partsBytes: chunks * bytes }
}

/** The buffers of a `GramTable`; returns its dispatches. */
export function planGram(plan: BufferPlan, input: GramShape): number {
  const { matrixBytes, partsBytes, parts } = cutTable(input)
  plan.storage('scratch', 'gram', matrixBytes)
  plan.storage('scratch', 'gram parts', partsBytes)
  const dispatches = parts.length + 1
  for (let shape = 0; shape < dispatches; shape++) plan.uniform('scratch', 'gram shape', gramShapeStruct.size)
  return dispatches
}

/** The Gram matrix G = Q^T Q of a table of factors, k x k padded to whole vec4s. */
export class GramTable {
  readonly matrix: GPUBuffer
  /** Dispatches in their order. */
  readonly steps: readonly ((pass: GPUComputePassEncoder) => void)[]

  private constructor(matrix: GPUBuffer, steps: GramTable['steps']) {
    this.matrix = matrix
    this.steps = steps
  }

  static async create(gpu: Gpu, buffers: BufferOwner, { label, table, work }: GramInput): Promise<GramTable> {
    const { blocks, chunks, chunk, parts: cut, matrixBytes, partsBytes } = cutTable({ table, work })
    const matrix = buffers.storage(`${label}-gram`, matrixBytes)
    const parts = buffers.storage(`${label}-gram parts`, partsBytes)
    const [partial, sum] = await Promise.all([gpu.pipeline(gram), gpu.pipeline(gramSum)])
    const shapeFrom = (shard: RowSpan, first: number, end: number) =>
      buffers.uniform(
        `${label}-gram shape`,
        gramShapeStruct.pack({
          table_rows: shard.rows,
          chunk,
          chunks: end,
          first_chunk: first,
          blocks,
          first_row: shard.first,
        }),
      )
    const tiles = Math.ceil((4 * blocks) / gramRows) * Math.ceil(blocks / workgroupSize)
    const steps: GramTable['steps'][number][] = []
    for (const { shard: at, first, end, count } of cut) {
      const shard = table.shards[at]!
      const group = partial.bind(0, { table: shard.factors, parts, shape: shapeFrom(shard, first, end) })
      steps.push(pass => partial.dispatch(pass, [group], count * tiles))
    }
    const sumGroup = sum.bind(0, {
      parts,
      gram_matrix: matrix,
      shape: shapeFrom({ first: 0, rows: table.shape.rows }, 0, chunks),
    })
    steps.push(pass => sum.dispatch(pass, [sumGroup], Math.ceil((4 * blocks * blocks) / workgroupSize)))
    return new GramTable(matrix, steps)
  }
}

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { productColumns } from '../kernels/als_product.ts'
import { gram, gramRows } from '../kernels/gram.ts'
import { gramSum } from '../kernels/gram_sum.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'
import { gramShapeStruct } from '../kernels/structs.ts'

/** Rows of the table in a chunk at least, and chunks at most: what fills a large GPU without many parts to add. */
const leastChunk = 256
const mostChunks = 128

/** Bytes of the parts at most. */
const partsBytes = 64 * 2 ** 20

/** The Gram matrix G = Q^T Q of a table of factors, k x k padded to whole vec4s. */
export class GramTable {
  readonly matrix: GPUBuffer
  readonly encode: (pass: GPUComputePassEncoder) => void

  private constructor(matrix: GPUBuffer, encode: (pass: GPUComputePassEncoder) => void) {
    this.matrix = matrix
    this.encode = encode
  }

  static async create(
    gpu: Gpu,
    buffers: BufferOwner,
    label: string,
    table: GPUBuffer,
    rows: number,
    factors: number,
  ): Promise<GramTable> {
    const blocks = factorBlocks(factors)
    const bytes = 64 * blocks * blocks
    const chunks = Math.max(1, Math.min(mostChunks, Math.floor(partsBytes / bytes), Math.ceil(rows / leastChunk)))
    const chunk = Math.ceil(rows / chunks)
    // Rows of zeros up to a whole number of the columns that the product takes at a time.
    const padded = productColumns * Math.ceil((4 * blocks) / productColumns)
    const matrix = buffers.storage(`${label}-gram`, 16 * padded * blocks)
    const parts = buffers.storage(`${label}-gram parts`, chunks * bytes)
    const shape = buffers.uniform(
      `${label}-gram shape`,
      gramShapeStruct.pack({ table_rows: rows, chunk, chunks, blocks }),
    )
    const [partial, sum] = await Promise.all([gpu.pipeline(gram), gpu.pipeline(gramSum)])
    const partialGroup = partial.bind(0, { table, parts, shape })
    const sumGroup = sum.bind(0, { parts, gram_matrix: matrix, shape })
    const tiles = Math.ceil((4 * blocks) / gramRows) * Math.ceil(blocks / workgroupSize)
    return new GramTable(matrix, pass => {
      partial.dispatch(pass, [partialGroup], chunks * tiles)
      sum.dispatch(pass, [sumGroup], Math.ceil((4 * blocks * blocks) / workgroupSize))
    })
  }
}

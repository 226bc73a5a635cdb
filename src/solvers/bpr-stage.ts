import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { workgroupSize } from '../kernels/shared.ts'
import { sampleStagingStruct, stageSamples } from '../kernels/stage_samples.ts'
import type { SideTable } from '../model/side-table.ts'

/** One side's factors and biases, as a walk sees them. */
export interface WalkTable {
  factors: GPUBuffer
  bias: GPUBuffer
}

type Encode = (pass: GPUComputePassEncoder) => void

/** Rows of a block's samples, brought from the shards of their table to one that a walk sees. */
export class SampleRows {
  readonly table: WalkTable
  readonly #buffers: BufferOwner
  readonly #pipeline: Pipeline<typeof stageSamples.groups>
  readonly #blocksPerRow: number

  private constructor(
    buffers: BufferOwner,
    pipeline: Pipeline<typeof stageSamples.groups>,
    table: WalkTable,
    blocksPerRow: number,
  ) {
    this.#buffers = buffers
    this.#pipeline = pipeline
    this.table = table
    this.#blocksPerRow = blocksPerRow
  }

  /** @param rows that the table has room for */
  static async create(
    gpu: Gpu,
    buffers: BufferOwner,
    label: string,
    rows: number,
    blocksPerRow: number,
  ): Promise<SampleRows> {
    const pipeline = await gpu.pipeline(stageSamples, { FACTOR_BLOCKS: blocksPerRow })
    const table = {
      factors: buffers.storage(`${label} of samples`, 16 * blocksPerRow * rows),
      bias: buffers.storage(`${label} biases of samples`, 4 * rows),
    }
    return new SampleRows(buffers, pipeline, table, blocksPerRow)
  }

  /**
   * A dispatch for each shard.
   * @param count samples
   * @param word which of a sample's rows
   * @param places of the first sample's row, and from one sample's to the next one's
   */
  bind(
    from: SideTable,
    samples: GPUBuffer,
    count: number,
    word: 0 | 1,
    places: { start: number; stride: number },
  ): Encode {
    const groups = from.shards.map(({ first, rows, factors, bias }) =>
      this.#pipeline.bind(0, {
        samples,
        factors,
        bias,
        staged: this.table.factors,
        staged_bias: this.table.bias,
        staging: this.#buffers.uniform(
          'sample staging',
          sampleStagingStruct.pack({ first, rows, samples: count, word, ...places }),
        ),
      }),
    )
    const workgroups = Math.ceil((count * (this.#blocksPerRow + 1)) / workgroupSize)
    return pass => {
      for (const group of groups) this.#pipeline.dispatch(pass, [group], workgroups)
    }
  }
}

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { type AlsSideInput, type Encode, Scratch } from './als-blocks.ts'
import { conjugateGradient } from './als-cg.ts'
import { cholesky } from './als-exact.ts'
import { BlockTables } from './als-shards.ts'

/** Half an iteration: the rows of one side, solved against the other. */
export class AlsSide {
  /** Dispatches in their order; the caller decides how many go into one submit. */
  readonly steps: readonly Encode[]
  /** The end of each block's. */
  readonly ends: readonly number[]
  /** The row of each pair of `sums`. */
  readonly rows: Uint32Array
  readonly #figures: { blocks: number; segments: number }

  private constructor(
    { steps, ends }: Pick<AlsSide, 'steps' | 'ends'>,
    rows: Uint32Array,
    figures: { blocks: number; segments: number },
  ) {
    this.steps = steps
    this.ends = ends
    this.rows = rows
    this.#figures = figures
  }

  get blocks(): number {
    return this.#figures.blocks
  }

  /** Segments of rows that are shared out; 0 where every row is the work of one workgroup. */
  get segments(): number {
    return this.#figures.segments
  }

  static async create(gpu: Gpu, buffers: BufferOwner, input: AlsSideInput): Promise<AlsSide> {
    const { packed, stored, plan, solved, fixed } = input
    const { rows, blocks, locals } = packed
    const { exact } = plan
    const scratch = new Scratch(buffers, input, blocks)
    const own = locals && (await BlockTables.create(gpu, buffers, input, locals))
    await gpu.settle(buffers)
    const bound = { ...input, ...(own ?? { solved: solved.shards[0]!, fixed: fixed.shards[0]! }) }
    const kernels =
      exact === undefined
        ? await conjugateGradient(gpu, buffers, bound, scratch)
        : await cholesky(gpu, buffers, bound, scratch, exact)
    const steps: Encode[] = input.gram === undefined ? [] : [...input.gram.table.steps]
    const ends: number[] = []
    let pairStart = 0
    blocks.forEach((block, at) => {
      const encode = own?.encoder(kernels, locals![at]!) ?? kernels
      steps.push(...encode(block, { ...stored[at]!, pairStart }))
      ends.push(steps.length)
      pairStart += block.slots
    })
    const segments = blocks.reduce((sum, block) => sum + block.segments.length / 4, 0)
    return new AlsSide({ steps, ends }, rows, { blocks: blocks.length, segments })
  }
}

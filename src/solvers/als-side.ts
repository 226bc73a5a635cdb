import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { orderRows, packRowBlocks } from '../layout/row-blocks.ts'
import { type AlsSideInput, type Encode, Scratch } from './als-blocks.ts'
import { conjugateGradient } from './als-cg.ts'
import { cholesky } from './als-exact.ts'
import { BlockTables } from './als-shards.ts'

/** Half an iteration: the rows of one side, solved against the other. */
export class AlsSide {
  /** Dispatches in their order; the caller decides how many go into one submit. */
  readonly steps: readonly Encode[]
  /** The row of each pair of `sums`. */
  readonly rows: Uint32Array
  readonly #figures: { blocks: number; segments: number }

  private constructor(steps: readonly Encode[], rows: Uint32Array, figures: { blocks: number; segments: number }) {
    this.steps = steps
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
    const { entries, plan, solved, fixed } = input
    const isWhole = solved.shards.length * fixed.shards.length === 1
    // The rows that a block's entries name are to fit one buffer.
    const most = buffers.mostRows(`${input.label}-factors`, 16 * factorBlocks(input.factors))
    const bounds = isWhole ? plan.bounds : { ...plan.bounds, entries: Math.min(plan.bounds.entries, most) }
    const ordered = orderRows(entries)
    const lengthOf = (row: number) => ordered.start[row + 1]! - ordered.start[row]!
    const { exact } = plan
    const lightest = exact === undefined ? ordered.rows.length : firstAtMost(ordered.rows, lengthOf, exact.heavy)
    const shared = [...packRowBlocks(entries, ordered, ordered.rows.subarray(0, lightest), bounds)]
    const whole = [...packRowBlocks(entries, ordered, ordered.rows.subarray(lightest), bounds, true)]
    const blocks = [...shared, ...whole]
    const scratch = new Scratch(buffers, input, blocks)
    const own = isWhole ? undefined : await BlockTables.create(gpu, buffers, input, blocks)
    const bound = { ...input, ...(own ?? { solved: solved.whole, fixed: fixed.whole }) }
    const kernels =
      exact === undefined
        ? await conjugateGradient(gpu, buffers, bound, scratch)
        : await cholesky(gpu, buffers, bound, scratch, exact)
    const encoder = own?.encoder(kernels) ?? kernels
    const steps: Encode[] = input.gram === undefined ? [] : [...input.gram.table.steps]
    let pairStart = 0
    for (const block of blocks) {
      steps.push(...encoder(block, pairStart))
      pairStart += block.slots
    }
    const segments = blocks.reduce((sum, block) => sum + block.segments.length / 4, 0)
    return new AlsSide(steps, ordered.rows, { blocks: blocks.length, segments })
  }
}

/** Position of the first row of no more than `most` entries among rows sorted by length. */
function firstAtMost(rows: Uint32Array, lengthOf: (row: number) => number, most: number): number {
  const position = rows.findIndex(row => lengthOf(row) <= most)
  return position < 0 ? rows.length : position
}

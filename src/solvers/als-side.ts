import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { orderRows, packRowBlocks } from '../layout/row-blocks.ts'
import { type AlsSideInput, type Encode, Scratch } from './als-blocks.ts'
import { conjugateGradient } from './als-cg.ts'
import { cholesky } from './als-exact.ts'

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
    const { entries, plan } = input
    const ordered = orderRows(entries)
    const lengthOf = (row: number) => ordered.start[row + 1]! - ordered.start[row]!
    const { exact } = plan
    const lightest = exact === undefined ? ordered.rows.length : firstAtMost(ordered.rows, lengthOf, exact.heavy)
    const shared = [...packRowBlocks(entries, ordered, ordered.rows.subarray(0, lightest), plan.bounds)]
    const whole = [...packRowBlocks(entries, ordered, ordered.rows.subarray(lightest), plan.bounds, true)]
    const blocks = [...shared, ...whole]
    const scratch = new Scratch(buffers, input, blocks)
    const encoder =
      exact === undefined
        ? await conjugateGradient(gpu, buffers, input, scratch)
        : await cholesky(gpu, buffers, input, scratch, exact)
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

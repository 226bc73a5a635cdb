import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { type AlsPass, alsApply } from '../kernels/als_apply.ts'
import { alsBegin } from '../kernels/als_begin.ts'
import { alsCholesky } from '../kernels/als_cholesky.ts'
import { alsNormal } from '../kernels/als_normal.ts'
import { alsProduct, productColumns, productRows } from '../kernels/als_product.ts'
import { alsPublish } from '../kernels/als_publish.ts'
import { alsStep } from '../kernels/als_step.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'
import { alsBlockStruct, alsOptionsStruct } from '../kernels/structs.ts'
import { orderRows, packRowBlocks, type RowBlock, type RowEntries } from '../layout/row-blocks.ts'
import type { PairSums } from '../model/sums.ts'
import type { AlsPlan, ExactPlan } from './als-plan.ts'
import type { GramTable } from './gram-table.ts'

type Encode = (pass: GPUComputePassEncoder) => void

/** One side's factors and biases on the GPU. */
export interface SideTables {
  factors: GPUBuffer
  bias: GPUBuffer
}

export interface AlsSideInput {
  label: 'users' | 'items'
  entries: RowEntries
  solved: SideTables
  fixed: SideTables
  /** The fixed side's Gram matrix and its weight w0; undefined in explicit models. */
  gram: { table: GramTable; weight: number } | undefined
  factors: number
  biases: boolean
  regularization: number
  biasRegularization: number
  plan: AlsPlan
  /** Where the objectives of the rows go: a pair for each row with entries. */
  sums: PairSums
}

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

/** What a block's slots need beside the tables: as large as the largest block's, used by one block after another. */
class Scratch {
  readonly directions: GPUBuffer
  readonly residuals: GPUBuffer
  readonly products: GPUBuffer
  readonly partials: GPUBuffer
  readonly normalParts: GPUBuffer

  constructor(buffers: BufferOwner, { label, factors, gram, plan }: AlsSideInput, blocks: readonly RowBlock[]) {
    const slots = Math.max(0, ...blocks.map(block => block.slots))
    const segments = Math.max(0, ...blocks.map(block => block.segments.length / 4))
    const row = 16 * (factorBlocks(factors) + 1)
    const { exact } = plan
    const tiles = exact === undefined ? 0 : (exact.tiles.rowBlocks * (exact.tiles.rowBlocks + 1)) / 2
    const iterative = Number(exact === undefined)
    this.directions = buffers.storage(`${label}-directions`, slots * row)
    this.residuals = buffers.storage(`${label}-residuals`, iterative * slots * row)
    this.products = buffers.storage(`${label}-products`, gram === undefined ? 0 : iterative * slots * row)
    this.partials = buffers.storage(`${label}-partials`, iterative * segments * row)
    this.normalParts = buffers.storage(`${label}-normal parts`, segments * tiles * 64)
  }
}

function packOptions({ factors, regularization, biasRegularization, gram, plan }: AlsSideInput): ArrayBuffer {
  return alsOptionsStruct.pack({
    factors,
    factor_penalty: regularization,
    bias_penalty: biasRegularization,
    unobserved: gram?.weight ?? 0,
    tolerance: plan.tolerance,
    blocks: factorBlocks(factors),
  })
}

type BlockEncoder = (block: RowBlock, pairStart: number) => Encode[]

interface BlockBuffers {
  rows: GPUBuffer
  entries: GPUBuffer
  segments: GPUBuffer
  shape: GPUBuffer
}

function uploadBlock(buffers: BufferOwner, label: string, block: RowBlock, pairStart: number): BlockBuffers {
  const segments = block.segments.length / 4
  return {
    rows: buffers.upload(`${label}-rows`, block.rows),
    entries: buffers.upload(`${label}-entries`, block.entries),
    segments: buffers.upload(`${label}-segments`, block.segments),
    shape: buffers.uniform(
      `${label}-block`,
      alsBlockStruct.pack({ slots: block.slots, segments, pair_start: pairStart }),
    ),
  }
}

/** Matrix-free conjugate gradient from where the rows are. */
async function conjugateGradient(
  gpu: Gpu,
  buffers: BufferOwner,
  input: AlsSideInput,
  { directions, residuals, products, partials }: Scratch,
): Promise<BlockEncoder> {
  const { label, solved, fixed, gram, plan, sums } = input
  const blocksPerRow = factorBlocks(input.factors)
  const sized = { FACTOR_BLOCKS: blocksPerRow }
  const biased = { ...sized, BIASES: Number(input.biases) }
  const sliced = { SLICES: plan.slicesPerWorkgroup }
  const passes: AlsPass[] = [true, false].map(initial => ({ initial, implicit: gram !== undefined }))
  const [begin, product, ...kernels] = await Promise.all([
    gpu.pipeline(alsBegin, biased),
    gpu.pipeline(alsProduct, sized),
    ...passes.map(async pass => ({
      apply: await gpu.pipeline(alsApply(plan.slices, pass), { ...sized, ...sliced }),
      step: await gpu.pipeline(alsStep(plan.slices, pass), { ...biased, ...sliced }),
    })),
  ])
  const options = buffers.uniform(`${label}-options`, packOptions(input))
  const beginGroup = begin.bind(0, { solved_factors: solved.factors, solved_bias: solved.bias, directions })
  const productGroup = gram && product.bind(0, { directions, gram_matrix: gram.table.matrix, products, options })
  const groups = kernels.map(({ apply, step }) => ({
    apply: apply.bind(0, { fixed_factors: fixed.factors, fixed_bias: fixed.bias, directions, partials }),
    step: step.bind(0, {
      solved_factors: solved.factors,
      solved_bias: solved.bias,
      partials,
      products,
      directions,
      residuals,
      sums: sums.pairs,
      options,
    }),
  }))
  return (block, pairStart) => {
    const { rows, entries, segments, shape } = uploadBlock(buffers, label, block, pairStart)
    const beginBlock = begin.bind(1, { rows, row_block: shape })
    const productBlock = product.bind(1, { row_block: shape })
    const workgroups = (count: number) => Math.ceil(count / plan.slicesPerWorkgroup)
    const multiply: Encode = pass => {
      if (productGroup === undefined) return
      const tiles = Math.ceil((4 * blocksPerRow) / productColumns)
      product.dispatch(pass, [productGroup, productBlock], Math.ceil(block.slots / productRows) * tiles)
    }
    const [start, step] = kernels.map(({ apply, step }, index): Encode => {
      const applyBlock = apply.bind(1, { entries, segments, row_block: shape })
      const stepBlock = step.bind(1, { rows, row_block: shape })
      return pass => {
        multiply(pass)
        apply.dispatch(pass, [groups[index]!.apply, applyBlock], workgroups(block.segments.length / 4))
        step.dispatch(pass, [groups[index]!.step, stepBlock], workgroups(block.slots))
      }
    })
    const first: Encode = pass => {
      begin.dispatch(pass, [beginGroup, beginBlock], Math.ceil((block.slots * (blocksPerRow + 1)) / workgroupSize))
      start!(pass)
    }
    return [first, ...Array.from({ length: plan.steps }, () => step!)]
  }
}

/** Normal equations and Cholesky's method. */
async function cholesky(
  gpu: Gpu,
  buffers: BufferOwner,
  input: AlsSideInput,
  { directions, normalParts }: Scratch,
  { tiles }: ExactPlan,
): Promise<BlockEncoder> {
  const { label, solved, fixed, gram, sums } = input
  const implicit = gram !== undefined
  const blocksPerRow = factorBlocks(input.factors)
  const constants = { FACTOR_BLOCKS: blocksPerRow }
  const [normal, whole, split, publish] = await Promise.all([
    gpu.pipeline(alsNormal(tiles, implicit), constants),
    gpu.pipeline(alsCholesky(tiles, { implicit, split: false }), constants),
    gpu.pipeline(alsCholesky(tiles, { implicit, split: true }), constants),
    gpu.pipeline(alsPublish, { ...constants, BIASES: Number(input.biases) }),
  ])
  const options = buffers.uniform(`${label}-options`, packOptions(input))
  const fixedTables = { fixed_factors: fixed.factors, fixed_bias: fixed.bias }
  const publishGroup = publish.bind(0, { directions, solved_factors: solved.factors, solved_bias: solved.bias })
  return (block, pairStart) => {
    const { rows, entries, segments, shape } = uploadBlock(buffers, label, block, pairStart)
    const segmentCount = block.segments.length / 4
    const solve = segmentCount > 0 ? split : whole
    const normalGroup = normal.bind(0, {
      ...fixedTables,
      entries,
      segments,
      normal_parts: normalParts,
      row_block: shape,
    })
    const solveGroup = solve.bind(0, {
      ...fixedTables,
      entries,
      gram_matrix: gram?.table.matrix ?? fixed.factors,
      rows,
      normal_parts: normalParts,
      directions,
      sums: sums.pairs,
    })
    const solveBlock = solve.bind(1, { options, row_block: shape })
    const publishBlock = publish.bind(1, { rows, row_block: shape })
    return [
      pass => {
        normal.dispatch(pass, [normalGroup], segmentCount)
        solve.dispatch(pass, [solveGroup, solveBlock], block.slots)
        const parts = block.slots * (blocksPerRow + 1)
        publish.dispatch(pass, [publishGroup, publishBlock], Math.ceil(parts / workgroupSize))
      },
    ]
  }
}

import type { Ratings } from '../data/ratings.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { countRows } from '../layout/rows.ts'
import type { ModelParts } from '../model/parts.ts'
import { PairSums } from '../model/sums.ts'
import { FactorTables } from '../model/tables.ts'
import type { AlsOptions } from './als-options.ts'
import { packRows, storeBlocks } from './als-pack.ts'
import { type AlsPlan, planAls } from './als-plan.ts'
import { fitToDevice } from './als-probe.ts'
import { AlsSide } from './als-side.ts'
import { alsTargets, rowPenalties, weightOfAll } from './als-targets.ts'
import { GramTable } from './gram-table.ts'

/** What a model's rows were trained with. */
type RowOptions = Pick<
  AlsOptions,
  'penalty' | 'userRegularization' | 'itemRegularization' | 'biasRegularization' | 'implicit'
>

/** Which rows are to be solved, and what with. */
interface RowInput extends RowOptions {
  side: 'users' | 'items'
  count: number
}

/** Rows x k, tight, and one bias a row (zeros in a model without). */
export interface SolvedRows {
  factors: Float32Array
  bias: Float32Array
  /** Rows whose equations have no finite solution; their numbers are none. */
  unsolved: number[]
}

/** Steps of Gauss and Newton under the bounded link; from the start that the other side gives, few are needed. */
const newtonSteps = 6

/** Slopes of the bounded link below this share of its largest are taken for it: a saturated prediction says little. */
const leastSlope = 1e-3

/**
 * Rows of one side from their entries and the other side's rows, exactly (up to k = 128 or so), without touching the latter.
 * @param entries of new rows, numbered from 0, against all rows of the other side
 * @throws GPU errors
 */
export async function solveRows(
  gpu: Gpu,
  parts: ModelParts,
  entries: Ratings,
  side: 'users' | 'items',
  { signal, ...options }: RowOptions & { signal?: AbortSignal | undefined },
): Promise<SolvedRows> {
  const count = side === 'users' ? entries.userCount : entries.itemCount
  const solver = await RowSolver.create(gpu, parts, { side, count, ...options })
  try {
    return await solver.solve(entries, signal)
  } finally {
    solver.destroy()
  }
}

/** Solves rows of one side time and again: the other side's rows, and what follows from them alone, lie on the GPU once. */
export class RowSolver {
  /** The rows as they were solved last, and those of the other side. */
  readonly tables: FactorTables
  readonly #gpu: Gpu
  readonly #parts: ModelParts
  readonly #input: RowInput
  readonly #plan: AlsPlan
  readonly #buffers: BufferOwner
  readonly #timer: GpuTimer
  readonly #gram: GramTable | undefined
  /** Dispatches that make the Gram matrix; none once it is made. */
  #gramSteps: GramTable['steps']

  private constructor(
    gpu: Gpu,
    parts: ModelParts,
    input: RowInput,
    made: { plan: AlsPlan; buffers: BufferOwner; timer: GpuTimer; tables: FactorTables; gram: GramTable | undefined },
  ) {
    this.#gpu = gpu
    this.#parts = parts
    this.#input = input
    this.#plan = made.plan
    this.#buffers = made.buffers
    this.#timer = made.timer
    this.tables = made.tables
    this.#gram = made.gram
    this.#gramSteps = made.gram?.steps ?? []
  }

  /** @throws LimitExceededError, OutOfMemoryError */
  static async create(gpu: Gpu, parts: ModelParts, input: RowInput): Promise<RowSolver> {
    const { factors } = parts
    const biases = hasBiases(parts, input.side)
    const exact = planAls({ factors, biases, rowSolver: 'exact', cgSteps: 0, cgTolerance: 0 }, gpu.capabilities)
    const plan = await fitToDevice(gpu, exact)
    const buffers = gpu.buffers()
    const timer = new GpuTimer(gpu, buffers)
    try {
      const tables = writeTables(gpu, buffers, parts, input)
      const table = input.side === 'users' ? tables.items : tables.users
      const gram = input.implicit && (await GramTable.create(gpu, buffers, { label: 'fixed', table, work: plan.work }))
      await gpu.settle(buffers)
      return new RowSolver(gpu, parts, input, { plan, buffers, timer, tables, gram })
    } catch (error) {
      timer.destroy()
      buffers.destroy()
      throw error
    }
  }

  /**
   * @param entries of the rows, numbered from 0, against all rows of the other side
   * @throws GPU errors; the signal's reason between two submits
   */
  async solve(entries: Ratings, signal?: AbortSignal): Promise<SolvedRows> {
    if (this.#parts.link === 'linear') return await this.#solveLinear(entries, signal)
    const { count } = this.#input
    let rows: SolvedRows = {
      factors: new Float32Array(count * this.#parts.factors),
      bias: new Float32Array(count),
      unsolved: [],
    }
    for (let step = 0; step < newtonSteps; step++) {
      rows = await this.#solveLinear(entries, signal, linearized(this.#parts, entries, this.#input.side, rows))
    }
    return rows
  }

  async #solveLinear(
    entries: Ratings,
    signal: AbortSignal | undefined,
    linear?: { weights: Float32Array; values: Float32Array },
  ): Promise<SolvedRows> {
    const { side, count, userRegularization, itemRegularization, biasRegularization } = this.#input
    const { factors, mean } = this.#parts
    const ofUsers = side === 'users'
    const { users, items } = this.tables
    const [solved, fixed] = ofUsers ? [users, items] : [items, users]
    // Rows without entries stay at zero, and conjugate gradient starts from there.
    solved.write(this.#gpu, new Float32Array(count * factors), new Float32Array(count))
    const { implicit } = this.#input
    const counts = countRows(entries[side], count)
    const penalties = rowPenalties(counts, ofUsers ? entries.itemCount : entries.userCount, this.#input)
    const buffers = this.#gpu.buffers()
    try {
      const targets = linear
        ? { weights: linear.weights, targets: linear.values.map(value => value - mean) }
        : alsTargets(entries.values, mean, implicit)
      const plan = this.#plan
      const packed = packRows(buffers, {
        label: side,
        entries: { rows: entries[side], columns: entries[ofUsers ? 'items' : 'users'], counts, ...targets, penalties },
        solved,
        fixed,
        factors,
        plan,
      })
      const { steps } = await AlsSide.create(this.#gpu, buffers, {
        label: side,
        packed,
        stored: (await storeBlocks(this.#gpu, buffers, [packed])).buffers,
        solved,
        fixed,
        gram: this.#gram && {
          table: { matrix: this.#gram.matrix, steps: this.#gramSteps },
          weight: weightOfAll(implicit),
        },
        factors,
        biases: hasBiases(this.#parts, side),
        regularization: ofUsers ? userRegularization : itemRegularization,
        biasRegularization,
        plan,
        sums: await PairSums.create(this.#gpu, buffers, 'objective', count),
      })
      await this.#gpu.settle(buffers)
      const submitter = new Submitter(this.#gpu, this.#timer)
      await submitter.run('fold-in', steps.length, (pass, step) => steps[step]!(pass), { signal })
      this.#gramSteps = []
      const rows = await solved.read(this.#gpu)
      return { ...rows, unsolved: unsolvedOf(rows) }
    } finally {
      buffers.destroy()
    }
  }

  destroy(): void {
    this.#timer.destroy()
    this.#buffers.destroy()
  }
}

const hasBiases = (parts: ModelParts, side: 'users' | 'items') =>
  (side === 'users' ? parts.userBias : parts.itemBias) !== undefined

/** The other side as the model has it, and zeros for the rows to solve. */
function writeTables(gpu: Gpu, buffers: BufferOwner, parts: ModelParts, { side, count }: RowInput): FactorTables {
  const { factors } = parts
  const ofUsers = side === 'users'
  const [users, items] = ofUsers ? [count, parts.itemIds.size] : [parts.userIds.size, count]
  const tables = new FactorTables(buffers, { users, items, factors })
  const zeros = { factors: new Float32Array(count * factors), bias: new Float32Array(count) }
  tables.write(gpu, {
    userFactors: ofUsers ? zeros.factors : parts.userFactors,
    itemFactors: ofUsers ? parts.itemFactors : zeros.factors,
    userBias: ofUsers ? zeros.bias : (parts.userBias ?? new Float32Array(users)),
    itemBias: ofUsers ? (parts.itemBias ?? new Float32Array(items)) : zeros.bias,
  })
  return tables
}

/** The squared error about where the rows are: sum slope^2 (s_now + (r - r_hat) / slope - s)^2. */
function linearized(
  parts: ModelParts,
  entries: Ratings,
  side: 'users' | 'items',
  rows: SolvedRows,
): { weights: Float32Array; values: Float32Array } {
  const { factors: k, range, mean } = parts
  const width = range.max - range.min
  const [own, other] = side === 'users' ? [entries.users, entries.items] : [entries.items, entries.users]
  const [fixed, fixedBias] =
    side === 'users' ? [parts.itemFactors, parts.itemBias] : [parts.userFactors, parts.userBias]
  const weights = new Float32Array(entries.length)
  const values = new Float32Array(entries.length)
  for (let e = 0; e < entries.length; e++) {
    let score = mean + rows.bias[own[e]!]! + (fixedBias?.[other[e]!] ?? 0)
    for (let j = 0; j < k; j++) score += rows.factors[own[e]! * k + j]! * fixed[other[e]! * k + j]!
    const share = 1 / (1 + Math.exp(-score))
    const slope = width * Math.max(leastSlope, share * (1 - share))
    weights[e] = slope ** 2
    values[e] = score + (entries.values[e]! - range.min - width * share) / slope
  }
  return { weights, values }
}

function unsolvedOf({ factors, bias }: Omit<SolvedRows, 'unsolved'>): number[] {
  const k = factors.length / bias.length
  const isSolved = (row: number) =>
    Number.isFinite(bias[row]) && factors.subarray(row * k, (row + 1) * k).every(Number.isFinite)
  return [...bias.keys()].filter(row => !isSolved(row))
}

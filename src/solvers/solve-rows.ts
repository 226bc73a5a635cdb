import type { Ratings } from '../data/ratings.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { countRows } from '../layout/rows.ts'
import type { ModelParts } from '../model/parts.ts'
import { PairSums } from '../model/sums.ts'
import { FactorTables } from '../model/tables.ts'
import type { AlsOptions } from './als-options.ts'
import { planAls } from './als-plan.ts'
import { fitToDevice } from './als-probe.ts'
import { AlsSide } from './als-side.ts'
import { alsTargets } from './als-targets.ts'
import { GramTable } from './gram-table.ts'

/** What a model's rows were trained with. */
export type RowOptions = Pick<
  AlsOptions,
  'penalty' | 'userRegularization' | 'itemRegularization' | 'biasRegularization' | 'implicit'
> & { signal?: AbortSignal | undefined }

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
  options: RowOptions,
): Promise<SolvedRows> {
  const solve = (weights?: Float32Array, values?: Float32Array) =>
    solveLinear(gpu, parts, entries, side, options, weights, values)
  if (parts.link === 'linear') return await solve()
  const count = rowsOf(entries, side)
  let rows: SolvedRows = {
    factors: new Float32Array(count * parts.factors),
    bias: new Float32Array(count),
    unsolved: [],
  }
  for (let step = 0; step < newtonSteps; step++) {
    const { weights, values } = linearized(parts, entries, side, rows)
    rows = await solve(weights, values)
  }
  return rows
}

const rowsOf = (entries: Ratings, side: 'users' | 'items') => (side === 'users' ? entries.userCount : entries.itemCount)

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

async function solveLinear(
  gpu: Gpu,
  parts: ModelParts,
  entries: Ratings,
  side: 'users' | 'items',
  options: RowOptions,
  weights: Float32Array | undefined,
  values: Float32Array | undefined,
): Promise<SolvedRows> {
  const { factors } = parts
  const ofUsers = side === 'users'
  const count = rowsOf(entries, side)
  const biases = (ofUsers ? parts.userBias : parts.itemBias) !== undefined
  const plan = await fitToDevice(
    gpu,
    planAls({ factors, biases, rowSolver: 'exact', cgSteps: 0, cgTolerance: 0 }, gpu.capabilities),
  )
  const buffers = gpu.buffers()
  let timer: GpuTimer | undefined
  try {
    timer = new GpuTimer(gpu, buffers)
    const tables = new FactorTables(buffers, { users: entries.userCount, items: entries.itemCount, factors })
    const zeros = { factors: new Float32Array(count * factors), bias: new Float32Array(count) }
    tables.write(gpu, {
      userFactors: ofUsers ? zeros.factors : parts.userFactors,
      itemFactors: ofUsers ? parts.itemFactors : zeros.factors,
      userBias: ofUsers ? zeros.bias : (parts.userBias ?? new Float32Array(parts.userIds.size)),
      itemBias: ofUsers ? (parts.itemBias ?? new Float32Array(parts.itemIds.size)) : zeros.bias,
    })
    const users = { factors: tables.userFactors, bias: tables.userBias }
    const items = { factors: tables.itemFactors, bias: tables.itemBias }
    const [solved, fixed, fixedRows] = ofUsers ? [users, items, entries.itemCount] : [items, users, entries.userCount]
    const counts = countRows(ofUsers ? entries.users : entries.items, count)
    const targets = alsTargets(entries, side, parts.mean, counts, options)
    const sums = await PairSums.create(gpu, buffers, 'objective', count)
    const steps = await AlsSide.create(gpu, buffers, {
      label: side,
      entries: {
        ...targets.entries,
        ...(values === undefined ? {} : { weights, targets: values.map(value => value - parts.mean) }),
      },
      solved,
      fixed,
      gram:
        options.implicit === undefined
          ? undefined
          : {
              table: await GramTable.create(gpu, buffers, {
                label: 'fixed',
                table: fixed.factors,
                rows: fixedRows,
                factors,
                work: plan.work,
              }),
              weight: targets.unobserved,
            },
      factors,
      biases,
      regularization: ofUsers ? options.userRegularization : options.itemRegularization,
      biasRegularization: options.biasRegularization,
      plan,
      sums,
    }).then(half => half.steps)
    await gpu.settle(buffers)
    const submitter = new Submitter(gpu, timer)
    await submitter.run('fold-in', steps.length, (pass, step) => steps[step]!(pass), options.signal)
    const { userFactors, itemFactors, userBias, itemBias } = await tables.read(gpu)
    const result = ofUsers ? { factors: userFactors, bias: userBias } : { factors: itemFactors, bias: itemBias }
    return { ...result, unsolved: unsolvedOf(result) }
  } finally {
    timer?.destroy()
    buffers.destroy()
  }
}

function unsolvedOf({ factors, bias }: Omit<SolvedRows, 'unsolved'>): number[] {
  const k = factors.length / bias.length
  const isSolved = (row: number) =>
    Number.isFinite(bias[row]) && factors.subarray(row * k, (row + 1) * k).every(Number.isFinite)
  return [...bias.keys()].filter(row => !isSolved(row))
}

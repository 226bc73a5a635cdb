import type { Ratings } from '../data/ratings.ts'
import { rowCounts } from '../data/row-counts.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { type Load, Submitter } from '../gpu/submitter.ts'
import type { GpuTimer } from '../gpu/timer.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { PairSums } from '../model/sums.ts'
import type { FactorTables, ModelScale } from '../model/tables.ts'
import type { PackedRows } from './als-blocks.ts'
import type { AlsOptions } from './als-options.ts'
import { packRows, type StoredBlocks } from './als-pack.ts'
import type { AlsPlan } from './als-plan.ts'
import { AlsSide } from './als-side.ts'
import { alsTargets, rowPenalties, weightOfAll } from './als-targets.ts'
import { GramTable } from './gram-table.ts'
import { PenaltyMeter } from './penalty-meter.ts'
import { packSide, type SideOptions } from './side-options.ts'

export const sides = ['users', 'items'] as const
export type SideName = (typeof sides)[number]

const other = { users: 'items', items: 'users' } as const

/** Half an iteration, and what it leaves to be read. */
export interface Half {
  side: AlsSide
  objective: PairSums
  /** One for each shard of the side. */
  penalties: readonly PenaltyMeter[]
  timer: GpuTimer
  submitter: Submitter
  /** What the side's steps need to be written before them. */
  loads: readonly Load[]
}

/** What a run is made from. */
export interface AlsRun {
  ratings: Ratings
  scale: Pick<ModelScale, 'mean'>
  options: AlsOptions
  plan: AlsPlan
  tables: FactorTables
}

/** The entries of a half, packed, and what else is made of them. */
export interface PackedHalf {
  packed: PackedRows
  /** Factor of each row's penalty. */
  penalties: Float32Array
  /** w0 */
  unobserved: number
}

export function packHalves(
  buffers: BufferOwner,
  { ratings, scale, options, plan, tables }: AlsRun,
): Record<SideName, PackedHalf> {
  const allCounts = rowCounts(ratings)
  const targets = alsTargets(ratings.values, scale.mean, options.implicit)
  const unobserved = weightOfAll(options.implicit)
  const pack = (name: SideName): PackedHalf => {
    const [rows, columns] = [ratings[name], ratings[other[name]]]
    const counts = allCounts[name]
    const penalties = rowPenalties(counts, allCounts[other[name]].length, options)
    const entries = { rows, columns, counts, ...targets, penalties }
    const [solved, fixed] = [tables[name], tables[other[name]]]
    const packed = packRows(buffers, { label: name, entries, solved, fixed, factors: options.factors, plan })
    return { packed, penalties, unobserved }
  }
  return { users: pack('users'), items: pack('items') }
}

/** @param stored where the entries of the half's blocks lie */
export async function createHalf(
  gpu: Gpu,
  buffers: BufferOwner,
  name: SideName,
  { options, plan, tables, timer }: AlsRun & { timer: GpuTimer },
  { packed, penalties: rowPenalties, unobserved }: PackedHalf,
  { buffers: stored, loads }: Omit<StoredBlocks, 'residency'>,
): Promise<Half> {
  const { factors, biases } = options
  const solved = tables[name]
  const fixed = tables[other[name]]
  const objective = await PairSums.create(gpu, buffers, `${name} objective`, packed.rows.length)
  const gram =
    unobserved === 0
      ? undefined
      : {
          table: await GramTable.create(gpu, buffers, {
            label: other[name],
            table: fixed,
            work: plan.work,
          }),
          weight: unobserved,
        }
  const side = await AlsSide.create(gpu, buffers, {
    label: name,
    packed,
    stored,
    solved,
    fixed,
    gram,
    factors,
    biases,
    regularization: name === 'users' ? options.userRegularization : options.itemRegularization,
    biasRegularization: options.biasRegularization,
    plan,
    sums: objective,
  })
  const weights = new Float32Array(2 * rowPenalties.length)
  rowPenalties.forEach((penalty, row) => {
    weights[2 * row + 1] = penalty
  })
  const blocks = factorBlocks(factors)
  const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: blocks + Number(biases) }
  const penalties: PenaltyMeter[] = []
  for (const { first, rows, factors: table, bias } of solved.shards) {
    penalties.push(
      await PenaltyMeter.create(gpu, buffers, constants, rows, {
        factors: table,
        bias,
        weights: buffers.upload(`${name}-weights`, weights.subarray(2 * first, 2 * (first + rows))),
        side: buffers.uniform(`${name} penalty`, packSide({ ...noSteps, ...options }, rows, name)),
      }),
    )
  }
  return {
    side,
    objective,
    penalties,
    timer,
    submitter: new Submitter(gpu, timer),
    loads: loads.map(({ write }, block) => ({ end: side.ends[block]!, write })),
  }
}

/** What the options of a side have for gradient steps, of which there are none here. */
const noSteps: Omit<SideOptions, keyof AlsOptions> = {
  userLearningRate: 0,
  itemLearningRate: 0,
  biasLearningRate: 0,
  momentum: 0,
  beta1: 0,
  beta2: 0,
  epsilon: 0,
}

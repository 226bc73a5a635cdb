import type { Ratings } from '../data/ratings.ts'
import { rowCounts } from '../data/row-counts.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import type { GpuTimer } from '../gpu/timer.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { occupiedRows } from '../layout/rows.ts'
import { PairSums } from '../model/sums.ts'
import type { FactorTables, ModelScale } from '../model/tables.ts'
import type { AlsOptions } from './als-options.ts'
import type { AlsPlan } from './als-plan.ts'
import { AlsSide } from './als-side.ts'
import { alsTargets } from './als-targets.ts'
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
}

/** What a run is made from. */
export interface AlsRun {
  ratings: Ratings
  scale: Pick<ModelScale, 'mean'>
  options: AlsOptions
  plan: AlsPlan
  tables: FactorTables
  timer: GpuTimer
}

export async function createHalf(
  gpu: Gpu,
  buffers: BufferOwner,
  name: SideName,
  { ratings, scale, options, plan, tables, timer }: AlsRun,
): Promise<Half> {
  const { factors, biases } = options
  const counts = rowCounts(ratings)[name]
  const solved = tables[name]
  const fixed = tables[other[name]]
  const targets = alsTargets(ratings, name, scale.mean, counts, options)
  const objective = await PairSums.create(gpu, buffers, `${name} objective`, occupiedRows(counts))
  const gram =
    targets.unobserved === 0
      ? undefined
      : {
          table: await GramTable.create(gpu, buffers, {
            label: other[name],
            table: fixed,
            work: plan.work,
          }),
          weight: targets.unobserved,
        }
  const side = await AlsSide.create(gpu, buffers, {
    label: name,
    entries: targets.entries,
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
  const weights = new Float32Array(2 * counts.length)
  targets.entries.penalties.forEach((penalty, row) => {
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

import type { Ratings } from '../../src/data/ratings.ts'
import { batchOrder } from '../../src/layout/batches.ts'
import { countRows } from '../../src/layout/rows.ts'
import { packTiles } from '../../src/layout/tiles.ts'
import { errorScale } from '../../src/solvers/error-scale.ts'
import type { FusedPlan } from '../../src/solvers/fused-plan.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import type { ResolvedOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'
import { type FusedReferenceOptions, fusedSgd } from '../reference/fused_sgd.ts'
import { mergeReplicas } from '../reference/merge_replicas.ts'
import { publishRows } from '../reference/publish_rows.ts'
import { stageRows } from '../reference/stage_rows.ts'
import { stratumEntries } from './fused.ts'

/**
 * The fused solver's epochs in double precision, one entry after another: penalty sqrt, the rate of epoch e divided by
 * 1 + e.
 */
export function referenceOf(ratings: Ratings, { shape }: FusedPlan, options: ResolvedOptions, epochs: number) {
  const scale = scaleOf(ratings, options)
  const initial = initialParameters(ratings, options)
  const adagrad = options.optimizer === 'adagrad'
  const unit = adagrad ? errorScale(ratings, scale) : { score: 1, derivative: 1 }
  const layout = packTiles(ratings, shape, { seed: options.seed })
  const sides = {
    users: {
      rows: { factors: Float64Array.from(initial.userFactors), bias: Float64Array.from(initial.userBias) },
      counts: countRows(ratings.users, ratings.userCount),
      rate: options.userLearningRate * Math.sqrt(unit.score),
      penalty: options.userRegularization,
    },
    items: {
      rows: { factors: Float64Array.from(initial.itemFactors), bias: Float64Array.from(initial.itemBias) },
      counts: countRows(ratings.items, ratings.itemCount),
      rate: options.itemLearningRate * Math.sqrt(unit.score),
      penalty: options.itemRegularization,
    },
  }
  const [held, streamed] = layout.held === 'users' ? (['users', 'items'] as const) : (['items', 'users'] as const)
  const squares = { factors: unit.derivative ** 2 * unit.score, bias: unit.derivative ** 2 }
  const stage = (side: 'users' | 'items') => {
    const { rows, counts } = sides[side]
    const weight = Float64Array.from(counts, count => (count === 0 ? 0 : count ** -0.5)) // penalty sqrt
    return stageRows({ ...rows, weight }, layout[side].rowOf, options.factors, squares)
  }
  const slots = { users: stage('users'), items: stage('items') }
  const replicasOf = (side: 'users' | 'items') => {
    const { slotStart, slots: list } = layout[side]
    const counts = side === 'users' ? layout.userSlotCounts : layout.itemSlotCounts
    return [...slotStart.keys()].slice(0, -1).flatMap(row => {
      const own = [...list.subarray(slotStart[row]!, slotStart[row + 1]!)]
      const total = own.reduce((sum, slot) => sum + counts[slot]!, 0)
      return own.length < 2 ? [] : [own.map(slot => ({ slot, share: counts[slot]! / total }))]
    })
  }
  const replicas = { users: replicasOf('users'), items: replicasOf('items') }
  const losses: number[] = []
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 1 / (1 + epoch)
    const twin: FusedReferenceOptions = {
      factors: options.factors,
      adagrad,
      biases: options.biases,
      mean: scale.mean,
      bounded: scale.link === 'bounded',
      minimum: scale.range.min,
      maximum: scale.range.max,
      heldRate: rate * sides[held].rate,
      streamedRate: rate * sides[streamed].rate,
      biasRate: rate * options.biasLearningRate * unit.score,
      heldPenalty: sides[held].penalty,
      streamedPenalty: sides[streamed].penalty,
      biasPenalty: options.biasRegularization,
    }
    let loss = 0
    for (const stratum of batchOrder(shape.strata, options.seed, epoch)) {
      loss += fusedSgd(stratumEntries(layout, stratum), slots[held], slots[streamed], twin).squared
      for (const side of ['users', 'items'] as const) mergeReplicas(slots[side], replicas[side], options.factors)
    }
    losses.push(loss)
  }
  for (const side of ['users', 'items'] as const) {
    const { slotStart, slots: list } = layout[side]
    const slotOf = [...slotStart.keys()]
      .slice(0, -1)
      .map(row => (slotStart[row] === slotStart[row + 1] ? undefined : list[slotStart[row]!]!))
    publishRows(slots[side], slotOf, options.factors, sides[side].rows)
  }
  return { users: sides.users.rows, items: sides.items.rows, losses, layout }
}

/** Updates that may come one after another in an epoch: those of the heaviest row. */
export const depth = (ratings: Ratings) =>
  Math.max(...countRows(ratings.users, ratings.userCount), ...countRows(ratings.items, ratings.itemCount))

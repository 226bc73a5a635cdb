import type { Ratings } from '../../src/data/ratings.ts'
import { weighNegatives } from '../../src/layout/negatives.ts'
import { packPositives } from '../../src/layout/positives.ts'
import type { Parameters } from '../../src/model/tables.ts'
import type { BprOptions } from '../../src/solvers/bpr-options.ts'
import { roundKeys } from '../../src/solvers/bpr-windows.ts'
import { bprItemDraws } from '../reference/bpr_item_draws.ts'
import { bprItems } from '../reference/bpr_items.ts'
import { bprUserDraws } from '../reference/bpr_user_draws.ts'
import { bprUsers, type ReferenceBpr } from '../reference/bpr_users.ts'
import { listRows, packWhole } from './bpr.ts'

/** The solver's epochs in double precision, one sample after another; the rate of epoch e divided by 1 + e. */
export function referenceBpr(
  ratings: Ratings,
  initial: Parameters,
  options: BprOptions,
  rounds: number,
  epochs: number,
) {
  const { seed, factors, biases, only, rows } = options
  const positives = packPositives(ratings)
  const { itemColumns, userColumns, expected } = weighNegatives(positives, options.negativePower)
  const model: ReferenceBpr = {
    factors,
    userFactors: Float64Array.from(initial.userFactors),
    itemFactors: Float64Array.from(initial.itemFactors),
    itemBias: Float64Array.from(initial.itemBias),
  }
  const userRows = only === 'items' ? [] : listRows(packWhole({ start: positives.userStart, rounds, only: rows }))
  const itemRows =
    only === 'users' ? [] : listRows(packWhole({ start: positives.itemStart, expected, rounds, only: rows }))
  const losses: number[] = []
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 1 / (1 + epoch)
    const steps = (side: 'user' | 'item') => ({
      factorRate: rate * options[`${side}LearningRate`],
      factorPenalty: options[`${side}Regularization`],
      biasRate: rate * options.biasLearningRate,
      biasPenalty: options.biasRegularization,
      biases,
    })
    const keys = { users: roundKeys('users', seed, epoch, rounds), items: roundKeys('items', seed, epoch, rounds) }
    let sum = 0
    for (let round = 0; round < rounds; round++) {
      const at = (side: 'users' | 'items') => ({
        orderKey: keys[side].order,
        drawKey: keys[side].draws[round]!,
        round,
        rounds,
      })
      for (const row of userRows) {
        const samples = bprUserDraws(row, at('users'), positives, itemColumns)
        sum += bprUsers(row.row, samples, model, steps('user')).loss
      }
      const walked = itemRows.map(row => {
        const samples = bprItemDraws(row, at('items'), positives, itemColumns, userColumns!)
        return [row.row, bprItems(row.row, samples, model, steps('item'))] as const
      })
      for (const [item, { row, bias, loss }] of walked) {
        if (only === 'items') sum += loss
        model.itemFactors.set(row, item * factors)
        model.itemBias[item] = bias
      }
    }
    losses.push(sum)
  }
  return { model, losses }
}

import { Random } from '../data/random.ts'
import type { Ratings } from '../data/ratings.ts'
import { countRows } from '../layout/rows.ts'
import type { Parameters } from '../model/tables.ts'
import type { ResolvedOptions } from './options.ts'

/**
 * Initial parameters: factors from N(0, initStd), biases from N(0, biasInitStd). Rows without an entry stay zero, so
 * that they predict what is known without them: the mean and the other side's bias.
 */
export function initialParameters(
  ratings: Ratings,
  options: Pick<ResolvedOptions, 'factors' | 'biases' | 'initStd' | 'biasInitStd' | 'seed'>,
): Parameters {
  const { factors, seed, initStd, biasInitStd } = options
  const userCounts = countRows(ratings.users, ratings.userCount)
  const itemCounts = countRows(ratings.items, ratings.itemCount)
  const biasStd = options.biases ? biasInitStd : 0
  const random = new Random(seed, 0)
  return {
    userFactors: drawRows(random, userCounts, factors, initStd),
    itemFactors: drawRows(random, itemCounts, factors, initStd),
    userBias: drawRows(random, userCounts, 1, biasStd),
    itemBias: drawRows(random, itemCounts, 1, biasStd),
  }
}

function drawRows(random: Random, counts: Uint32Array, width: number, std: number): Float32Array {
  const rows = new Float32Array(counts.length * width)
  if (std === 0) return rows
  counts.forEach((count, row) => {
    if (count === 0) return
    for (let j = row * width; j < (row + 1) * width; j++) rows[j] = std * random.normal()
  })
  return rows
}

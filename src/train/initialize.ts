import { Random } from '../data/random.ts'
import type { Ratings } from '../data/ratings.ts'
import { rowCounts } from '../data/row-counts.ts'
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
  const { users, items } = rowCounts(ratings)
  const biasStd = options.biases ? biasInitStd : 0
  const random = new Random(seed, 0)
  return {
    userFactors: drawRows(random, users, factors, initStd),
    itemFactors: drawRows(random, items, factors, initStd),
    userBias: drawRows(random, users, 1, biasStd),
    itemBias: drawRows(random, items, 1, biasStd),
  }
}

function drawRows(random: Random, counts: Uint32Array, width: number, std: number): Float32Array {
  const rows = new Float32Array(counts.length * width)
  if (std === 0) return rows
  for (let row = 0; row < counts.length; row++) {
    if (counts[row] === 0) continue
    for (let j = row * width; j < (row + 1) * width; j++) rows[j] = std * random.normal()
  }
  return rows
}

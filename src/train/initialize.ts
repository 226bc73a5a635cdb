import { Random } from '../data/random.ts'
import type { Ratings } from '../data/ratings.ts'
import { type RowCounts, rowCounts } from '../data/row-counts.ts'
import { occupiedRows } from '../layout/rows.ts'
import type { Parameters } from '../model/tables.ts'
import type { ResolvedOptions } from './options.ts'

export type DrawingOptions = Pick<ResolvedOptions, 'factors' | 'biases' | 'initStd' | 'biasInitStd' | 'seed'>

/** A table of `width` numbers a row, of which the rows with entries are drawn from N(0, std), one after another. */
export interface DrawnTable {
  rows: Float32Array
  width: number
  std: number
  occupied: Uint32Array
}

/** The stream of a seed that the parameters are drawn from, table after table. */
export const parameterStream = (seed: number): Random => new Random(seed, 0)

/**
 * Initial parameters: factors from N(0, initStd), biases from N(0, biasInitStd). Rows without an entry stay zero, so
 * that they predict what is known without them: the mean and the other side's bias.
 */
export function initialParameters(ratings: Ratings, options: DrawingOptions): Parameters {
  const { parameters, tables } = zeroParameters(rowCounts(ratings), options)
  const random = parameterStream(options.seed)
  for (const { rows, width, std, occupied } of tables) {
    for (let at = 0; at < occupied.length; at++) {
      const first = occupied[at]! * width
      for (let j = first; j < first + width; j++) rows[j] = std * random.normal()
    }
  }
  return parameters
}

/** Zeros, and the tables among them that are to be drawn. */
export function zeroParameters(
  { users, items }: RowCounts,
  { factors, biases, initStd, biasInitStd }: DrawingOptions,
): { parameters: Parameters; tables: DrawnTable[] } {
  const parameters = {
    userFactors: new Float32Array(users.length * factors),
    itemFactors: new Float32Array(items.length * factors),
    userBias: new Float32Array(users.length),
    itemBias: new Float32Array(items.length),
  }
  const { userFactors, itemFactors, userBias, itemBias } = parameters
  const biasStd = biases ? biasInitStd : 0
  const [ofUsers, ofItems] = [occupiedOf(users), occupiedOf(items)]
  const tables = [
    { rows: userFactors, width: factors, std: initStd, occupied: ofUsers },
    { rows: itemFactors, width: factors, std: initStd, occupied: ofItems },
    { rows: userBias, width: 1, std: biasStd, occupied: ofUsers },
    { rows: itemBias, width: 1, std: biasStd, occupied: ofItems },
  ]
  return { parameters, tables: tables.filter(({ std }) => std > 0) }
}

/** The rows with entries. */
function occupiedOf(counts: Uint32Array): Uint32Array {
  const rows = new Uint32Array(occupiedRows(counts))
  let at = 0
  for (let row = 0; row < counts.length; row++) if (counts[row]! > 0) rows[at++] = row
  return rows
}

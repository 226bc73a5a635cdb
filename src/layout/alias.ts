import { InputError } from '../errors.ts'

const words = 2 ** 32

/**
 * Draws from a discrete distribution in constant time (Walker's alias method, built as by Vose, A linear algorithm for
 * generating random numbers with a given distribution, 1991). Outcome c has a column of its own: a draw takes a column c
 * at random and then c with probability threshold / 2^32, otherwise the column's other outcome.
 * @param weights in proportion to the probabilities; not all of them zero
 * @returns pairs (threshold, other outcome), 2 a weight
 * @throws InputError where a weight is negative or not finite, or all are zero
 */
export function aliasTable(weights: Float64Array): Uint32Array<ArrayBuffer> {
  const count = weights.length
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (!(total > 0 && total < Number.POSITIVE_INFINITY) || weights.some(weight => !(weight >= 0))) {
    throw new InputError(`weights to draw by must be numbers from 0 up with a sum above 0; their sum is ${total}`)
  }
  // In units of a column. Each step fills up a light one from a heavy one.
  const left = weights.map(weight => (weight / total) * count)
  const light: number[] = []
  const heavy: number[] = []
  for (const [outcome, mass] of left.entries()) (mass < 1 ? light : heavy).push(outcome)
  const table = new Uint32Array(2 * count)
  const fill = (outcome: number, mass: number, other: number) => {
    table[2 * outcome] = Math.min(words - 1, Math.round(mass * words))
    table[2 * outcome + 1] = other
  }
  while (light.length > 0 && heavy.length > 0) {
    const column = light.pop()!
    const giver = heavy.at(-1)!
    fill(column, left[column]!, giver)
    left[giver]! -= 1 - left[column]!
    if (left[giver]! < 1) light.push(heavy.pop()!)
  }
  // What is left is full but for rounding; a weight of zero among it would be rounding too, and has no column of its own.
  const likeliest = weights.reduce((best, weight, outcome) => (weight > weights[best]! ? outcome : best), 0)
  for (const column of [...light, ...heavy]) {
    if (weights[column] === 0) fill(column, 0, likeliest)
    else fill(column, 1, column)
  }
  return table
}

import type { Ratings } from '../data/ratings.ts'
import type { RatingErrors } from '../model/scorer.ts'

// Yardsticks for a rating model: what is reached without any factors. Both predict within the range of the training
// ratings, as models do by default; a user or an item that the training does not hold contributes nothing.

/** Errors of predicting the mean of the training ratings; NaN over no test entries. */
export function globalMeanErrors(train: Ratings, test: Ratings): RatingErrors {
  const { mean } = summary(train)
  return errorsOf(test.values, () => mean)
}

export interface BiasOnlyOptions {
  /** lambda of each bias; in effect so many entries that say "like the average". Default 5. */
  regularization?: number | undefined
  /**
   * Rounds of the alternation at most, a positive integer. Default 10. It ends before where a round lowers what the biases
   * minimise by less than a millionth.
   */
  sweeps?: number | undefined
}

/**
 * Errors of mu + b_u + b_i, where the biases minimise
 * sum (r - mu - b_u - b_i)^2 + lambda (sum b_u^2 + sum b_i^2) over the training entries, by alternating ridge
 * regressions: b_i = sum over u of (r - mu - b_u) / (lambda + count_i), then the same for users. In f64, on the host;
 * O(entries) a sweep. (Koren, Bell and Volinsky, Matrix factorization techniques for recommender systems, 2009,
 * equation 3.)
 */
export function biasOnlyErrors(train: Ratings, test: Ratings, options: BiasOnlyOptions = {}): RatingErrors {
  const { regularization: lambda = 5, sweeps = 10 } = options
  const { mean, min, max, squares } = summary(train)
  const users = sideOf(train.users, train.userCount, lambda)
  const items = sideOf(train.items, train.itemCount, lambda)
  for (let sweep = 0, left = squares; sweep < sweeps; sweep++) {
    const less = regress(items, users, train.values, mean) + regress(users, items, train.values, mean)
    left -= less
    if (less <= 1e-6 * left) break
  }
  const aligned = test.alignTo(train.userIds, train.itemIds)
  return errorsOf(test.values, e => {
    const score = mean + (users.bias[aligned.users[e]!] ?? 0) + (items.bias[aligned.items[e]!] ?? 0)
    return Math.min(max, Math.max(min, score))
  })
}

interface BiasSide {
  /** Row of each entry. */
  rows: Uint32Array
  bias: Float64Array
  /** lambda + entries of each row. */
  weight: Float64Array
}

function sideOf(rows: Uint32Array, count: number, lambda: number): BiasSide {
  const weight = new Float64Array(count).fill(lambda)
  for (let e = 0; e < rows.length; e++) if (rows[e]! < count) weight[rows[e]!]!++
  return { rows, bias: new Float64Array(count), weight }
}

/**
 * bias[row] = sum of (value - mean - other bias) over the row's entries / (lambda + their number); 0 for empty rows. Returns
 * by how much that lowers what is minimised, a parabola in each bias: sum of (lambda + count) (change of the bias)^2.
 */
function regress({ rows, bias, weight }: BiasSide, other: BiasSide, values: Float32Array, mean: number): number {
  const before = bias.slice()
  bias.fill(0)
  for (let e = 0; e < rows.length; e++) {
    const row = rows[e]!
    if (row < bias.length) bias[row]! += values[e]! - mean - (other.bias[other.rows[e]!] ?? 0)
  }
  // A row without entries has a sum of zero; the weight is zero where lambda is, too.
  let less = 0
  for (let row = 0; row < bias.length; row++) {
    if (weight[row]! > 0) bias[row]! /= weight[row]!
    less += weight[row]! * (bias[row]! - before[row]!) ** 2
  }
  return less
}

/** With the sum of (value - mean)^2. */
function summary({ values }: Ratings): { mean: number; min: number; max: number; squares: number } {
  let sum = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let e = 0; e < values.length; e++) {
    const value = values[e]!
    sum += value
    if (value < min) min = value
    if (value > max) max = value
  }
  const mean = sum / values.length
  let squares = 0
  for (let e = 0; e < values.length; e++) squares += (values[e]! - mean) ** 2
  return { mean, min, max, squares }
}

function errorsOf(values: Float32Array, predict: (entry: number) => number): RatingErrors {
  let squares = 0
  let absolutes = 0
  for (let e = 0; e < values.length; e++) {
    const error = values[e]! - predict(e)
    squares += error * error
    absolutes += Math.abs(error)
  }
  return { rmse: Math.sqrt(squares / values.length), mae: absolutes / values.length }
}

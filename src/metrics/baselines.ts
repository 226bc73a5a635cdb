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
  /** Rounds of the alternation, a positive integer. Default 10, when the errors stand still; 2 are mostly within a thousandth of that. */
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
  const { mean, min, max } = summary(train)
  const { users, items } = train
  const residuals = new Float64Array(train.length)
  for (let e = 0; e < residuals.length; e++) residuals[e] = train.values[e]! - mean
  const userBias = new Float64Array(train.userCount)
  const itemBias = new Float64Array(train.itemCount)
  for (let sweep = 0; sweep < sweeps; sweep++) {
    regress(itemBias, items, residuals, userBias, users, lambda)
    regress(userBias, users, residuals, itemBias, items, lambda)
  }
  const aligned = test.alignTo(train.userIds, train.itemIds)
  return errorsOf(test.values, e => {
    const score = mean + (userBias[aligned.users[e]!] ?? 0) + (itemBias[aligned.items[e]!] ?? 0)
    return Math.min(max, Math.max(min, score))
  })
}

/** bias[row] = sum of (residual - other bias) over the row's entries / (lambda + their number); 0 for empty rows. */
function regress(
  bias: Float64Array,
  rows: Uint32Array,
  residuals: Float64Array,
  otherBias: Float64Array,
  otherRows: Uint32Array,
  lambda: number,
): void {
  const weight = new Float64Array(bias.length)
  bias.fill(0)
  for (let e = 0; e < rows.length; e++) {
    const row = rows[e]!
    if (row >= bias.length) continue
    bias[row]! += residuals[e]! - (otherBias[otherRows[e]!] ?? 0)
    weight[row]!++
  }
  for (let row = 0; row < bias.length; row++) if (weight[row]! > 0) bias[row]! /= lambda + weight[row]!
}

function summary({ values }: Ratings): { mean: number; min: number; max: number } {
  let sum = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let e = 0; e < values.length; e++) {
    const value = values[e]!
    sum += value
    if (value < min) min = value
    if (value > max) max = value
  }
  return { mean: sum / values.length, min, max }
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

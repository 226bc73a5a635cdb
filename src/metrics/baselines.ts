import type { Ratings } from '../data/ratings.ts'
import { rowCounts } from '../data/row-counts.ts'
import type { SeenItems } from '../data/seen.ts'
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
  /** The items of each user of the training entries, where they are at hand: what `seenItems` gives. Takes a fraction of the time. */
  seen?: SeenItems | undefined
}

/**
 * Errors of mu + b_u + b_i, where the biases minimise
 * sum (r - mu - b_u - b_i)^2 + lambda (sum b_u^2 + sum b_i^2) over the training entries, by alternating ridge
 * regressions: b_i = sum over u of (r - mu - b_u) / (lambda + count_i), then the same for users. In f64, on the host;
 * O(entries) a sweep. (Koren, Bell and Volinsky, Matrix factorization techniques for recommender systems, 2009,
 * equation 3.)
 */
export function biasOnlyErrors(train: Ratings, test: Ratings, options: BiasOnlyOptions = {}): RatingErrors {
  const { regularization: lambda = 5, sweeps = 10, seen } = options
  const { mean, min, max } = summary(train)
  const { users, items, squares } = sidesOf(train, mean, lambda)
  const sums = seen !== undefined && holdsAll(seen, train) ? listedSums(seen, train.itemCount) : entrySums(train)
  for (let sweep = 0, left = squares; sweep < sweeps; sweep++) {
    const less = regress(items, sums.ofItems(users.bias)) + regress(users, sums.ofUsers(items.bias))
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
  bias: Float64Array
  /** Sum of (value - mean) over the entries of each row. */
  residuals: Float64Array
  /** lambda + entries of each row. */
  weight: Float64Array
}

/** With the sum of (value - mean)^2. */
function sidesOf(
  train: Ratings,
  mean: number,
  lambda: number,
): Record<'users' | 'items', BiasSide> & { squares: number } {
  const counts = rowCounts(train)
  const sideOf = (side: 'users' | 'items'): BiasSide => ({
    bias: new Float64Array(counts[side].length),
    residuals: new Float64Array(counts[side].length),
    weight: Float64Array.from(counts[side], count => lambda + count),
  })
  const sides = { users: sideOf('users'), items: sideOf('items') }
  const { residuals: ofUser } = sides.users
  const { residuals: ofItem } = sides.items
  const { users, items, values } = train
  let squares = 0
  for (let e = 0; e < values.length; e++) {
    const residual = values[e]! - mean
    squares += residual ** 2
    if (users[e]! < ofUser.length) ofUser[users[e]!]! += residual
    if (items[e]! < ofItem.length) ofItem[items[e]!]! += residual
  }
  return { ...sides, squares }
}

/** Sums of the other side's biases over the entries of each row, 0 for unknown rows. */
interface OtherSums {
  ofItems(userBias: Float64Array): Float64Array
  ofUsers(itemBias: Float64Array): Float64Array
}

function entrySums({ users, items, userCount, itemCount }: Ratings): OtherSums {
  const sum = (rows: Uint32Array, count: number, others: Uint32Array, bias: Float64Array) => {
    const sums = new Float64Array(count)
    for (let e = 0; e < rows.length; e++) {
      const row = rows[e]!
      const other = others[e]!
      if (row < count && other < bias.length) sums[row]! += bias[other]!
    }
    return sums
  }
  return {
    ofItems: userBias => sum(items, itemCount, users, userBias),
    ofUsers: itemBias => sum(users, userCount, items, itemBias),
  }
}

/** User by user, so that one side's number is at hand: several times as fast as entries in any order. */
function listedSums({ offsets, items }: SeenItems, itemCount: number): OtherSums {
  return {
    ofItems(userBias) {
      const sums = new Float64Array(itemCount)
      for (let user = 0; user < userBias.length; user++) {
        const bias = userBias[user]!
        for (let at = offsets[user]!; at < offsets[user + 1]!; at++) sums[items[at]!]! += bias
      }
      return sums
    },
    ofUsers(itemBias) {
      const sums = new Float64Array(offsets.length - 1)
      for (let user = 0; user < sums.length; user++) {
        let sum = 0
        for (let at = offsets[user]!; at < offsets[user + 1]!; at++) sum += itemBias[items[at]!]!
        sums[user] = sum
      }
      return sums
    },
  }
}

/** Whether the lists name every entry: not where a pair stands twice, or a user or an item is unknown. */
const holdsAll = ({ offsets, items }: SeenItems, { length, userCount }: Ratings): boolean =>
  offsets.length === userCount + 1 && items.length === length

/**
 * bias[row] = sum of (value - mean - other bias) over the row's entries / (lambda + their number); 0 for empty rows. Returns
 * by how much that lowers what is minimised, a parabola in each bias: sum of (lambda + count) (change of the bias)^2.
 */
function regress({ bias, residuals, weight }: BiasSide, otherSums: Float64Array): number {
  // A row without entries has a sum of zero; the weight is zero where lambda is, too.
  let less = 0
  for (let row = 0; row < bias.length; row++) {
    const fresh = weight[row]! > 0 ? (residuals[row]! - otherSums[row]!) / weight[row]! : 0
    less += weight[row]! * (fresh - bias[row]!) ** 2
    bias[row] = fresh
  }
  return less
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

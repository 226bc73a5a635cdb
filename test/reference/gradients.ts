/** An entry as one row of the matrix sees it. */
export interface RowEntry {
  /** Row of the other side: the item of a user's entry, the user of an item's. */
  other: number
  /** (r - r_hat) * d r_hat / d score */
  residual: number
}

/**
 * The gradient of half the squared error, 1/2 sum_e (r_e - r_hat_e)^2, with respect to one row p and its bias b, over
 * the row's entries e. The score is linear in both, d score / d p = q and d score / d b = 1, and so by the chain rule
 *
 *   d/dp = - sum_e residual_e q_e,   d/db = - sum_e residual_e.
 *
 * @param factors rows of the other side, k each
 * @returns k numbers for p and one for b
 */
export function rowGradient(entries: readonly RowEntry[], factors: ArrayLike<number>, k: number): Float64Array {
  const gradient = new Float64Array(k + 1)
  for (const { other, residual } of entries) {
    for (let j = 0; j < k; j++) gradient[j]! -= residual * factors[other * k + j]!
    gradient[k]! -= residual
  }
  return gradient
}

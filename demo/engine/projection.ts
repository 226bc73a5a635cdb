import { principalAxes } from './principal-axes.ts'

export interface Projection {
  /** Coordinates of each item along the two directions in which the items differ most. */
  x: Float64Array
  y: Float64Array
  /** Share of the variance that the two directions hold, from 0 to 1; 1 where the items do not differ at all. */
  explained: number
}

/**
 * Principal components of item factors, in two dimensions.
 *
 * The rows are taken as they are, not scaled to unit length: the length says how strongly a taste shapes an item's
 * ratings, and without it groups that lie in the same direction from the mean fall onto one another. Items count by their
 * weights in the mean and the covariance, so that those of which little is known do not choose the directions.
 *
 * Deterministic, in double precision. O(n k^2).
 * @param factors n x k, row-major, finite
 * @param weights of each item, not negative; all the same where absent or all 0
 */
export function projectItems(factors: Float32Array, n: number, k: number, weights?: ArrayLike<number>): Projection {
  const shares = rowShares(n, weights)
  const mean = weightedMean(factors, n, k, shares)
  const covariance = weightedCovariance(factors, n, k, shares, mean)
  let variance = 0
  for (let a = 0; a < k; a++) variance += covariance[a * k + a]!
  // So little is the rounding of the mean: the items are all alike.
  if (variance <= 1e-24 * mean.reduce((sum, value) => sum + value ** 2, 0)) {
    return { x: new Float64Array(n), y: new Float64Array(n), explained: 1 }
  }
  const count = Math.min(2, k)
  const { axes, values } = principalAxes(covariance, k, count)
  const along = Array.from({ length: count }, (_, v) => {
    return project(factors, n, k, mean, axes.subarray(v * k, (v + 1) * k))
  })
  const held = values.reduce((sum, value) => sum + value, 0)
  return {
    x: along[0]!,
    y: along[1] ?? new Float64Array(n),
    explained: Math.min(1, held / variance),
  }
}

/** Weights that sum to 1. */
function rowShares(n: number, weights: ArrayLike<number> | undefined): Float64Array {
  let total = 0
  for (let row = 0; row < n; row++) total += weights?.[row] ?? 0
  return Float64Array.from({ length: n }, (_, row) => (total > 0 ? weights![row]! / total : 1 / n))
}

function weightedMean(factors: Float32Array, n: number, k: number, shares: Float64Array): Float64Array {
  const mean = new Float64Array(k)
  for (let row = 0; row < n; row++) {
    for (let a = 0; a < k; a++) mean[a]! += shares[row]! * factors[row * k + a]!
  }
  return mean
}

/** Rows that are added to the covariance at a time: each of its elements is read and written once for all of them. */
const BLOCK = 4

function weightedCovariance(
  factors: Float32Array,
  n: number,
  k: number,
  shares: Float64Array,
  mean: Float64Array,
): Float64Array {
  // One more row, of zeros, so that rows can be taken two at a time.
  const covariance = new Float64Array((k + 1) * k)
  const block = new Float64Array((k + 1) * BLOCK)
  for (let first = 0; first < n; first += BLOCK) {
    for (let lane = 0; lane < BLOCK; lane++) {
      const row = first + lane
      const root = row < n ? Math.sqrt(shares[row]!) : 0
      for (let a = 0; a < k; a++) block[a * BLOCK + lane] = root * ((factors[row * k + a] ?? 0) - mean[a]!)
    }
    addOuterProducts(covariance, block, k)
  }
  for (let a = 0; a < k; a++) for (let b = 0; b < a; b++) covariance[a * k + b] = covariance[b * k + a]!
  return covariance.subarray(0, k * k)
}

/** The upper triangle of C += B' B, for a block B of four rows that is stored by columns; two rows of C at a time. */
function addOuterProducts(covariance: Float64Array, block: Float64Array, k: number): void {
  for (let a = 0; a < k; a += 2) {
    const at = a * BLOCK
    const a0 = block[at]!
    const a1 = block[at + 1]!
    const a2 = block[at + 2]!
    const a3 = block[at + 3]!
    const b0 = block[at + 4]!
    const b1 = block[at + 5]!
    const b2 = block[at + 6]!
    const b3 = block[at + 7]!
    for (let column = a; column < k; column++) {
      const from = column * BLOCK
      const c0 = block[from]!
      const c1 = block[from + 1]!
      const c2 = block[from + 2]!
      const c3 = block[from + 3]!
      covariance[a * k + column]! += a0 * c0 + a1 * c1 + (a2 * c2 + a3 * c3)
      covariance[(a + 1) * k + column]! += b0 * c0 + b1 * c1 + (b2 * c2 + b3 * c3)
    }
  }
}

function project(factors: Float32Array, n: number, k: number, mean: Float64Array, axis: Float64Array): Float64Array {
  const along = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    let sum = 0
    for (let a = 0; a < k; a++) sum += (factors[row * k + a]! - mean[a]!) * axis[a]!
    along[row] = sum
  }
  return along
}

import type { Ratings } from '../data/ratings.ts'
import type { ModelScale } from '../model/tables.ts'

/** Sizes that follow from the unit of the ratings, so that step sizes need not. */
export interface ErrorScale {
  /** Of a score's distance from where training starts. */
  score: number
  /** Of half the squared error's derivative by the score. */
  derivative: number
}

/**
 * Ratings in other units, r -> c r, are fitted by scores c times as far from the start (linear link), factors sqrt(c) times
 * as large and derivatives c times as large; the bounded link takes the unit out of the scores. Measured by the root mean
 * square of r - r_hat at the start, to three digits, so that the order of the entries has no bearing on it; 1 where all
 * ratings are met from the start.
 */
export function errorScale(
  ratings: Ratings,
  { link, mean, range }: Pick<ModelScale, 'link' | 'mean' | 'range'>,
): ErrorScale {
  const width = range.max - range.min
  const share = 1 / (1 + Math.exp(-mean))
  const start = link === 'bounded' ? range.min + width * share : mean
  const slope = link === 'bounded' ? width * share * (1 - share) : 1
  const error = Number(Math.sqrt(squaresFrom(ratings, start) / Math.max(1, ratings.length)).toPrecision(3))
  if (error === 0) return { score: 1, derivative: 1 }
  return { score: error / slope, derivative: error * slope }
}

const known = new WeakMap<Ratings, { start: number; squares: number }>()

/** Sum of (r - start)^2; the last one is remembered, since options and solver ask for it. */
function squaresFrom(ratings: Ratings, start: number): number {
  const last = known.get(ratings)
  if (last?.start === start) return last.squares
  const { values, length } = ratings
  let squares = 0
  for (let entry = 0; entry < length; entry++) squares += (values[entry]! - start) ** 2
  known.set(ratings, { start, squares })
  return squares
}

import { describe, expect, it } from 'vitest'
import { Ratings } from '../../src/data/ratings.ts'
import { errorScale } from '../../src/solvers/error-scale.ts'

describe('errorScale', () => {
  const ratings = Ratings.from(['a', 'a', 'b', 'b'], ['x', 'y', 'x', 'y'], [1, 2, 3, 4])
  const range = { min: 1, max: 4 }

  it('is the root mean square of the errors at the start, whatever was asked for before', () => {
    const linear = (mean: number) => errorScale(ratings, { link: 'linear', mean, range })
    // Squares from 2.5: 2.25 + 0.25 + 0.25 + 2.25; from 0: 30.
    for (const [mean, error] of [
      [2.5, 1.12],
      [0, 2.74],
      [2.5, 1.12],
    ] as const) {
      expect(linear(mean)).toEqual({ score: error, derivative: error })
    }
  })

  it('takes the slope of the bounded link out of scores, and into derivatives', () => {
    // It starts from the middle of the range, 2.5, where its slope is a quarter of the width.
    const { score, derivative } = errorScale(ratings, { link: 'bounded', mean: 0, range })
    expect(score).toBeCloseTo(1.12 / 0.75, 12)
    expect(derivative).toBeCloseTo(1.12 * 0.75, 12)
  })

  it('is 1 where all ratings are met from the start', () => {
    const even = Ratings.from(['a', 'b'], ['x', 'y'], [3, 3])
    expect(errorScale(even, { link: 'linear', mean: 3, range })).toEqual({ score: 1, derivative: 1 })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { seenItems } from '../../src/data/seen.ts'
import { biasOnlyErrors, globalMeanErrors } from '../../src/metrics/baselines.ts'

const train = Ratings.from([1, 1, 2, 2], [1, 2, 1, 3], [5, 3, 4, 2])

/** All pairs of some users and items, with ratings mean + b_u + b_i. */
function additive(userBias: readonly number[], itemBias: readonly number[]): Ratings {
  const pairs = userBias.flatMap((b, u) => itemBias.map((c, i) => [u, i, 3 + b + c] as const))
  const column = (at: 0 | 1 | 2) => pairs.map(pair => pair[at])
  return Ratings.from(column(0), column(1), column(2))
}

describe('globalMeanErrors', () => {
  it('predicts the mean of the training ratings', () => {
    const test = Ratings.from([1, 9], [3, 9], [4.5, 1.5])
    const { rmse, mae } = globalMeanErrors(train, test)
    expect(rmse).toBeCloseTo(Math.sqrt((1 + 4) / 2), 12)
    expect(mae).toBeCloseTo(1.5, 12)
  })

  it('is NaN over nothing', () => {
    expect(globalMeanErrors(train, train.select(new Uint32Array(0)))).toEqual({ rmse: Number.NaN, mae: Number.NaN })
  })
})

describe('biasOnlyErrors', () => {
  it('finds biases that explain everything', () => {
    const bias = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(bias, bias, (userBias, itemBias) => {
        const ratings = additive(userBias, itemBias)
        // f32 ratings below 6 are off by up to 2^-22.
        expect(biasOnlyErrors(ratings, ratings, { regularization: 1e-9 }).rmse).toBeLessThan(1e-6)
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  it('solves for one user and one item by hand', () => {
    // mean 4, residuals 1 and -1 of one user and two items: the user's bias stays 0, an item's is 1 / (lambda + 1).
    const two = Ratings.from([1, 1], [1, 2], [5, 3])
    const { rmse, mae } = biasOnlyErrors(two, two, { regularization: 1 })
    expect(rmse).toBeCloseTo(0.5, 12)
    expect(mae).toBeCloseTo(0.5, 12)
  })

  it('stands still after some sweeps, and all but does so after two', () => {
    const { ratings } = plantedRatings({ users: 60, items: 40, entries: 900, seed: 2 })
    const rmseOf = (sweeps: number) => biasOnlyErrors(ratings, ratings, { sweeps }).rmse
    expect(rmseOf(10)).toBe(biasOnlyErrors(ratings, ratings).rmse)
    expect(rmseOf(1)).toBeGreaterThan(rmseOf(2))
    expect(Math.abs(rmseOf(10) - rmseOf(20))).toBeLessThan(1e-6)
    expect(Math.abs(rmseOf(2) - rmseOf(10)) / rmseOf(10)).toBeLessThan(1e-3)
    // It ends by itself.
    expect(Math.abs(rmseOf(1e12) - rmseOf(10))).toBeLessThan(1e-6)
  })

  it('gives the same from lists of the items that users have', () => {
    const { ratings } = plantedRatings({ users: 60, items: 40, entries: 900, seed: 2 })
    const held = plantedRatings({ users: 70, items: 50, entries: 300, seed: 3 }).ratings
    const plain = biasOnlyErrors(ratings, held)
    const seen = seenItems(ratings)
    const listed = biasOnlyErrors(ratings, held, { seen })
    expect(listed.rmse).toBeCloseTo(plain.rmse, 12)
    expect(listed.mae).toBeCloseTo(plain.mae, 12)
    // Lists of other entries, with as many users, would give something else.
    const others = seenItems(plantedRatings({ users: 60, items: 40, entries: 900, seed: 4 }).ratings)
    expect(Math.abs(biasOnlyErrors(ratings, held, { seen: others }).rmse - plain.rmse)).toBeGreaterThan(1e-6)
    // Those that cannot be the entries' are not used.
    const fewer = seenItems(ratings.select(Uint32Array.from({ length: 899 }, (_, entry) => entry)))
    expect(biasOnlyErrors(ratings, held, { seen: fewer })).toEqual(plain)
  })

  it('approaches the global mean as the penalty grows', () => {
    const { rmse } = biasOnlyErrors(train, train, { regularization: 1e12 })
    expect(rmse).toBeCloseTo(globalMeanErrors(train, train).rmse, 9)
  })

  it('lets unknown users and items contribute nothing', () => {
    const test = Ratings.from([77, 78], [88, 89], [4.5, 1.5])
    expect(biasOnlyErrors(train, test)).toEqual(globalMeanErrors(train, test))
  })

  it('matches ids, not their numbers', () => {
    const ratings = additive([-1, 0, 1], [-0.5, 0.5])
    const reversed = Ratings.from([2, 1, 0], [1, 1, 1], [4.5, 3.5, 2.5])
    expect(biasOnlyErrors(ratings, reversed, { regularization: 1e-9 }).rmse).toBeLessThan(1e-6)
  })

  it('stays within the range of the training ratings', () => {
    const corner = Ratings.from([1, 1, 2], [1, 2, 1], [5, 5, 1])
    // 1 + b_2 + b_2' would be below 1 for the pair (2, 2) of the worst user; the error to 1 is then at most the range.
    const test = Ratings.from([2], [2], [1])
    expect(biasOnlyErrors(corner, test, { regularization: 1e-9 }).mae).toBeLessThanOrEqual(4)
    const low = Ratings.from([1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 1, 3], [1, 3, 3, 5, 1, 1])
    expect(biasOnlyErrors(low, Ratings.from([2], [2], [5]), { regularization: 1e-9 }).mae).toBeLessThan(0.5)
  })
})

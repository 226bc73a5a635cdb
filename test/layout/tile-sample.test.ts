import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { rowCounts } from '../../src/data/row-counts.ts'
import { entriesOfStrata } from '../../src/layout/tile-sample.ts'
import { packTiles } from '../../src/layout/tiles.ts'
import { skewedRatings } from '../support/fused.ts'

describe('a sample of strata', () => {
  it.each([
    { workers: 4, strata: 4, slices: 1, nested: false },
    { workers: 6, strata: 9, slices: 2, nested: false },
    { workers: 3, strata: 4, slices: 4, nested: true },
  ])('lies in the tiles that it has in the whole: %j', shape => {
    const ratings = skewedRatings(new Random(4), 6000, 90, 70)
    const counts = rowCounts(ratings)
    const whole = packTiles(ratings, shape, { seed: 5 })
    for (const strata of [1, 3, shape.strata]) {
      const positions = entriesOfStrata(ratings, counts, shape, { seed: 5, strata })
      const sample = packTiles(ratings.select(positions), shape, {
        seed: 5,
        whole: { counts, entries: ratings.length },
      })
      const end = whole.stratumStart[strata]!
      expect(positions).toHaveLength(end)
      expect(sample.entries).toEqual(whole.entries.subarray(0, 2 * end))
      expect(sample.stratumStart.subarray(0, strata + 1)).toEqual(whole.stratumStart.subarray(0, strata + 1))
      expect(sample.stratumStart.subarray(strata).every(start => start === end)).toBe(true)
      expect(sample.users).toEqual(whole.users)
      expect(sample.items).toEqual(whole.items)
    }
  })
})

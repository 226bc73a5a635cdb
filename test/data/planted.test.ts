import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeDuplicates } from '../../src/data/duplicates.ts'
import { PLANTED_DEFAULTS, type PlantedOptions, plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { InputError, OptionError } from '../../src/errors.ts'

const medium = { users: 600, items: 370, entries: 60_000, seed: 1 }

function sd(values: Iterable<number>): number {
  let [count, sum, squares] = [0, 0, 0]
  for (const value of values) {
    count++
    sum += value
    squares += value * value
  }
  return Math.sqrt(squares / count - (sum / count) ** 2)
}

const counts = (indices: Uint32Array, size: number) => {
  const count = new Uint32Array(size)
  for (const index of indices) count[index]!++
  return count
}

describe('plantedRatings', () => {
  it('meets the count exactly, without duplicates, numbered by first appearance', () => {
    const shapes = fc.record({
      users: fc.integer({ min: 1, max: 12 }),
      items: fc.integer({ min: 1, max: 12 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      itemExponent: fc.double({ min: 0, max: 10, noNaN: true }),
      userExponent: fc.double({ min: 0, max: 10, noNaN: true }),
      itemShift: fc.constantFrom(0, 0.1),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(shapes, ({ share, ...shape }) => {
        const entries = Math.max(1, Math.round(share * shape.users * shape.items))
        const { ratings } = plantedRatings({ ...shape, userShift: 0, rank: 2, entries })
        expect(ratings.length).toBe(entries)
        expect(mergeDuplicates(ratings, 'error')).toBe(ratings)
        const rawUsers = Array.from(ratings.users, u => ratings.userIds.at(u))
        const rawItems = Array.from(ratings.items, i => ratings.itemIds.at(i))
        const again = Ratings.from(rawUsers, rawItems, ratings.values)
        expect([again.users, again.userIds.values]).toEqual([ratings.users, ratings.userIds.values])
        expect([again.items, again.itemIds.values]).toEqual([ratings.items, ratings.itemIds.values])
        expect(Math.max(...(rawUsers as number[]))).toBeLessThanOrEqual(shape.users)
        expect(Math.max(...(rawItems as number[]))).toBeLessThanOrEqual(shape.items)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('gives the same bits for the same seed, others for another', () => {
    const bits = (seed: number) => {
      const { ratings } = plantedRatings({ users: 50, items: 40, entries: 500, seed })
      return [ratings.users, ratings.items, new Uint32Array(ratings.values.buffer)]
    }
    expect(bits(7)).toEqual(bits(7))
    expect(bits(7)).not.toEqual(bits(8))
  })

  it('is its truth plus noise of the given sd, in every part of a split', () => {
    const set = plantedRatings({ ...medium, noise: 0.5 })
    const { train, test } = splitRandom(set.ratings, { ratio: 0.2, seed: 3 })
    for (const part of [undefined, train, test]) {
      const length = (part ?? set.ratings).length
      // The sd of n draws has a standard error of sd / sqrt(2n).
      expect(Math.abs(set.noiseFloor(part) - 0.5)).toBeLessThan((5 * 0.5) / Math.sqrt(2 * length))
    }
    const squares = (part: Ratings) => set.noiseFloor(part) ** 2 * part.length
    expect(squares(train) + squares(test)).toBeCloseTo(squares(set.ratings), 6)
  })

  it('without noise equals its truth up to f32', () => {
    const { ratings, truth, noiseFloor } = plantedRatings({ ...medium, noise: 0 })
    for (let e = 0; e < ratings.length; e++) {
      expect(ratings.values[e]).toBe(Math.fround(truth(ratings.users[e]!, ratings.items[e]!)))
    }
    expect(noiseFloor()).toBeLessThan(1e-6)
  })

  it('has a truth of the given mean, deviations and rank', () => {
    const { ratings, truth } = plantedRatings({ ...medium, users: 2000, items: 1500, entries: 200_000, rank: 2 })
    const { userCount, itemCount } = ratings
    const mean = (length: number, value: (at: number) => number) =>
      Array.from({ length }, (_, at) => value(at)).reduce((sum, x) => sum + x, 0) / length
    const userMeans = Array.from({ length: userCount }, (_, u) => mean(itemCount, i => truth(u, i)))
    const itemMeans = Array.from({ length: itemCount }, (_, i) => mean(userCount, u => truth(u, i)))
    const all = mean(userCount, u => userMeans[u]!)
    const interaction: number[] = []
    for (let u = 0; u < 60; u++) {
      for (let i = 0; i < itemCount; i++) interaction.push(truth(u * 30, i) - userMeans[u * 30]! - itemMeans[i]! + all)
    }
    const { userBiasSd, itemBiasSd, interactionSd } = PLANTED_DEFAULTS
    expect(all).toBeCloseTo(PLANTED_DEFAULTS.mean, 1)
    expect(sd(userMeans)).toBeCloseTo(userBiasSd, 1)
    expect(sd(itemMeans)).toBeCloseTo(itemBiasSd, 1)
    expect(Math.abs(sd(interaction) - interactionSd)).toBeLessThan(0.2 * interactionSd)

    // What the biases leave has rank 2: any 3 x 3 minor vanishes, some 2 x 2 minor does not.
    const at = (u: number, i: number) => truth(u, i) - userMeans[u]! - itemMeans[i]! + all
    const minor2 = (u: number, v: number, i: number, j: number) => at(u, i) * at(v, j) - at(u, j) * at(v, i)
    const minor3 = at(0, 0) * minor2(1, 2, 1, 2) - at(0, 1) * minor2(1, 2, 0, 2) + at(0, 2) * minor2(1, 2, 0, 1)
    expect(Math.abs(minor3)).toBeLessThan(1e-9)
    expect(Math.abs(minor2(0, 1, 0, 1))).toBeGreaterThan(1e-4)
  })

  it('has popularities like those of ML-1M by default', () => {
    const { ratings } = plantedRatings({ users: 6040, items: 3706, entries: 1_000_209 })
    const byItem = counts(ratings.items, ratings.itemCount)
    const heaviest = byItem.indexOf(Math.max(...byItem))
    expect(byItem[heaviest]! / ratings.length).toBeGreaterThan(0.003)
    expect(byItem[heaviest]! / ratings.length).toBeLessThan(0.0038)
    expect(ratings.itemIds.at(heaviest)).toBeLessThan(40)
    const byUser = counts(ratings.users, ratings.userCount).sort()
    expect(ratings.userCount).toBe(6040)
    expect(byUser[0]).toBeGreaterThanOrEqual(20)
    expect(byUser.at(-1)).toBeGreaterThan(1000)
  })

  it('draws items in proportion to their popularity where users take few of them', () => {
    const options = { users: 40_000, items: 50, entries: 40_000, itemExponent: 1, itemShift: 0, userExponent: 0 }
    const { ratings } = plantedRatings({ ...options, rank: 1, seed: 4 })
    const harmonic = Array.from({ length: 50 }, (_, j) => 1 / (j + 1)).reduce((sum, weight) => sum + weight, 0)
    const byItem = counts(ratings.items, ratings.itemCount)
    for (let i = 0; i < byItem.length; i++) {
      const share = 1 / Number(ratings.itemIds.at(i)) / harmonic
      expect(Math.abs(byItem[i]! - 40_000 * share)).toBeLessThan(5 * Math.sqrt(40_000 * share))
    }
  })

  it('comes in an order that does not follow the users', () => {
    const { ratings } = plantedRatings(medium)
    let same = 0
    for (let e = 1; e < ratings.length; e++) same += Number(ratings.users[e] === ratings.users[e - 1])
    const shares = counts(ratings.users, ratings.userCount)
    const expected = shares.reduce((sum, count) => sum + count * (count / ratings.length), 0)
    expect(Math.abs(same - expected)).toBeLessThan(6 * Math.sqrt(expected))
  })

  it('measures the floor of ratings numbered otherwise, by raw id', () => {
    const set = plantedRatings({ users: 30, items: 20, entries: 200, seed: 2 })
    const { users, items, values, userIds, itemIds } = set.ratings
    const reversed = Ratings.from(
      Array.from(users, u => String(userIds.at(u))).reverse(),
      Array.from(items, i => String(itemIds.at(i))).reverse(),
      Array.from(values).reverse(),
    )
    expect(set.noiseFloor(reversed)).toBeCloseTo(set.noiseFloor(), 12)
    expect(() => set.noiseFloor(Ratings.from([31], [1], [3]))).toThrow(InputError)
    expect(() => set.noiseFloor(set.ratings.select(new Uint32Array(0)))).toThrow(InputError)
  })

  it('refuses options that cannot be met', () => {
    const fine = { users: 3, items: 4, entries: 12 }
    expect(plantedRatings(fine).ratings.length).toBe(12)
    const bad: Partial<PlantedOptions>[] = [
      { entries: 13 },
      { entries: 0 },
      { users: 0 },
      { items: 2.5 },
      { rank: 0 },
      { noise: -1 },
      { noise: Number.NaN },
      { mean: Number.POSITIVE_INFINITY },
      { userBiasSd: -0.1 },
      { itemExponent: -1 },
      { userExponent: 11 },
      { itemShift: Number.NaN },
      { groups: 1 },
      { groups: 5 },
      { groups: 2.5 },
      { groups: Number.NaN },
      { groupShare: -0.1 },
      { groupShare: 1.1 },
      { groupShare: Number.NaN },
      { seed: -1 },
      { seed: 2 ** 32 },
    ]
    for (const change of bad) {
      expect(() => plantedRatings({ ...fine, ...change })).toThrow(OptionError)
      expect(() => plantedRatings({ ...fine, ...change })).toThrow(`"${Object.keys(change)[0]}" must be`)
    }
  })
})

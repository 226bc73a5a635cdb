import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PlantedOptions, type PlantedSet, plantedRatings } from '../../src/data/planted.ts'
import { plantGroups } from '../../src/data/planted-groups.ts'
import { Random } from '../../src/data/random.ts'
import { OptionError } from '../../src/errors.ts'

const shape = { users: 300, items: 240, entries: 20_000, rank: 6, seed: 2 }
const bits = ({ ratings }: PlantedSet) => [ratings.users, ratings.items, new Uint32Array(ratings.values.buffer)]
const sizesOf = (groups: Uint8Array, count: number) =>
  Array.from({ length: count }, (_, g) => groups.filter(group => group === g).length)

/** p_u . q_i of some users and all items, up to terms of the user and of the item. */
function interactions(set: PlantedSet, users: number): Float64Array[] {
  const { userCount, itemCount } = set.ratings
  const mean = (length: number, value: (at: number) => number) =>
    Array.from({ length }, (_, at) => value(at)).reduce((sum, x) => sum + x, 0) / length
  const itemMeans = Array.from({ length: itemCount }, (_, i) => mean(userCount, u => set.truth(u, i)))
  const all = mean(itemCount, i => itemMeans[i]!)
  return Array.from({ length: users }, (_, u) => {
    const userMean = mean(itemCount, i => set.truth(u, i))
    return Float64Array.from({ length: itemCount }, (_, i) => set.truth(u, i) - userMean - itemMeans[i]! + all)
  })
}

/** Mean square of the interactions, and that of their means over each group. */
function variances(set: PlantedSet, count: number): { all: number; between: number } {
  const sizes = sizesOf(set.itemGroups, count)
  let [all, between, cells] = [0, 0, 0]
  for (const row of interactions(set, set.ratings.userCount)) {
    const sums = new Float64Array(count)
    row.forEach((value, i) => {
      all += value ** 2
      sums[set.itemGroups[i]!]! += value
    })
    sums.forEach((sum, g) => {
      between += sum ** 2 / Math.max(1, sizes[g]!)
    })
    cells += row.length
  }
  return { all: all / cells, between: between / cells }
}

describe('groups of a planted set', () => {
  it('are none by default', () => {
    expect(plantedRatings(shape).itemGroups.length).toBe(0)
  })

  it('change no pair and, without a share, no bit', () => {
    const plain = plantedRatings(shape)
    const grouped = plantedRatings({ ...shape, groups: 7 })
    expect(bits(grouped).slice(0, 2)).toEqual(bits(plain).slice(0, 2))
    expect(bits(grouped)[2]).not.toEqual(bits(plain)[2])
    expect(bits(plantedRatings({ ...shape, groups: 7, groupShare: 0 }))).toEqual(bits(plain))
  })

  it('are the same for the same seed, others for another', () => {
    const groups = (seed: number) => plantedRatings({ ...shape, groups: 7, seed }).itemGroups
    expect(groups(3)).toEqual(groups(3))
    expect(groups(3)).not.toEqual(groups(4))
  })

  it('keep the variance of the interaction, the given share of it between the groups', () => {
    const options = { ...shape, users: 1200, items: 900, entries: 60_000, interactionSd: 0.8, groups: 9 }
    for (const groupShare of [0.3, 0.7, 1]) {
      const { all, between } = variances(plantedRatings({ ...options, groupShare }), options.groups)
      // A variance over n users of k factors has a relative standard error of about sqrt(2 / n k).
      expect(Math.abs(all / 0.64 - 1)).toBeLessThan(0.1)
      expect(Math.abs(between / all - groupShare)).toBeLessThan(0.05)
    }
  })

  it('with the whole share make the items of a group alike but for their biases', () => {
    const set = plantedRatings({ ...shape, groups: 4, groupShare: 1, itemBiasSd: 0 })
    const first = new Map<number, number>()
    set.itemGroups.forEach((group, item) => {
      first.set(group, first.get(group) ?? item)
      expect(set.truth(5, item)).toBe(set.truth(5, first.get(group)!))
    })
    expect(first.size).toBe(4)
  })

  it('belong to the items, not to their popularity: the dense order does not matter', () => {
    const set = plantedRatings({ ...shape, groups: 7, itemExponent: 0 })
    const other = plantedRatings({ ...shape, groups: 7, itemExponent: 3, entries: 30_000 })
    const byId = (from: PlantedSet) =>
      new Map(Array.from(from.itemGroups, (group, item) => [from.ratings.itemIds.at(item), group]))
    const [a, b] = [byId(set), byId(other)]
    expect(a.size).toBe(set.ratings.itemCount)
    for (const [id, group] of b) expect(a.get(id)).toBe(group)
  })

  it('refuses counts that no group can have', () => {
    const fits: PlantedOptions = { users: 20, items: 300, entries: 100, groups: 256 }
    expect(Math.max(...plantedRatings({ ...fits, entries: 6000 }).itemGroups)).toBe(255)
    expect(() => plantedRatings({ ...fits, groups: 257 })).toThrow(OptionError)
    expect(() => plantedRatings({ users: 20, items: 1, entries: 10, groups: 2 })).toThrow('0 for a single item')
  })
})

describe('plantGroups', () => {
  it('leaves no group empty, the sizes descending, centres of mean 0 and mean square k', () => {
    const cases = fc.record({
      count: fc.integer({ min: 2, max: 40 }),
      more: fc.nat(400),
      k: fc.integer({ min: 1, max: 12 }),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(cases, ({ count, more, k, seed }) => {
        const items = count + more
        const { groups, centres } = plantGroups(items, count, k, new Random(seed))
        const sizes = sizesOf(groups, count)
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(items)
        expect(Math.min(...sizes)).toBeGreaterThan(0)
        // Rounding a running sum moves a size by less than one.
        for (let g = 1; g < count; g++) expect(sizes[g]).toBeLessThanOrEqual(sizes[g - 1]! + 1)
        let squares = 0
        for (let f = 0; f < k; f++) {
          const mean = sizes.reduce((sum, size, g) => sum + (size / items) * centres[g * k + f]!, 0)
          expect(mean).toBeCloseTo(0, 10)
          sizes.forEach((size, g) => {
            squares += (size / items) * centres[g * k + f]! ** 2
          })
        }
        expect(squares).toBeCloseTo(k, 8)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('holds most of the spread in the first two dimensions, where no two centres are close', () => {
    for (const count of [2, 5, 12, 19, 60]) {
      const k = 16
      const { groups, centres } = plantGroups(600, count, k, new Random(count))
      let [plane, all] = [0, 0]
      for (const group of groups) {
        for (let f = 0; f < k; f++) {
          const square = centres[group * k + f]! ** 2
          all += square
          if (f < 2) plane += square
        }
      }
      expect(plane / all).toBeGreaterThan(0.6)
      // Evenly over a disc of mean square r^2 (area 2 pi r^2), each centre has the area 2 pi r^2 / count to itself.
      const spacing = Math.sqrt((2 * Math.PI * plane) / groups.length / count)
      for (let g = 0; g < count; g++) {
        for (let h = 0; h < g; h++) {
          const distance = Math.hypot(centres[g * k]! - centres[h * k]!, centres[g * k + 1]! - centres[h * k + 1]!)
          expect(distance).toBeGreaterThan(spacing / 2)
        }
      }
    }
  })
})

describe('taste of a planted set', () => {
  const meanInteraction = (taste: number) => {
    const flat = { userBiasSd: 0, itemBiasSd: 0, mean: 0, noise: 0 }
    const { ratings } = plantedRatings({ ...shape, ...flat, taste })
    return ratings.values.reduce((sum, value) => sum + value, 0) / ratings.length
  }

  it('grows what users think of their items', () => {
    const means = [0, 0.5, 2, 10].map(meanInteraction)
    expect(Math.abs(means[0]!)).toBeLessThan(0.05)
    for (let at = 1; at < means.length; at++) expect(means[at]!).toBeGreaterThan(means[at - 1]! + 0.05)
  })

  it('draws no pair twice, and all pairs where all are asked for', () => {
    for (const entries of [5000, 40 * 200]) {
      const { ratings } = plantedRatings({ users: 40, items: 200, entries, taste: 5, seed: 1 })
      const pairs = ratings.users.map((user, e) => user * ratings.itemCount + ratings.items[e]!)
      expect(new Set(pairs).size).toBe(entries)
    }
  })

  it('is a number of at least 0', () => {
    for (const taste of [-1, Number.NaN, 11]) expect(() => plantedRatings({ ...shape, taste })).toThrow(OptionError)
  })
})

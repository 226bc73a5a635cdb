import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { packTiles } from '../../src/layout/tiles.ts'
import { ids, problem, ratingsOf, skewed, stepsOf, type TileEntry } from '../support/tiles.ts'

class Multiset {
  readonly counts = new Map<string, number>()
  constructor(values: readonly string[]) {
    for (const value of values) this.counts.set(value, (this.counts.get(value) ?? 0) + 1)
  }
}

const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!

const byPlace = (a: TileEntry, b: TileEntry) =>
  a.held - b.held || a.streamed - b.streamed || bitsOf(a.value) - bitsOf(b.value)

const text = (user: number, item: number, value: number) => `${user} ${item} ${value}`

describe('packTiles', () => {
  it('holds every entry once, in the tile of its rows', () => {
    fc.assert(
      fc.property(problem, given => {
        const ratings = ratingsOf(given)
        const layout = packTiles(ratings, given.shape, { seed: given.seed })
        const [held, streamed] = layout.held === 'users' ? [layout.users, layout.items] : [layout.items, layout.users]
        const found = stepsOf(layout).flatMap(({ tiles }) =>
          tiles.flatMap(({ heldBlock, streamedBlock, entries }) => {
            expect(entries).toEqual(entries.toSorted(byPlace))
            return entries.map(entry => {
              expect(entry.held).toBeLessThan(held.blockStart[heldBlock + 1]!)
              expect(entry.streamed).toBeLessThan(streamed.blockStart[streamedBlock + 1]!)
              const [one, other] = [held.rowOf[entry.held]!, streamed.rowOf[entry.streamed]!]
              return layout.held === 'users' ? text(one, other, entry.value) : text(other, one, entry.value)
            })
          }),
        )
        const expected = Array.from({ length: ratings.length }, (_, e) =>
          text(ratings.users[e]!, ratings.items[e]!, ratings.values[e]!),
        )
        expect(new Multiset(found)).toEqual(new Multiset(expected))
      }),
      { seed: 11, numRuns: 200 },
    )
  })

  it('lets no two slices of a stratum share a row before a barrier, where strata are as many as workers', () => {
    fc.assert(
      fc.property(problem, given => {
        fc.pre(given.shape.strata >= given.shape.workers)
        const layout = packTiles(ratingsOf(given), given.shape, { seed: given.seed })
        // Sub-strata of different workgroups overlap in time, so a stratum's rows are counted over all of them, but
        // slices of one workgroup only by sub-stratum.
        for (const side of ['held', 'streamed'] as const) {
          const owner = new Map<string, string>()
          for (const { stratum, workgroup, sub, tiles } of stepsOf(layout)) {
            tiles.forEach(({ entries }, slice) => {
              for (const entry of entries) {
                const within = `${stratum} ${workgroup} ${sub} ${entry[side]}`
                expect(owner.get(within) ?? slice).toBe(slice)
                owner.set(within, slice as never)
                const across = `${stratum} ${entry[side]}`
                expect(owner.get(across) ?? workgroup).toBe(workgroup)
                owner.set(across, workgroup as never)
              }
            })
          }
        }
      }),
      { seed: 12, numRuns: 200 },
    )
  })

  it('tells the longest tile of each step, the runs and the efficiency', () => {
    fc.assert(
      fc.property(problem, given => {
        const ratings = ratingsOf(given)
        const layout = packTiles(ratings, given.shape, { seed: given.seed })
        const steps = stepsOf(layout)
        let runs = 0
        const time = new Map<string, number>()
        for (const { stratum, workgroup, tiles, longest } of steps) {
          expect(longest).toBe(Math.max(...tiles.map(({ entries }) => entries.length)))
          for (const { entries } of tiles) runs += new Set(entries.map(({ held }) => held)).size
          const key = `${stratum} ${workgroup}`
          time.set(key, (time.get(key) ?? 0) + longest)
        }
        expect(layout.runLength).toBeCloseTo(ratings.length / runs, 10)
        let critical = 0
        for (let stratum = 0; stratum < given.shape.strata; stratum++) {
          critical += Math.max(...[...time].filter(([key]) => key.startsWith(`${stratum} `)).map(([, t]) => t))
        }
        const workers = given.shape.workers * (given.shape.nested ? given.shape.slices : 1)
        expect(layout.efficiency).toBeCloseTo(ratings.length / (workers * critical), 10)
      }),
      { seed: 13, numRuns: 100 },
    )
  })

  it('does not depend on the order of the entries', () => {
    fc.assert(
      fc.property(problem, given => {
        const ratings = ratingsOf(given)
        const order = new Random(given.seed, 9).permutation(ratings.length)
        const one = packTiles(ratings, given.shape, { seed: 3 })
        const other = packTiles(ratings.select(order), given.shape, { seed: 3 })
        expect(other).toEqual(one)
      }),
      { seed: 14, numRuns: 100 },
    )
  })

  it('counts the entries of each slot', () => {
    const ratings = skewed(new Random(7), 400, 20, 30)
    const layout = packTiles(ratings, { workers: 6, strata: 6, slices: 2, nested: false }, { seed: 1 })
    for (const [side, blocks, slotCounts] of [
      ['users', layout.users, layout.userSlotCounts],
      ['items', layout.items, layout.itemSlotCounts],
    ] as const) {
      const counts = new Uint32Array(blocks.slotStart.length - 1)
      slotCounts.forEach((count, slot) => {
        counts[blocks.rowOf[slot]!]! += count
      })
      const expected = new Uint32Array(counts.length)
      for (const row of ratings[side]) expected[row]!++
      expect(counts).toEqual(expected)
    }
  })

  it("tells each stratum's entries, and its tiles' bounds among them", () => {
    fc.assert(
      fc.property(problem, given => {
        const { stratumStart, tiles } = packTiles(ratingsOf(given), given.shape, { seed: given.seed })
        const { strata, slices } = given.shape
        expect(stratumStart[0]).toBe(0)
        expect(stratumStart).toHaveLength(strata + 1)
        const words = tiles.length / strata
        for (let stratum = 0; stratum < strata; stratum++) {
          const own = tiles.subarray(stratum * words, (stratum + 1) * words)
          expect(own[0]).toBe(0)
          expect(own[words - 2]).toBe(stratumStart[stratum + 1]! - stratumStart[stratum]!)
          for (let row = slices + 2; row < words; row += slices + 2) expect(own[row]).toBe(own[row - 2])
        }
        expect(stratumStart.at(-1)).toBe(given.entries)
      }),
      { seed: 14, numRuns: 100 },
    )
  })

  it('tells more blocks apart than 16 bits do', () => {
    const rows = 66_000
    const ratings = new Ratings({
      users: Uint32Array.from({ length: 2 * rows }, (_, e) => e % rows),
      items: Uint32Array.from({ length: 2 * rows }, (_, e) => (e < rows ? e : 2 * rows - 1 - e)),
      values: Float32Array.from({ length: 2 * rows }, (_, e) => e),
      userIds: ids(rows),
      itemIds: ids(rows),
    })
    const shape = { workers: rows, strata: 2, slices: 1, nested: false }
    const layout = packTiles(ratings, shape, { seed: 1 })
    const [held, streamed] = layout.held === 'users' ? [layout.users, layout.items] : [layout.items, layout.users]
    let found = 0
    for (const { tiles } of stepsOf(layout)) {
      for (const { entries } of tiles) {
        for (const entry of entries) {
          const [one, other] = [held.rowOf[entry.held], streamed.rowOf[entry.streamed]]
          const [user, item] = layout.held === 'users' ? [one, other] : [other, one]
          if (ratings.users[entry.value] !== user || ratings.items[entry.value] !== item) expect.fail(`${entry.value}`)
          found++
        }
      }
    }
    expect(found).toBe(2 * rows)
  })

  it('breaks the bound that one popular item sets to the parallelism', () => {
    // Half of all entries name item 0: without replicas at most two workers would have work.
    const random = new Random(9)
    const entries = 20_000
    const ratings = new Ratings({
      users: Uint32Array.from({ length: entries }, () => random.below(2000)),
      items: Uint32Array.from({ length: entries }, (_, e) => (e % 2 === 0 ? 0 : 1 + random.below(500))),
      values: new Float32Array(entries),
      userIds: ids(2000),
      itemIds: ids(501),
    })
    const grid = { workers: 16, strata: 16, slices: 1, nested: false }
    const whole = packTiles(ratings, grid, { seed: 1, replicaCap: Number.POSITIVE_INFINITY })
    const split = packTiles(ratings, grid, { seed: 1 })
    expect(whole.items.rowOf).toHaveLength(501)
    expect(whole.efficiency).toBeLessThanOrEqual(0.125)
    expect(split.items.rowOf).toHaveLength(501 + 7)
    expect(split.efficiency).toBeGreaterThan(0.6)
  })

  it('holds the side that makes for longer runs', () => {
    const many = skewed(new Random(10), 3000, 400, 20)
    expect(packTiles(many, { workers: 8, strata: 8, slices: 1, nested: false }, { seed: 1 }).held).toBe('items')
    const few = skewed(new Random(10), 3000, 20, 400)
    expect(packTiles(few, { workers: 8, strata: 8, slices: 1, nested: false }, { seed: 1 }).held).toBe('users')
  })
})

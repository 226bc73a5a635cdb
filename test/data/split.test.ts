import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Ratings } from '../../src/data/ratings.ts'
import {
  type Split,
  splitFolds,
  splitLast,
  splitRandom,
  splitRandomInPlace,
  splitStratified,
} from '../../src/data/split.ts'
import { InputError, OptionError } from '../../src/errors.ts'
import { ratingsOf, rows, rowsOf } from './arbitrary.ts'

/** `count` entries whose value is their position. */
function numbered(count: number): Ratings {
  const positions = Array.from({ length: count }, (_, e) => e)
  return Ratings.from(
    positions.map(e => e % 7),
    positions.map(e => e % 11),
    positions,
  )
}

const positionsOf = (ratings: Ratings) => [...ratings.values]

/** Each entry stands in one of the parts, in the order of the source. */
function expectPartition(ratings: Ratings, { train, test }: Split): void {
  const ascending = (positions: number[]) => expect(positions).toEqual([...positions].sort((a, b) => a - b))
  ascending(positionsOf(train))
  ascending(positionsOf(test))
  const all = [...positionsOf(train), ...positionsOf(test)].sort((a, b) => a - b)
  expect(all).toEqual(positionsOf(ratings))
  for (const part of [train, test]) {
    expect(part.userIds).toBe(ratings.userIds)
    expect(part.itemIds).toBe(ratings.itemIds)
    expect([...part.users]).toEqual(positionsOf(part).map(e => ratings.users[e]))
    expect([...part.items]).toEqual(positionsOf(part).map(e => ratings.items[e]))
  }
}

const seeds = fc.integer({ min: 0, max: 0xffffffff })

describe('splitRandom', () => {
  it('cuts the entries into two parts of the asked size', () => {
    const ratios = fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), ratios, seeds, (count, ratio, seed) => {
        const ratings = numbered(count)
        const split = splitRandom(ratings, { ratio, seed })
        expectPartition(ratings, split)
        expect(split.test.length).toBe(Math.min(Math.max(Math.round(ratio * count), 1), count - 1))
      }),
      { seed: 1 },
    )
  })

  it('gives the same in place', () => {
    fc.assert(
      fc.property(
        rows,
        fc.boolean(),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        seeds,
        (list, timed, ratio, seed) => {
          fc.pre(list.length >= 2)
          const { train, test } = splitRandom(ratingsOf(list, timed), { ratio, seed })
          const given = ratingsOf(list, timed)
          const inPlace = splitRandomInPlace(given, { ratio, seed })
          for (const part of [inPlace.train, inPlace.test]) expect(part.users.buffer).toBe(given.users.buffer)
          for (const [one, other] of [
            [inPlace.train, train],
            [inPlace.test, test],
          ] as const) {
            expect(rowsOf(one)).toEqual(rowsOf(other))
            expect(one.times?.length).toBe(other.times?.length)
          }
        },
      ),
      { seed: 5 },
    )
    expect(() => splitRandomInPlace(numbered(1), { ratio: 0.5, seed: 1 })).toThrow(InputError)
  })

  it('gives the same parts for the same seed, others for another', () => {
    const test = (seed: number) => positionsOf(splitRandom(numbered(500), { ratio: 0.2, seed }).test)
    expect(test(1)).toEqual(test(1))
    expect(test(1)).not.toEqual(test(2))
  })

  it('takes every entry equally often', () => {
    const hits = new Uint32Array(20)
    const runs = 4000
    for (let seed = 0; seed < runs; seed++) {
      for (const e of positionsOf(splitRandom(numbered(20), { ratio: 0.25, seed }).test)) hits[e]!++
    }
    // Binomial(4000, 0.25): mean 1000, sd 27.4; five of those.
    for (const count of hits) expect(Math.abs(count - runs / 4)).toBeLessThan(5 * Math.sqrt((runs * 3) / 16))
  })

  it('refuses ratios, seeds and data that cannot be', () => {
    const ratings = numbered(10)
    for (const ratio of [0, 1, -0.1, Number.NaN]) {
      expect(() => splitRandom(ratings, { ratio, seed: 0 })).toThrow(OptionError)
    }
    for (const seed of [-1, 0.5, 2 ** 32]) {
      expect(() => splitRandom(ratings, { ratio: 0.5, seed })).toThrow(OptionError)
    }
    expect(() => splitRandom(numbered(1), { ratio: 0.5, seed: 0 })).toThrow(InputError)
  })
})

describe('splitStratified', () => {
  it.each(['items', 'users'] as const)('takes its share of the entries of each of the %s', by => {
    fc.assert(
      fc.property(rows, fc.double({ min: 0.05, max: 0.95, noNaN: true }), seeds, (list, ratio, seed) => {
        const ratings = ratingsOf(list)
        const count = (part: Ratings) => {
          const counts = new Array(by === 'items' ? ratings.itemCount : ratings.userCount).fill(0)
          for (const row of part[by]) counts[row]++
          return counts
        }
        const shares = count(ratings).map(entries => Math.round(ratio * entries))
        const taken = shares.reduce((a, b) => a + b, 0)
        if (taken === 0 || taken === ratings.length) {
          expect(() => splitStratified(ratings, { ratio, seed, by })).toThrow(InputError)
          return
        }
        const { train, test } = splitStratified(ratings, { ratio, seed, by })
        expect(count(test)).toEqual(shares)
        expect([...rowsOf(train), ...rowsOf(test)].length).toBe(list.length)
      }),
      { seed: 4 },
    )
  })

  it('cuts the entries into two parts, the same for the same seed, others for another', () => {
    const ratings = numbered(500)
    const split = (seed: number) => splitStratified(ratings, { ratio: 0.25, seed, by: 'items' })
    expectPartition(ratings, split(1))
    expect(positionsOf(split(1).test)).toEqual(positionsOf(split(1).test))
    expect(positionsOf(split(1).test)).not.toEqual(positionsOf(split(2).test))
  })

  it('takes every entry of a row equally often', () => {
    const hits = new Uint32Array(22)
    const runs = 4000
    for (let seed = 0; seed < runs; seed++) {
      // Two entries an item, of which one is taken.
      for (const e of positionsOf(splitStratified(numbered(22), { ratio: 0.5, seed, by: 'items' }).test)) hits[e]!++
    }
    // Binomial(4000, 1/2): mean 2000, sd 31.6; five of those.
    for (const count of hits) expect(Math.abs(count - runs / 2)).toBeLessThan(5 * Math.sqrt(runs / 4))
  })

  it('keeps entries of unknown rows in the training', () => {
    const ratings = new Ratings({
      users: Uint32Array.of(0, 0, 0, 0),
      items: Uint32Array.of(UNKNOWN, UNKNOWN, 0, 0),
      values: Float32Array.of(1, 2, 3, 4),
      userIds: IdTable.range(1),
      itemIds: IdTable.range(1),
    })
    const { train, test } = splitStratified(ratings, { ratio: 0.5, seed: 1, by: 'items' })
    expect(test.length).toBe(1)
    expect(positionsOf(train).slice(0, 2)).toEqual([1, 2])
  })

  it('refuses ratios, seeds and sides that cannot be', () => {
    const split = (options: object) => () =>
      splitStratified(numbered(40), { ratio: 0.5, seed: 0, by: 'items', ...options })
    for (const ratio of [0, 1, -0.1, Number.NaN]) expect(split({ ratio })).toThrow(OptionError)
    for (const seed of [-1, 0.5, 2 ** 32]) expect(split({ seed })).toThrow(OptionError)
    expect(split({ by: 'rows' })).toThrow('"by" must be one of items, users, not "rows"')
  })
})

describe('splitLast', () => {
  it('takes the entry of largest time and then position of each user with two entries or more', () => {
    fc.assert(
      fc.property(rows, list => {
        const inTest = list.map((row, e) => {
          const own = list.filter(other => other.user === row.user)
          const after = list.some(
            (other, f) => other.user === row.user && (other.time > row.time || (other.time === row.time && f > e)),
          )
          return own.length > 1 && !after
        })
        const { train, test } = splitLast(ratingsOf(list))
        expect(rowsOf(test)).toEqual(list.filter((_, e) => inTest[e]))
        expect(rowsOf(train)).toEqual(list.filter((_, e) => !inTest[e]))
      }),
      { seed: 2 },
    )
  })

  it('keeps entries of unknown users in the training', () => {
    const ratings = new Ratings({
      users: Uint32Array.of(UNKNOWN, UNKNOWN, 0, 0),
      items: Uint32Array.of(0, 0, 0, 0),
      values: Float32Array.of(1, 2, 3, 4),
      times: Float64Array.of(1, 2, 4, 3),
      userIds: IdTable.range(1),
      itemIds: IdTable.range(1),
    })
    expect(positionsOf(splitLast(ratings).test)).toEqual([3])
  })

  it('needs times that are numbers', () => {
    expect(() => splitLast(numbered(4))).toThrow(InputError)
    expect(() => splitLast(Ratings.from([0, 0], [0, 1], [1, 2], [1, Number.NaN]))).toThrow(InputError)
  })
})

describe('splitFolds', () => {
  it('makes every entry a test once, in folds of equal size, the same at every iteration', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.nat(90), seeds, (folds, surplus, seed) => {
        const ratings = numbered(folds + surplus)
        const splits = splitFolds(ratings, { folds, seed })
        const tests: number[][] = []
        for (const split of splits) {
          expectPartition(ratings, split)
          tests.push(positionsOf(split.test))
        }
        expect(tests.length).toBe(folds)
        expect(tests.flat().sort((a, b) => a - b)).toEqual(positionsOf(ratings))
        const sizes = tests.map(test => test.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        expect(Array.from(splits, split => positionsOf(split.test))).toEqual(tests)
      }),
      { seed: 3, numRuns: 40 },
    )
  })

  it('depends on the seed and refuses options at the call, not at the first fold', () => {
    const first = (seed: number) => Array.from(splitFolds(numbered(100), { folds: 5, seed }), s => positionsOf(s.test))
    expect(first(1)).toEqual(first(1))
    expect(first(1)).not.toEqual(first(2))
    for (const folds of [0, 1, 2.5, Number.NaN]) {
      expect(() => splitFolds(numbered(10), { folds, seed: 0 })).toThrow(OptionError)
    }
    expect(() => splitFolds(numbered(10), { folds: 2, seed: -1 })).toThrow(OptionError)
    expect(() => splitFolds(numbered(4), { folds: 5, seed: 0 })).toThrow(InputError)
  })
})

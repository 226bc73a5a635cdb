import { describe, expect, it } from 'vitest'
import type { RowSpan } from '../../src/layout/shards.ts'
import { cutRanges, packRanges } from '../../src/model/rank-block.ts'
import { groupsOf, planRanking, type RankingShape } from '../../src/model/rank-plan.ts'
import { limits } from '../support/devices.ts'

const plan = (shape: Partial<RankingShape>, software: boolean, tight: Partial<typeof limits> = {}) =>
  planRanking(
    { queries: 30_000, items: 41_000, factors: 64, listWords: 42, ...shape },
    { adapter: { software }, limits: { ...limits, ...tight } },
  )

const shapes: Partial<RankingShape>[] = [
  {},
  { queries: 1 },
  { queries: 100, items: 1 },
  { queries: 100_000, items: 1_000_000 },
  { queries: 100_000, items: 1_000_000, listWords: 2002 },
  { queries: 100_000, items: 1_000_000, listWords: 2_000_002 },
  { queries: 5, items: 7, factors: 1, listWords: 4 },
  { factors: 1000 },
  { factors: 5000, items: 300 },
]

describe.each([true, false])('planRanking, software %s', software => {
  it.each(shapes)('keeps to the memory that it may use: %o', shape => {
    const { queries, splits, tile } = plan(shape, software)
    const { factors = 64, listWords = 42 } = shape
    const slots = groupsOf(queries, tile) * 64 * tile.users
    expect(queries).toBeGreaterThanOrEqual(1)
    // A single query's list may be longer than what a block should take.
    if (queries > 1) expect(4 * listWords * queries * splits).toBeLessThanOrEqual(32 * 2 ** 20)
    const padding = 64 * tile.users
    expect(16 * (Math.ceil(factors / 4) + 1) * (slots - padding)).toBeLessThanOrEqual(32 * 2 ** 20)
  })

  it.each(shapes)('cuts items into whole tiles a split, and dispatches of bounded work: %o', shape => {
    const { queries, splits, tile, range } = plan(shape, software)
    const { factors = 64, items = 41_000 } = shape
    expect(tile.users * tile.items).toBeLessThanOrEqual(32)
    expect(range % (splits * tile.items)).toBe(0)
    expect(range).toBeLessThan(items + splits * tile.items)
    const least = splits * tile.items
    const most = software ? 2 ** 27 : 2 ** 31
    if (range > least) expect(queries * range * factors).toBeLessThanOrEqual(most)
    // Windows of 256 bytes for all ranges.
    expect(256 * Math.ceil(items / range)).toBeLessThanOrEqual(16 * 2 ** 20)
  })

  it('takes smaller blocks where a binding holds less', () => {
    const { queries } = plan({ listWords: 2002 }, software, { maxStorageBufferBindingSize: 2 ** 20 })
    expect(queries).toBe(Math.floor(2 ** 20 / (4 * 2002)))
  })

  it('gives an invocation one query where there are few', () => {
    expect(plan({ queries: 3 }, software).tile.users).toBe(1)
    expect(plan({}, software).tile.users).toBeGreaterThan(1)
  })
})

function windowsOf(shards: RowSpan[]): number[][] {
  const cut = { splits: 3, range: 48 }
  const ranges = cutRanges(cut, shards)
  const words = new Uint32Array(packRanges(cut, ranges, shards))
  expect(words).toHaveLength(64 * ranges.length)
  return ranges.map((_, at) => [...words.subarray(64 * at, 64 * at + 4)])
}

describe('packRanges', () => {
  it('gives each range its items, and each split its share of them', () => {
    expect(windowsOf([{ first: 0, rows: 100 }])).toEqual([
      [0, 48, 16, 0],
      [48, 96, 16, 0],
      [96, 100, 16, 0],
    ])
  })

  it('lets no range reach over the end of a shard', () => {
    expect(
      windowsOf([
        { first: 0, rows: 50 },
        { first: 50, rows: 50 },
      ]),
    ).toEqual([
      [0, 48, 16, 0],
      [48, 50, 16, 0],
      [50, 98, 16, 50],
      [98, 100, 16, 50],
    ])
  })
})

describe('planRanking', () => {
  it('splits items on a GPU that users alone do not keep busy, and never on a CPU', () => {
    expect(plan({ queries: 1, items: 1_000_000 }, false).splits).toBeGreaterThan(100)
    expect(plan({ queries: 1, items: 100 }, false).splits).toBe(1)
    expect(plan({ queries: 1, items: 1_000_000 }, true).splits).toBe(1)
  })
})

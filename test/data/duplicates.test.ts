import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeDuplicates } from '../../src/data/duplicates.ts'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { InputError, OptionError } from '../../src/errors.ts'
import { type Row, ratingsOf, rows, rowsOf } from './arbitrary.ts'

/** The plain quadratic statement of what merging means. */
function merged(list: readonly Row[], policy: 'last' | 'mean' | 'sum'): Row[] {
  const same = (a: Row, b: Row) => a.user === b.user && a.item === b.item
  const firsts = list.filter((row, e) => list.findIndex(other => same(other, row)) === e)
  return firsts.map(first => {
    const group = list.filter(row => same(row, first))
    const time = Math.max(...group.map(row => row.time))
    const sum = group.reduce((total, row) => total + row.value, 0)
    const last = group.filter(row => row.time === time).at(-1)!.value
    const value = { last, sum, mean: Math.fround(sum / group.length) }[policy]
    return { user: first.user, item: first.item, value, time }
  })
}

describe('mergeDuplicates', () => {
  for (const policy of ['last', 'mean', 'sum'] as const) {
    it(`${policy}: the merged entry stands where the first stood, the rest keeps its order`, () => {
      fc.assert(
        fc.property(rows, list => {
          expect(rowsOf(mergeDuplicates(ratingsOf(list), policy))).toEqual(merged(list, policy))
        }),
        { seed: 1 },
      )
    })
  }

  it('takes the last position where there are no times', () => {
    fc.assert(
      fc.property(rows, list => {
        const untimed = list.map(row => ({ ...row, time: 0 }))
        const ratings = mergeDuplicates(ratingsOf(list, false), 'last')
        expect(ratings.times).toBeUndefined()
        expect(rowsOf(ratings)).toEqual(merged(untimed, 'last'))
      }),
      { seed: 2 },
    )
  })

  it('returns the same object without duplicates, and never changes its input', () => {
    fc.assert(
      fc.property(rows, list => {
        const ratings = ratingsOf(list)
        const once = mergeDuplicates(ratings, 'mean')
        expect(rowsOf(ratings)).toEqual(list)
        expect(once === ratings).toBe(once.length === list.length)
        for (const policy of ['last', 'mean', 'sum', 'error'] as const) expect(mergeDuplicates(once, policy)).toBe(once)
      }),
      { seed: 3 },
    )
  })

  it('adds in f64 and keeps the id tables', () => {
    const ratings = Ratings.from(['a', 'a', 'a'], ['x', 'x', 'x'], [2 ** 24, 1, 1])
    const sum = mergeDuplicates(ratings, 'sum')
    expect(sum.values).toEqual(Float32Array.of(2 ** 24 + 2))
    expect(sum.userIds).toBe(ratings.userIds)
    expect(sum.itemIds).toBe(ratings.itemIds)
  })

  it('error: names the raw ids and both positions, of the pair that is complete first', () => {
    const ratings = Ratings.from(['eve', 'bob', 'bob', 'eve', 'eve'], [7, 8, 8, 7, 7], [1, 2, 3, 4, 5])
    expect(() => mergeDuplicates(ratings, 'error')).toThrow(InputError)
    expect(() => mergeDuplicates(ratings, 'error')).toThrow('user "bob" rates item 8 twice, in entries 1 and 2')
  })

  it('never merges entries of unknown users or items', () => {
    const ratings = new Ratings({
      users: Uint32Array.of(UNKNOWN, UNKNOWN, 0, 0, 0, 0),
      items: Uint32Array.of(0, 0, UNKNOWN, UNKNOWN, 0, 0),
      values: Float32Array.of(1, 2, 3, 4, 5, 6),
      userIds: IdTable.range(1),
      itemIds: IdTable.range(1),
    })
    expect(mergeDuplicates(ratings, 'last').values).toEqual(Float32Array.of(1, 2, 3, 4, 6))
  })

  it('puts an entry whose time is not a number before all others', () => {
    const ratings = Ratings.from([0, 0, 0, 1, 1], [0, 0, 0, 0, 0], [1, 2, 3, 4, 5], [Number.NaN, 1, Number.NaN, 9, 8])
    const last = mergeDuplicates(ratings, 'last')
    expect([...last.values]).toEqual([2, 4])
    expect([...last.times!]).toEqual([1, 9])
  })

  it('refuses a sum beyond f32 and an unknown policy', () => {
    const ratings = Ratings.from([0, 0], [0, 0], [3e38, 3e38])
    expect(() => mergeDuplicates(ratings, 'sum')).toThrow(InputError)
    expect(mergeDuplicates(ratings, 'mean').values).toEqual(Float32Array.of(3e38))
    expect(() => mergeDuplicates(ratings, 'first' as 'last')).toThrow(OptionError)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable, type RawId, UNKNOWN } from '../../src/data/ids.ts'
import { Ratings, type RatingsColumns } from '../../src/data/ratings.ts'
import { InputError } from '../../src/errors.ts'
import { ratingsOf, rows, rowsOf } from './arbitrary.ts'

const columns: RatingsColumns = {
  users: Uint32Array.of(0, 1),
  items: Uint32Array.of(1, 0),
  values: Float32Array.of(1, 2),
  times: Float64Array.of(5, 6),
  userIds: IdTable.range(2),
  itemIds: IdTable.range(2),
}

describe('Ratings', () => {
  it('numbers raw ids by first appearance', () => {
    const ids = fc.oneof(
      fc.array(fc.integer(), { maxLength: 30 }),
      fc.array(fc.string({ maxLength: 2 }), { maxLength: 30 }),
    )
    fc.assert(
      fc.property(ids, raw => {
        const ratings = Ratings.from(
          raw,
          raw,
          raw.map(() => 1),
        )
        const distinct = [...new Set<RawId>(raw)]
        expect([...ratings.userIds.values]).toEqual(distinct)
        expect(Array.from(ratings.users, u => ratings.userIds.at(u))).toEqual(raw)
        expect(ratings.items).toEqual(ratings.users)
        expect([ratings.length, ratings.userCount, ratings.itemCount]).toEqual([
          raw.length,
          distinct.length,
          distinct.length,
        ])
      }),
      { seed: 1 },
    )
  })

  it('takes ids for strings as soon as one is no safe integer', () => {
    expect(Ratings.from([1, 'a'], [1, 2], [1, 1]).userIds.values).toEqual(['1', 'a'])
    expect(Ratings.from([1, 0.5], [1, 2], [1, 1]).userIds.values).toEqual(['1', '0.5'])
    expect(Ratings.from([1, 2], [1, 2], [1, 1]).userIds.kind).toBe('integer')
  })

  it('refuses columns that do not fit', () => {
    const bad: Partial<RatingsColumns>[] = [
      { users: Uint32Array.of(0) },
      { items: Uint32Array.of(0, 1, 1) },
      { values: Float32Array.of(1) },
      { times: Float64Array.of(1) },
      { users: Uint32Array.of(0, 2) },
      { items: Uint32Array.of(0, 2) },
      { values: Float32Array.of(1, Number.NaN) },
      { values: Float32Array.of(Number.POSITIVE_INFINITY, 1) },
    ]
    for (const change of bad) expect(() => new Ratings({ ...columns, ...change })).toThrow(InputError)
    expect(new Ratings({ ...columns, users: Uint32Array.of(UNKNOWN, 0) }).length).toBe(2)
    expect(() => Ratings.from([1, 2], [1], [1, 2])).toThrow(InputError)
  })

  it('selects entries in the given order', () => {
    fc.assert(
      fc.property(rows, fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), (list, picks, timed) => {
        const positions = list.length === 0 ? [] : picks.map(pick => pick % list.length)
        const selected = ratingsOf(list, timed).select(Uint32Array.from(positions))
        expect(selected.times === undefined).toBe(!timed)
        expect(rowsOf(selected)).toEqual(positions.map(e => (timed ? list[e]! : { ...list[e]!, time: 0 })))
      }),
      { seed: 2 },
    )
  })

  it('selects no entry that is not there', () => {
    const ratings = Ratings.from([1, 2], [1, 2], [1, 2])
    expect(() => ratings.select(Uint32Array.of(1, 2))).toThrow(InputError)
    expect(() => ratings.select(Uint32Array.of(1, 2))).toThrow('no entry 2 among 2')
  })

  it('aligns to other id tables by raw id; what those lack is unknown', () => {
    const ratings = Ratings.from(['a', 'b', 'c', 'a'], [1, 2, 3, 1], [1, 2, 3, 4])
    const aligned = ratings.alignTo(new IdTable(['c', 'a']), new IdTable(Float64Array.of(3, 2)))
    expect([...aligned.users]).toEqual([1, UNKNOWN, 0, 1])
    expect([...aligned.items]).toEqual([UNKNOWN, 1, 0, UNKNOWN])
    const again = aligned.alignTo(new IdTable(['a']), new IdTable(Float64Array.of(2)))
    expect([...again.users]).toEqual([0, UNKNOWN, UNKNOWN, 0])
    expect([...again.items]).toEqual([UNKNOWN, 0, UNKNOWN, UNKNOWN])
    expect(ratings.alignTo(ratings.userIds, ratings.itemIds).users).toBe(ratings.users)
  })
})

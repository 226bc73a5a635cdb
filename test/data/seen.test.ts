import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { holdsItem, mergeSeen, seenItems } from '../../src/data/seen.ts'
import { ratingsOf, rows } from './arbitrary.ts'

describe('seenItems', () => {
  it('lists the items of each user once, ascending', () => {
    fc.assert(
      fc.property(rows, list => {
        const { offsets, items } = seenItems(ratingsOf(list))
        expect(offsets.length).toBe(7)
        expect(offsets[6]).toBe(items.length)
        for (let u = 0; u < 6; u++) {
          const expected = new Set(list.filter(row => row.user === u).map(row => row.item))
          expect([...items.subarray(offsets[u], offsets[u + 1])]).toEqual([...expected].sort((a, b) => a - b))
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it.each([
    ['users sorted some at a time', 900, 2500],
    ['items that many users share out', 40, 60],
    ['more items than entries', 30, 2_000_000],
  ])('lists many entries as a plain sort does: %s', (_, userCount, itemCount) => {
    const random = new Random(userCount)
    const length = 300_000
    const users = Uint32Array.from({ length }, () => Math.floor(userCount * random.uniform() ** 3))
    const items = Uint32Array.from({ length }, () => random.below(itemCount))
    const ids = { userIds: IdTable.range(userCount), itemIds: IdTable.range(itemCount) }
    const { offsets, items: listed } = seenItems(
      new Ratings({ users, items, values: new Float32Array(length), ...ids }),
    )
    const expected = Array.from({ length: userCount }, () => new Set<number>())
    for (let e = 0; e < length; e++) expected[users[e]!]!.add(items[e]!)
    for (let u = 0; u < userCount; u++) {
      expect(listed.subarray(offsets[u], offsets[u + 1])).toEqual(Uint32Array.from(expected[u]!).sort())
    }
    expect(offsets[userCount]).toBe(listed.length)
  })

  it('leaves out unknown users and items', () => {
    const ratings = new Ratings({
      users: Uint32Array.of(UNKNOWN, 1, 1, 0, UNKNOWN),
      items: Uint32Array.of(0, UNKNOWN, 1, 0, UNKNOWN),
      values: new Float32Array(5),
      userIds: IdTable.range(2),
      itemIds: IdTable.range(2),
    })
    expect(seenItems(ratings)).toEqual({ offsets: Uint32Array.of(0, 1, 2), items: Uint32Array.of(0, 1) })
  })

  it('is empty for no entries', () => {
    expect(seenItems(ratingsOf([]))).toEqual({ offsets: new Uint32Array(7), items: new Uint32Array(0) })
  })
})

describe('mergeSeen', () => {
  it('is the union of both lists of each user', () => {
    fc.assert(
      fc.property(rows, rows, (a, b) => {
        expect(mergeSeen(seenItems(ratingsOf(a)), seenItems(ratingsOf(b)))).toEqual(seenItems(ratingsOf([...a, ...b])))
      }),
      { seed: 2, numRuns: 300 },
    )
  })

  it('keeps what one of them holds alone', () => {
    const one = seenItems(ratingsOf([{ user: 3, item: 2, value: 1, time: 0 }]))
    const none = seenItems(ratingsOf([]))
    expect(mergeSeen(one, none)).toEqual(one)
    expect(mergeSeen(none, one)).toEqual(one)
    expect(mergeSeen(none, none)).toEqual(none)
  })
})

describe('holdsItem', () => {
  it('finds what is there, between two positions', () => {
    const sorted = fc.uniqueArray(fc.nat(40), { maxLength: 30 }).map(list => list.sort((a, b) => a - b))
    fc.assert(
      fc.property(sorted, fc.nat(40), fc.nat(30), fc.nat(30), (list, wanted, a, b) => {
        const items = Uint32Array.from(list)
        expect(holdsItem(items, wanted)).toBe(list.includes(wanted))
        const [start, end] = [Math.min(a, b, list.length), Math.min(Math.max(a, b), list.length)]
        expect(holdsItem(items, wanted, start, end)).toBe(list.slice(start, end).includes(wanted))
      }),
      { seed: 3, numRuns: 1000 },
    )
  })
})

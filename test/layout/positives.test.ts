import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { packPositives } from '../../src/layout/positives.ts'

const [users, items] = [7, 5]
const index = (count: number) => fc.oneof({ weight: 9, arbitrary: fc.nat(count - 1) }, fc.constant(UNKNOWN))
const entries = fc.array(fc.tuple(index(users), index(items)), { maxLength: 60 })

const ratingsOf = (list: [number, number][]) =>
  new Ratings({
    users: Uint32Array.from(list, ([user]) => user),
    items: Uint32Array.from(list, ([, item]) => item),
    values: new Float32Array(list.length),
    userIds: IdTable.range(users),
    itemIds: IdTable.range(items),
  })

describe('packPositives', () => {
  it('has all entries of known users and items, twice where they stand twice, from both sides', () => {
    fc.assert(
      fc.property(entries, list => {
        const { userStart, itemsOf, itemStart, usersOf } = packPositives(ratingsOf(list))
        const known = list.filter(([user, item]) => user !== UNKNOWN && item !== UNKNOWN)
        const ascending = (a: number, b: number) => a - b
        for (let u = 0; u < users; u++) {
          const own = known.filter(([user]) => user === u).map(([, item]) => item)
          expect([...itemsOf.subarray(userStart[u]!, userStart[u + 1]!)]).toEqual(own.sort(ascending))
        }
        for (let i = 0; i < items; i++) {
          const own = known.filter(([, item]) => item === i).map(([user]) => user)
          expect([...usersOf.subarray(itemStart[i]!, itemStart[i + 1]!)]).toEqual(own.sort(ascending))
        }
        expect([itemsOf.length, usersOf.length]).toEqual([known.length, known.length])
      }),
      { seed: 1, numRuns: 200 },
    )
  })
})

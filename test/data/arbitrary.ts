import fc from 'fast-check'
import { IdTable } from '../../src/data/ids.ts'
import { Ratings } from '../../src/data/ratings.ts'

export interface Row {
  user: number
  item: number
  value: number
  time: number
}

/** Rows of few users, items and times, so that duplicates and ties are common. */
export const rows: fc.Arbitrary<Row[]> = fc.array(
  fc.record({
    user: fc.nat(5),
    item: fc.nat(5),
    value: fc.integer({ min: -8, max: 8 }).map(value => value / 2),
    time: fc.nat(4),
  }),
  { maxLength: 60 },
)

/** Ratings of users 0 to 5 and items 0 to 5, whose dense indices are the numbers in the rows. */
export function ratingsOf(list: readonly Row[], timed = true): Ratings {
  return new Ratings({
    users: Uint32Array.from(list, row => row.user),
    items: Uint32Array.from(list, row => row.item),
    values: Float32Array.from(list, row => row.value),
    times: timed ? Float64Array.from(list, row => row.time) : undefined,
    userIds: IdTable.range(6),
    itemIds: IdTable.range(6),
  })
}

export function rowsOf(ratings: Ratings): Row[] {
  return Array.from({ length: ratings.length }, (_, e) => ({
    user: ratings.users[e]!,
    item: ratings.items[e]!,
    value: ratings.values[e]!,
    time: ratings.times?.[e] ?? 0,
  }))
}

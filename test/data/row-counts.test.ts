import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { rowCounts } from '../../src/data/row-counts.ts'

const index = (rows: number) => fc.oneof(fc.nat(rows - 1), fc.constant(UNKNOWN))

describe('rowCounts', () => {
  it('counts the entries of each row, those of unknown rows left out', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(index(5), index(3))), entries => {
        const ratings = new Ratings({
          users: Uint32Array.from(entries, ([user]) => user),
          items: Uint32Array.from(entries, ([, item]) => item),
          values: new Float32Array(entries.length),
          userIds: IdTable.range(5),
          itemIds: IdTable.range(3),
        })
        const of = (side: 0 | 1, row: number) => entries.filter(entry => entry[side] === row).length
        const { users, items } = rowCounts(ratings)
        expect([...users]).toEqual([0, 1, 2, 3, 4].map(row => of(0, row)))
        expect([...items]).toEqual([0, 1, 2].map(row => of(1, row)))
      }),
      { seed: 31 },
    )
  })

  it('counts once', () => {
    const ratings = Ratings.from([1, 1, 2], [5, 6, 5], [1, 2, 3])
    expect(rowCounts(ratings)).toBe(rowCounts(ratings))
  })
})

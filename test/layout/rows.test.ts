import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countRows, indexRows } from '../../src/layout/rows.ts'

const rowCount = 8
const rows = fc.array(fc.nat(rowCount - 1), { maxLength: 100 }).map(list => Uint32Array.from(list))

describe('countRows', () => {
  it('counts the entries of each row', () => {
    expect([...countRows(Uint32Array.of(2, 0, 2, 2), 4)]).toEqual([1, 0, 3, 0])
    expect([...countRows(new Uint32Array(0), 2)]).toEqual([0, 0])
  })
})

describe('indexRows', () => {
  it('lists the entries of each row in their own order', () => {
    fc.assert(
      fc.property(rows, list => {
        const { start, order } = indexRows(list, rowCount)
        for (let row = 0; row < rowCount; row++) {
          const expected = [...list.keys()].filter(entry => list[entry] === row)
          expect([...order.subarray(start[row]!, start[row + 1]!)]).toEqual(expected)
        }
        expect(start[rowCount]).toBe(list.length)
      }),
      { seed: 13 },
    )
  })

  it('agrees with countRows', () => {
    fc.assert(
      fc.property(rows, list => {
        const { start } = indexRows(list, rowCount)
        expect([...countRows(list, rowCount)]).toEqual(
          Array.from({ length: rowCount }, (_, row) => start[row + 1]! - start[row]!),
        )
      }),
      { seed: 14 },
    )
  })
})

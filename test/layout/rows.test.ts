import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countRows, indexRows, longestFirst, rowsByLength } from '../../src/layout/rows.ts'

const rowCount = 8
const rows = fc.array(fc.nat(rowCount - 1), { maxLength: 100 }).map(list => Uint32Array.from(list))

describe('countRows', () => {
  it('counts the entries of each row', () => {
    expect([...countRows(Uint32Array.of(2, 0, 2, 2), 4)]).toEqual([1, 0, 3, 0])
    expect([...countRows(new Uint32Array(0), 2)]).toEqual([0, 0])
  })
})

describe('longestFirst', () => {
  const most = 2 ** 32 - 1
  const digits = fc.oneof(fc.nat(3), fc.nat(70_000), fc.constantFrom(0, 65_535, 65_536, 131_072, 2 ** 31, most))
  const lengthsOf = fc.array(fc.oneof(digits, fc.nat(3)), { maxLength: 60 })

  it('sorts as a comparison does, equal ones in order', () => {
    fc.assert(
      fc.property(lengthsOf, list => {
        const expected = [...list.keys()].sort((a, b) => list[b]! - list[a]! || a - b)
        expect([...longestFirst(Uint32Array.from(list))]).toEqual(expected)
        expect([...rowsByLength(Uint32Array.from(list))]).toEqual(expected.filter(row => list[row]! > 0))
      }),
      { seed: 12, numRuns: 500 },
    )
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

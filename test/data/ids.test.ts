import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { InputError } from '../../src/errors.ts'

describe('IdTable', () => {
  it('finds what it holds, and nothing else', () => {
    const strings = fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 30 })
    const integers = fc.uniqueArray(fc.maxSafeInteger(), { maxLength: 30 }).map(ids => Float64Array.from(ids))
    fc.assert(
      fc.property(fc.oneof(strings, integers), ids => {
        const table = new IdTable(ids)
        expect(table.size).toBe(ids.length)
        for (const [index, id] of ids.entries()) {
          expect(table.at(index)).toBe(id)
          expect(table.indexOf(id)).toBe(index)
        }
        expect(table.indexOf(table.kind === 'integer' ? 0.5 : `${ids.join('')}?`)).toBe(UNKNOWN)
      }),
      { seed: 1 },
    )
  })

  it('finds integers by their digits, and strings by numbers', () => {
    const integers = new IdTable(Float64Array.of(7, -3, Number.MAX_SAFE_INTEGER))
    expect(integers.kind).toBe('integer')
    expect(integers.indexOf('7')).toBe(0)
    expect(integers.indexOf('-3')).toBe(1)
    expect(integers.indexOf('9007199254740991')).toBe(2)
    expect(integers.indexOf('9007199254740993')).toBe(UNKNOWN)
    expect(integers.indexOf('seven')).toBe(UNKNOWN)
    expect(integers.indexOf('')).toBe(UNKNOWN)
    const strings = new IdTable(['7', 'x'])
    expect(strings.kind).toBe('string')
    expect(strings.indexOf(7)).toBe(0)
    expect(strings.indexOf('07')).toBe(UNKNOWN)
  })

  it('treats the names of object properties as plain ids', () => {
    const table = new IdTable(['__proto__', 'constructor'])
    expect(table.indexOf('constructor')).toBe(1)
    expect(table.indexOf('toString')).toBe(UNKNOWN)
  })

  it('numbers a range, refuses an index outside and an id that stands twice', () => {
    const range = IdTable.range(3)
    expect([...range.values]).toEqual([0, 1, 2])
    expect(() => range.at(3)).toThrow(RangeError)
    expect(() => new IdTable(['a', 'a']).indexOf('a')).toThrow(InputError)
  })
})

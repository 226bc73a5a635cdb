import fc from 'fast-check'
import { expect, it } from 'vitest'
import { IntegerIndex } from '../../src/data/integer-index.ts'

const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -20, max: 20 }),
  // Equal in their lower or in their upper halves.
  fc.tuple(fc.nat(3), fc.nat(3)).map(([high, low]) => high * 2 ** 32 + low),
)

it('finds integers as a map does', () => {
  fc.assert(
    fc.property(fc.uniqueArray(integer, { maxLength: 200 }), fc.array(integer), (ids, others) => {
      const index = new IntegerIndex(Float64Array.from(ids))
      const map = new Map(ids.map((id, at) => [id, at]))
      expect(index.repeated).toBe(-1)
      for (const id of [...ids, ...others, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(index.get(id)).toBe(map.get(id))
      }
    }),
    { seed: 1, numRuns: 500 },
  )
})

it('tells which integer stands twice', () => {
  fc.assert(
    fc.property(fc.array(integer, { maxLength: 40 }), ids => {
      const expected = ids.findIndex((id, at) => ids.indexOf(id) < at)
      expect(new IntegerIndex(Float64Array.from(ids)).repeated).toBe(expected)
    }),
    { seed: 2, numRuns: 500 },
  )
})

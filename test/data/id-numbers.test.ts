import fc from 'fast-check'
import { expect, it } from 'vitest'
import { IdNumbers } from '../../src/data/id-numbers.ts'

it('numbers ids as one map does, over as many maps as it takes', () => {
  const ids = fc.oneof(fc.array(fc.integer({ min: -9, max: 30 })), fc.array(fc.string({ maxLength: 2 })))
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 9 }), (list, keysAMap) => {
      const numbers = new IdNumbers(keysAMap)
      const map = new Map<number | string, number>()
      for (const id of list) {
        expect(numbers.get(id)).toBe(map.get(id))
        if (!map.has(id)) map.set(id, map.size)
        expect(numbers.of(id)).toBe(map.get(id))
      }
      expect(numbers.size).toBe(map.size)
      expect([...numbers.keys()]).toEqual([...map.keys()])
    }),
    { seed: 1, numRuns: 300 },
  )
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { checkOffsets, cutQueries, type Mask, packDenied, packQueries } from '../../src/model/rank-queries.ts'

/** The mask of lists by place. */
function maskOf(lists: readonly (readonly number[])[]): Mask {
  const offsets = new Uint32Array(lists.length + 1)
  lists.forEach((list, at) => {
    offsets[at + 1] = offsets[at]! + list.length
  })
  return { offsets, items: Uint32Array.from(lists.flat()), what: 'seen items', rowOf: place => place }
}

const ascending = fc.uniqueArray(fc.nat(40), { maxLength: 12 }).map(list => list.sort((a, b) => a - b))

describe('cutQueries', () => {
  it('cuts at so many queries, and at so many masked items', () => {
    const mask = maskOf([[1, 2], [], [3], [1, 2, 3, 4, 5], [1], [2], []])
    expect(cutQueries(7, 3, [mask], 4)).toEqual([
      { start: 0, end: 3, masked: 3 },
      { start: 3, end: 4, masked: 5 },
      { start: 4, end: 7, masked: 2 },
    ])
    expect(cutQueries(7, 100, [mask, mask])).toEqual([{ start: 0, end: 7, masked: 20 }])
    expect(cutQueries(7, 3, [])).toHaveLength(3)
    expect(cutQueries(0, 3, [])).toEqual([])
  })
})

describe('packQueries', () => {
  it('makes one ascending list of all masks', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ascending, ascending), { minLength: 1, maxLength: 6 }), pairs => {
        const masks = [maskOf(pairs.map(([one]) => one)), maskOf(pairs.map(([, other]) => other))]
        const users = Uint32Array.from(pairs, (_, place) => 100 + place)
        const [block] = cutQueries(users.length, 100, masks)
        const { queries, masked } = packQueries(users, block!, masks, 41)
        pairs.forEach(([one, other], place) => {
          expect(queries[5 * place]).toBe(100 + place)
          const own = masked.subarray(queries[5 * place + 1], queries[5 * place + 2])
          expect([...own]).toEqual([...new Set([...one, ...other])].sort((a, b) => a - b))
        })
        expect(queries[5 * pairs.length - 3]).toBe(masked.length)
      }),
      { seed: 3, numRuns: 200 },
    )
  })

  it.each([
    [[3, 3], /seen items of user 7 are not ascending/],
    [[4, 2], /seen items of user 7 are not ascending/],
    [[1, 9], /seen items of user 7 hold item 9 of 9/],
  ])('refuses the list %o', (list, message) => {
    const mask = maskOf([[1], list])
    const pack = () => packQueries(Uint32Array.of(5, 7), { start: 0, end: 2, masked: 3 }, [mask], 9)
    expect(pack).toThrow(InputError)
    expect(pack).toThrow(message)
  })
})

describe('packDenied', () => {
  it('has a bit an item', () => {
    const denied = Uint8Array.from({ length: 70 }, (_, item) => Number([0, 31, 32, 69].includes(item)))
    expect([...packDenied(denied, 70)]).toEqual([0x80000001, 1, 32])
    expect([...packDenied(undefined, 33)]).toEqual([0, 0])
  })
})

describe('checkOffsets', () => {
  it('refuses offsets that do not cut the items', () => {
    const check = (offsets: number[], rows: number) => () =>
      checkOffsets({ offsets: Uint32Array.from(offsets), items: new Uint32Array(4) }, rows, 'positives')
    expect(check([0, 2, 2, 4], 3)).not.toThrow()
    expect(check([0, 4], 3)).toThrow(/2 offsets; expected 4/)
    expect(check([0, 3, 2, 4], 3)).toThrow(/not ascending/)
    expect(check([0, 2, 5], 2)).toThrow(InputError)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNKNOWN } from '../../src/data/ids.ts'
import { findFailure, mergeLists, type SplitLists } from '../../src/model/rank-lists.ts'

type Entry = readonly [score: number, item: number]

const bitsOf = (score: number) => new Uint32Array(Float32Array.of(score).buffer)[0]!

/** Lists by query and split, as `rank_items` leaves them; `failed` of each. */
function packLists(lists: readonly (readonly (readonly Entry[])[])[], k: number, failed: number[][] = []): SplitLists {
  const [queries, splits] = [lists.length, lists[0]!.length]
  const heaps = new Uint32Array(2 * (k + 1) * queries * splits)
  for (let query = 0; query < queries; query++) {
    for (let split = 0; split < splits; split++) {
      const at = (slot: number) => 2 * (slot * queries * splits + split * queries + query)
      for (let slot = 0; slot < k; slot++) {
        const [score, item] = lists[query]![split]![slot] ?? [Number.NEGATIVE_INFINITY, UNKNOWN]
        heaps.set([bitsOf(score), item], at(slot))
      }
      heaps[at(k) + 1] = failed[query]?.[split] ?? 0
    }
  }
  return { queries, splits, k, heaps }
}

const score = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.float({ noNaN: true }),
  fc.constantFrom(0, -0, 2 ** -149, -(2 ** -149), Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
)

describe('mergeLists', () => {
  it('agrees with a full sort', () => {
    const k = 5
    // Items of split s are s modulo 3: no item stands twice.
    const list = (split: number) =>
      fc
        .uniqueArray(fc.nat(30), { maxLength: k })
        .chain(items => fc.tuple(...items.map(item => fc.tuple(score, fc.constant(3 * item + split)))))
    const query = fc.tuple(list(0), list(1), list(2))
    fc.assert(
      fc.property(fc.array(query, { minLength: 1, maxLength: 4 }), lists => {
        const { items, scores, counts } = mergeLists(packLists(lists, k))
        lists.forEach((splits, place) => {
          const sorted = (splits as Entry[][])
            .flat()
            .sort((a, b) => (a[0] === b[0] ? a[1] - b[1] : b[0] > a[0] ? 1 : -1))
            .slice(0, k)
          expect(counts[place]).toBe(sorted.length)
          const filled = Array.from({ length: k }, (_, at) => sorted[at] ?? [Number.NEGATIVE_INFINITY, UNKNOWN])
          expect([...items.subarray(place * k, (place + 1) * k)]).toEqual(filled.map(([, item]) => item))
          // -0 comes back as 0.
          expect([...scores.subarray(place * k, (place + 1) * k)]).toEqual(filled.map(([value]) => value + 0))
        })
      }),
      { seed: 8, numRuns: 300 },
    )
  })
})

describe('findFailure', () => {
  it('names the first query that has one, and the item', () => {
    const empty: Entry[][] = [[], []]
    expect(findFailure(packLists([empty, empty], 3))).toBeUndefined()
    expect(
      findFailure(
        packLists([empty, empty, empty], 3, [
          [0, 0],
          [0, 8],
          [5, 0],
        ]),
      ),
    ).toEqual({ query: 1, item: 7 })
  })
})

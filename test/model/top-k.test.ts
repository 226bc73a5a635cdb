import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { topK } from '../../src/model/top-k.ts'

/** A full sort in double precision: by score, ties by position. */
function sortedTopK(scores: Float32Array, k: number, allowed: (position: number) => boolean): number[] {
  return [...scores.keys()]
    .filter(allowed)
    .sort((a, b) => (scores[a] === scores[b] ? a - b : scores[b]! > scores[a]! ? 1 : -1))
    .slice(0, k)
}

describe('topK', () => {
  it('agrees with a full sort', () => {
    // Few distinct values, so that ties are common; infinities are scores like any other.
    const score = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    )
    fc.assert(
      fc.property(
        fc.array(score, { maxLength: 60 }),
        fc.integer({ min: 0, max: 70 }),
        fc.integer(),
        (list, k, mask) => {
          const scores = Float32Array.from(list)
          const allowed = (position: number) => ((mask >> (position % 31)) & 1) === 0
          expect([...topK(scores, k, allowed)]).toEqual(sortedTopK(scores, k, allowed))
        },
      ),
      { seed: 12, numRuns: 500 },
    )
  })

  it.each([
    ['all equal', Float32Array.from({ length: 1000 }, () => 1)],
    ['ascending', Float32Array.from({ length: 1000 }, (_, i) => i)],
    ['descending', Float32Array.from({ length: 1000 }, (_, i) => -i)],
  ])('keeps its order over %s scores', (_, scores) => {
    expect([...topK(scores, 10)]).toEqual(sortedTopK(scores, 10, () => true))
  })

  it('gives fewer where fewer are allowed, never a filler', () => {
    expect([...topK(Float32Array.of(3, 1, 2), 5, position => position !== 0)]).toEqual([2, 1])
    expect(topK(new Float32Array(0), 5)).toHaveLength(0)
  })

  it('refuses a NaN, unless it is not allowed anyway', () => {
    const scores = Float32Array.of(1, Number.NaN, 2)
    expect(() => topK(scores, 2)).toThrow(InputError)
    expect([...topK(scores, 2, position => position !== 1)]).toEqual([2, 0])
  })
})

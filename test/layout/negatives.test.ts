import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { weighNegatives } from '../../src/layout/negatives.ts'
import { type Positives, packPositives } from '../../src/layout/positives.ts'
import { skewedRatings } from '../support/fused.ts'

/** Entry by entry: j is drawn with probability w_j / (sum of w over the items that the user has not). */
function byEntries({ userStart, itemsOf, itemStart }: Positives, power: number): Float64Array {
  const items = itemStart.length - 1
  const weights = Array.from({ length: items }, (_, j) => (itemStart[j + 1]! - itemStart[j]!) ** power)
  const expected = new Float64Array(items)
  for (let u = 0; u + 1 < userStart.length; u++) {
    const own = new Set(itemsOf.subarray(userStart[u]!, userStart[u + 1]!))
    const left = weights.map((weight, j) => (own.has(j) ? 0 : weight))
    const sum = left.reduce((a, b) => a + b, 0)
    if (sum === 0) continue
    left.forEach((weight, j) => {
      expected[j]! += ((userStart[u + 1]! - userStart[u]!) * weight) / sum
    })
  }
  return expected
}

describe('weighNegatives', () => {
  it.each([0, 0.5, 1])('expects of each item what the entries would draw, by popularity to the power %f', power => {
    const positives = packPositives(skewedRatings(new Random(2), 300, 20, 25))
    const { expected, itemColumns, userColumns } = weighNegatives(positives, power)
    const exact = byEntries(positives, power)
    exact.forEach((value, j) => {
      expect(expected[j]).toBeCloseTo(value, 8)
    })
    expect(itemColumns === undefined).toBe(power === 0)
    expect(userColumns!.length).toBe(40)
  })

  it('leaves out users who have all that can be drawn', () => {
    // User 0 has all three items, user 1 one of them twice; by popularity item 3 weighs nothing.
    const positives = {
      userStart: Uint32Array.of(0, 3, 5),
      itemsOf: Uint32Array.of(0, 1, 2, 1, 1),
      itemStart: Uint32Array.of(0, 1, 4, 5, 5),
      usersOf: Uint32Array.of(0, 0, 1, 1, 0),
    }
    const { expected, userColumns } = weighNegatives(positives, 1)
    expect([...expected]).toEqual([1, 0, 1, 0])
    expect([...userColumns!]).toEqual([0, 1, 2 ** 32 - 1, 1])
    expect([...weighNegatives(positives, 0).expected].map(value => Number(value.toFixed(6)))).toEqual([
      0.666667, 0, 0.666667, 3.666667,
    ])
  })

  it('has nothing to draw where every user has every item', () => {
    const all = {
      userStart: Uint32Array.of(0, 1, 2),
      itemsOf: Uint32Array.of(0, 0),
      itemStart: Uint32Array.of(0, 2),
      usersOf: Uint32Array.of(0, 1),
    }
    expect(weighNegatives(all, 0)).toEqual({
      itemColumns: undefined,
      userColumns: undefined,
      expected: Float64Array.of(0),
    })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { aliasTable } from '../../src/layout/alias.ts'

/** What a table gives each outcome, as probabilities. */
function chances(table: Uint32Array): Float64Array {
  const count = table.length / 2
  const chance = new Float64Array(count)
  for (let column = 0; column < count; column++) {
    const own = table[2 * column]! / 2 ** 32
    chance[column]! += own / count
    chance[table[2 * column + 1]!]! += (1 - own) / count
  }
  return chance
}

const weightLists = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-9, max: 1e9, noNaN: true })), {
  minLength: 1,
  maxLength: 60,
})

describe('aliasTable', () => {
  it('gives each outcome its share of the weights, to 32 bits', () => {
    fc.assert(
      fc.property(
        weightLists.filter(list => list.some(weight => weight > 0)),
        list => {
          const weights = Float64Array.from(list)
          const total = weights.reduce((sum, weight) => sum + weight, 0)
          chances(aliasTable(weights)).forEach((chance, outcome) => {
            // A column's threshold errs by half a word, and each outcome may take from all columns.
            expect(Math.abs(chance - weights[outcome]! / total)).toBeLessThan(2 ** -31)
          })
        },
      ),
      { seed: 1, numRuns: 500 },
    )
  })

  it('never gives what weighs nothing', () => {
    fc.assert(
      fc.property(
        weightLists.filter(list => list.some(weight => weight > 0)),
        list => {
          const chance = chances(aliasTable(Float64Array.from(list)))
          list.forEach((weight, outcome) => {
            if (weight === 0) expect(chance[outcome]).toBe(0)
          })
        },
      ),
      { seed: 2, numRuns: 500 },
    )
  })

  it('gives the one outcome, and equal ones alike', () => {
    expect(chances(aliasTable(Float64Array.of(3)))).toEqual(Float64Array.of(1))
    for (const chance of chances(aliasTable(new Float64Array(7).fill(0.1)))) expect(chance).toBeCloseTo(1 / 7, 8)
  })

  it('holds for many outcomes of a long tail', () => {
    const weights = Float64Array.from({ length: 200_000 }, (_, at) => 1 / (at + 1))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const chance = chances(aliasTable(weights))
    for (const at of [0, 1, 10, 1000, 199_999]) expect(chance[at]! * total * (at + 1)).toBeCloseTo(1, 3)
    expect(chance.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 9)
  })

  it.each([[[]], [[0, 0]], [[1, -1]], [[1, Number.NaN]], [[1, Number.POSITIVE_INFINITY]]])(
    'refuses weights that cannot be drawn by: %j',
    list => {
      expect(() => aliasTable(Float64Array.from(list))).toThrow(InputError)
    },
  )
})

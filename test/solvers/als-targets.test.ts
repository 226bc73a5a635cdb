import { describe, expect, it } from 'vitest'
import { alsTargets, rowPenalties, weightOfAll } from '../../src/solvers/als-targets.ts'

const values = Float32Array.of(3, -1.5, 0, 0.1)

describe('alsTargets', () => {
  it('aims at what is above the mean in explicit models, each entry as heavy', () => {
    const { weights, targets } = alsTargets(values, 0.3, undefined)
    expect(weights).toBeUndefined()
    expect(targets).toEqual(Float32Array.from(values, value => value - 0.3))
    expect(weightOfAll(undefined)).toBe(0)
  })

  it('weighs by confidence, and prefers cells with positive values', () => {
    const { weights, targets } = alsTargets(values, 0.3, { alpha: 0.7 })
    expect(weights).toEqual(Float32Array.of(0.7 * 3, 0.7 * 1.5, 0, 0.7 * values[3]!))
    expect(targets).toEqual(Float32Array.of(1 + 0.7 * 3, 0, 0, 1 + 0.7 * values[3]!))
    expect(weightOfAll({ alpha: 0.7 })).toBe(1)
  })

  it('has one weight for all cells', () => {
    const { weights, targets } = alsTargets(values, 0.3, { unobservedWeight: 0.2 })
    expect(weights).toBeUndefined()
    expect(targets).toEqual(Float32Array.of(1, 0, 0, 1))
    expect(weightOfAll({ unobservedWeight: 0.2 })).toBe(0.2)
  })
})

describe('rowPenalties', () => {
  const counts = Uint32Array.of(4, 0, 9)

  it('grow with the entries by the exponent, none for a row without', () => {
    const of = (penalty: 'weighted' | 'sqrt' | 'frobenius') =>
      rowPenalties(counts, 50, { penalty, implicit: undefined })
    expect([of('weighted'), of('sqrt'), of('frobenius')].map(list => [...list])).toEqual([
      [4, 0, 9],
      [2, 0, 3],
      [1, 0, 1],
    ])
    expect([...rowPenalties(counts, 50, { penalty: 'weighted', implicit: { alpha: 3 } })]).toEqual([4, 0, 9])
  })

  it('count all cells in the iALS form', () => {
    const implicit = { unobservedWeight: 0.5 }
    expect([...rowPenalties(counts, 10, { penalty: 'weighted', implicit })]).toEqual([9, 0, 14])
    expect([...rowPenalties(counts, 10, { penalty: 0.5, implicit })]).toEqual([3, 0, Math.fround(Math.sqrt(14))])
  })
})

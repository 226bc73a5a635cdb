import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packEntries, packPairs, paddedFactors, padRows, trimRows } from '../../src/layout/padding.ts'

describe('padRows', () => {
  it.each([
    [1, 4],
    [3, 4],
    [4, 4],
    [5, 8],
    [128, 128],
  ])('makes whole vec4s of %i factors', (factors, padded) => {
    expect(paddedFactors(factors)).toBe(padded)
  })

  it('puts zeros behind each row', () => {
    expect([...padRows(Float32Array.of(1, 2, 3, 4), 2, 2)]).toEqual([1, 2, 0, 0, 3, 4, 0, 0])
  })

  it('is undone by trimRows', () => {
    const table = fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(6))
      .chain(([factors, rows]) =>
        fc
          .array(fc.float(), { minLength: rows * factors, maxLength: rows * factors })
          .map(values => ({ factors, rows, tight: Float32Array.from(values) })),
      )
    fc.assert(
      fc.property(table, ({ factors, rows, tight }) => {
        const padded = padRows(tight, rows, factors)
        expect(padded.length).toBe(rows * paddedFactors(factors))
        expect(trimRows(padded, rows, factors)).toEqual(tight)
      }),
      { seed: 15 },
    )
  })
})

describe('packing', () => {
  it('sets user, item and the bits of the value side by side', () => {
    const values = Float32Array.of(9, 1.5, -0).subarray(1)
    const packed = packEntries(Uint32Array.of(7, 0xffffffff), Uint32Array.of(3, 4), values)
    expect([...packed]).toEqual([7, 3, 0x3fc00000, 0xffffffff, 4, 0x80000000])
  })

  it('sets user and item side by side', () => {
    expect([...packPairs(Uint32Array.of(7, 0xffffffff), Uint32Array.of(3, 4))]).toEqual([7, 3, 0xffffffff, 4])
  })
})

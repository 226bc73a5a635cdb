import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LimitExceededError } from '../../src/errors.ts'
import { planDispatch } from '../../src/gpu/dispatch.ts'

const limit = 65_535

describe('planDispatch', () => {
  it.each([
    [0, { x: 0, y: 1 }],
    [1, { x: 1, y: 1 }],
    [limit - 1, { x: limit - 1, y: 1 }],
    [limit, { x: limit, y: 1 }],
    [limit + 1, { x: 32_768, y: 2 }],
    [limit ** 2 - 1, { x: limit, y: limit }],
    [limit ** 2, { x: limit, y: limit }],
  ])('of %i workgroups', (workgroups, size) => {
    expect(planDispatch(workgroups, limit)).toEqual(size)
  })

  it('past the square of the limit is an error with both numbers', () => {
    const needed = limit ** 2 + 1
    expect(() => planDispatch(needed, limit)).toThrow(LimitExceededError)
    expect(() => planDispatch(needed, limit)).toThrow(expect.objectContaining({ needed, available: limit ** 2 }))
  })

  it('covers the workgroups, keeps to the limit and has as few rows and columns as may be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (most, share) => {
        const workgroups = Math.round(share * most ** 2)
        const { x, y } = planDispatch(workgroups, most)
        expect(Math.max(x, y)).toBeLessThanOrEqual(most)
        expect(x * y).toBeGreaterThanOrEqual(workgroups)
        expect((y - 1) * most).toBeLessThan(Math.max(workgroups, 1))
        expect((x - 1) * y).toBeLessThan(Math.max(workgroups, 1))
      }),
      { seed: 1, numRuns: 2000 },
    )
  })
})

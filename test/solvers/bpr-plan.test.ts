import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OptionError } from '../../src/errors.ts'
import type { Capabilities } from '../../src/gpu/capabilities.ts'
import { checkBprPlan, planBpr } from '../../src/solvers/bpr-plan.ts'
import { device, lavapipe, nvidia } from '../support/devices.ts'

describe('planBpr', () => {
  it('fits any device and any data', () => {
    const inputs = fc.record({
      entries: fc.integer({ min: 1, max: 2e9 }),
      heaviest: fc.integer({ min: 1, max: 1e7 }),
      factors: fc.integer({ min: 1, max: 512 }),
      only: fc.constantFrom(undefined, 'users' as const, 'items' as const),
    })
    const devices = [lavapipe, device(true, 4), nvidia, device(false, 8), device(false, 1), device(false, 64)]
    fc.assert(
      fc.property(inputs, fc.constantFrom(...devices), (input, capabilities) => {
        const plan = planBpr(input, capabilities)
        const { variant, slices, rounds } = plan
        const blocks = Math.ceil(input.factors / 4)
        expect(Number.isInteger(Math.log2(variant.lanes))).toBe(true)
        expect(variant.lanes * variant.vecs).toBeGreaterThanOrEqual(blocks)
        expect(variant.lanes * (variant.vecs - 1)).toBeLessThan(blocks)
        if (variant.subgroups) expect(variant.lanes).toBeLessThanOrEqual(capabilities.subgroupMinSize)
        if (capabilities.subgroupMinSize === 1) expect(variant.subgroups).toBe(false)
        expect(Number.isInteger(slices)).toBe(true)
        expect(variant.lanes * slices).toBeLessThanOrEqual(64)
        expect((input.entries * input.factors) / rounds).toBeLessThanOrEqual(1e9)
        expect(input.heaviest / rounds).toBeLessThanOrEqual(1e6)
        checkBprPlan(plan, input.only)
      }),
      { seed: 3, numRuns: 1000 },
    )
  })

  it('takes more rounds where one would take long, none in vain where all that is read is frozen', () => {
    const rounds = (entries: number, only?: 'users' | 'items') =>
      planBpr({ entries, heaviest: 100, factors: 32, only }, nvidia).rounds
    expect([rounds(100), rounds(1e8), rounds(1e9), rounds(1.02e9)]).toEqual([8, 8, 32, 34])
    expect([rounds(1e7, 'users'), rounds(1e8, 'users')]).toEqual([1, 4])
    expect(rounds(100, 'items')).toBe(8)
    const heavy = planBpr({ entries: 1e8, heaviest: 1e7, factors: 1 }, nvidia)
    expect(heavy.rounds).toBe(20)
  })

  it('shares a long row among the lanes of a subgroup', () => {
    const plan = (capabilities: Capabilities, factors: number) =>
      planBpr({ entries: 1e6, heaviest: 1e4, factors }, capabilities)
    expect(plan(nvidia, 128)).toMatchObject({ variant: { lanes: 32, vecs: 1, prefetch: true }, slices: 2 })
    expect(plan(nvidia, 8)).toMatchObject({ variant: { lanes: 2, vecs: 1 }, slices: 32 })
    expect(plan(lavapipe, 128)).toMatchObject({ variant: { lanes: 8, vecs: 4, prefetch: false }, slices: 1 })
    expect(plan(lavapipe, 32)).toMatchObject({ variant: { lanes: 4, vecs: 2 }, slices: 2 })
    expect(plan(lavapipe, 8)).toMatchObject({ variant: { lanes: 1, vecs: 2, subgroups: false }, slices: 8 })
  })

  it('refuses rounds that cannot be', () => {
    const plan = planBpr({ entries: 100, heaviest: 10, factors: 4 }, nvidia)
    for (const rounds of [0, -2, 1.5, 3, 2 ** 16, Number.NaN]) {
      expect(() => checkBprPlan({ ...plan, rounds }, undefined)).toThrow(OptionError)
    }
    checkBprPlan({ ...plan, rounds: 3 }, 'users')
  })
})

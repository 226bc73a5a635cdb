import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OptionError } from '../../src/errors.ts'
import type { Capabilities } from '../../src/gpu/capabilities.ts'
import { checkBprPlan, planBpr } from '../../src/solvers/bpr-plan.ts'
import { device, lavapipe, nvidia } from '../support/devices.ts'

const rows = { users: 10_000, items: 1000, samples: 100 }

describe('planBpr', () => {
  it('fits any device and any data', () => {
    const inputs = fc.record({
      users: fc.integer({ min: 1, max: 1e8 }),
      items: fc.integer({ min: 1, max: 1e7 }),
      samples: fc.integer({ min: 1, max: 1e7 }),
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
      planBpr({ ...rows, entries, heaviest: 100, factors: 32, only }, nvidia).rounds
    expect([rounds(100), rounds(1e8), rounds(1e9), rounds(1.02e9)]).toEqual([8, 8, 32, 34])
    expect([rounds(1e7, 'users'), rounds(1e8, 'users')]).toEqual([1, 4])
    expect(rounds(100, 'items')).toBe(8)
    const heavy = planBpr({ ...rows, entries: 1e8, heaviest: 1e7, factors: 1 }, nvidia)
    expect(heavy.rounds).toBe(20)
  })

  it("takes rounds so many that a row's samples fit side by side, where a table does not fit a binding", () => {
    const rounds = (users: number, samples: number) =>
      planBpr({ users, items: 10, entries: 1000, heaviest: 1000, samples, factors: 128 }, lavapipe).rounds
    // 2^27 bytes hold 262,144 rows, two of each sample.
    expect([rounds(262_144, 1e7), rounds(262_145, 1e5), rounds(262_145, 2e6)]).toEqual([8, 8, 16])
    const frozen = (items: number, samples: number) =>
      planBpr({ users: 1e7, items, entries: 1000, heaviest: 1000, samples, factors: 128, only: 'users' }, lavapipe)
        .rounds
    expect([frozen(262_144, 1e7), frozen(262_145, 131_070), frozen(262_145, 131_071)]).toEqual([1, 1, 2])
  })

  it('shares a long row among the lanes of a subgroup', () => {
    const plan = (capabilities: Capabilities, factors: number) =>
      planBpr({ ...rows, entries: 1e6, heaviest: 1e4, factors }, capabilities)
    expect(plan(nvidia, 128)).toMatchObject({ variant: { lanes: 32, vecs: 1, prefetch: true }, slices: 2 })
    expect(plan(nvidia, 8)).toMatchObject({ variant: { lanes: 2, vecs: 1 }, slices: 32 })
    expect(plan(lavapipe, 128)).toMatchObject({ variant: { lanes: 8, vecs: 4, prefetch: false }, slices: 1 })
    expect(plan(lavapipe, 32)).toMatchObject({ variant: { lanes: 4, vecs: 2 }, slices: 2 })
    expect(plan(lavapipe, 8)).toMatchObject({ variant: { lanes: 1, vecs: 2, subgroups: false }, slices: 8 })
  })

  it('refuses rounds that cannot be', () => {
    const plan = planBpr({ ...rows, entries: 100, heaviest: 10, factors: 4 }, nvidia)
    for (const rounds of [0, -2, 1.5, 3, 2 ** 16, Number.NaN]) {
      expect(() => checkBprPlan({ ...plan, rounds }, undefined)).toThrow(OptionError)
    }
    checkBprPlan({ ...plan, rounds: 3 }, 'users')
  })
})

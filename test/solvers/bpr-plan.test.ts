import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OptionError } from '../../src/errors.ts'
import type { Capabilities } from '../../src/gpu/capabilities.ts'
import { checkBprPlan, planBpr } from '../../src/solvers/bpr-plan.ts'

const limits = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  minUniformBufferOffsetAlignment: 256,
}

const device = (software: boolean, subgroupMinSize: number): Capabilities => ({
  adapter: { vendor: '', architecture: '', description: '', software },
  limits,
  features: { subgroups: subgroupMinSize > 1, f16: true, timestamps: true },
  subgroupMinSize,
})

const [lavapipe, nvidia] = [device(true, 8), device(false, 32)] as const

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

  it('takes more rounds where rows are heavy, none in vain where all that is read is frozen', () => {
    const rounds = (heaviest: number, only?: 'users' | 'items') =>
      planBpr({ entries: 1e5, heaviest, factors: 32, only }, nvidia).rounds
    expect([rounds(10), rounds(640), rounds(1e5)]).toEqual([8, 10, 32])
    expect(rounds(1e5, 'users')).toBe(1)
    expect(rounds(10, 'items')).toBe(8)
  })

  it('shares a row among the lanes of a subgroup, and keeps to one row a workgroup on CPUs', () => {
    const plan = (capabilities: Capabilities) => planBpr({ entries: 1e6, heaviest: 1e4, factors: 128 }, capabilities)
    expect(plan(nvidia)).toMatchObject({ variant: { lanes: 32, vecs: 1, prefetch: true }, slices: 2 })
    expect(plan(lavapipe)).toMatchObject({ variant: { lanes: 8, vecs: 4, prefetch: false }, slices: 1 })
  })

  it('refuses rounds that cannot be', () => {
    const plan = planBpr({ entries: 100, heaviest: 10, factors: 4 }, nvidia)
    for (const rounds of [0, -2, 1.5, 3, 2 ** 16, Number.NaN]) {
      expect(() => checkBprPlan({ ...plan, rounds }, undefined)).toThrow(OptionError)
    }
    checkBprPlan({ ...plan, rounds: 3 }, 'users')
  })
})

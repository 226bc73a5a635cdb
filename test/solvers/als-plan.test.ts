import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AlsInput, planAls } from '../../src/solvers/als-plan.ts'
import { device, intel, lavapipe, nvidia, swiftshader, without } from '../support/devices.ts'

const input = (factors: number, more: Partial<AlsInput> = {}): AlsInput => ({
  factors,
  biases: true,
  rowSolver: 'cg',
  cgSteps: 3,
  cgTolerance: 0,
  ...more,
})

const anyInput = fc.record({
  factors: fc.integer({ min: 1, max: 512 }),
  biases: fc.boolean(),
  rowSolver: fc.constantFrom('cg' as const, 'exact' as const),
  cgSteps: fc.integer({ min: 1, max: 1000 }),
  cgTolerance: fc.double({ min: 0, max: 1, noNaN: true }),
})
const anyDevice = fc.constantFrom(lavapipe, swiftshader, nvidia, intel, without, device(false, 64), device(false, 4))

describe('planAls', () => {
  it('fits any device and any rank', () => {
    fc.assert(
      fc.property(anyInput, anyDevice, (given, capabilities) => {
        const plan = planAls(given, capabilities)
        const { slices, slicesPerWorkgroup, bounds, exact } = plan
        const { limits } = capabilities
        const blocks = Math.ceil(given.factors / 4)
        // Slices hold a row, are whole numbers of a subgroup's parts, and fill a workgroup that there may be.
        expect(slices.lanes * slices.vecs).toBeGreaterThanOrEqual(blocks)
        expect(Number.isInteger(Math.log2(slices.lanes))).toBe(true)
        expect(Number.isInteger(slicesPerWorkgroup)).toBe(true)
        expect(slices.lanes * slicesPerWorkgroup).toBeLessThanOrEqual(limits.maxComputeInvocationsPerWorkgroup)
        if (slices.subgroups) expect(slices.lanes).toBeLessThanOrEqual(capabilities.subgroupMinSize)
        // Scratch tables and entries fit their bindings.
        expect(bounds.slots * 16 * (blocks + 1)).toBeLessThanOrEqual(limits.maxStorageBufferBindingSize)
        expect(bounds.entries * 12).toBeLessThanOrEqual(limits.maxStorageBufferBindingSize)
        expect(bounds.segment).toBeGreaterThan(0)
        if (exact === undefined) return
        const { threads, tiles, rowBlocks, chunk } = exact.tiles
        expect(given.rowSolver).toBe('exact')
        expect(rowBlocks).toBe(blocks + Number(given.biases) + 1)
        expect(threads * tiles).toBeGreaterThanOrEqual((rowBlocks * (rowBlocks + 1)) / 2)
        expect(threads).toBeLessThanOrEqual(limits.maxComputeInvocationsPerWorkgroup)
        // The panel, the inverse, the diagonal, the solution, and staged entries.
        const bytes = rowBlocks * (64 + 16 + 16) + 64 + 16 * chunk * rowBlocks
        expect(bytes).toBeLessThanOrEqual(limits.maxComputeWorkgroupStorageSize)
        expect(chunk).toBeGreaterThanOrEqual(1)
      }),
      { seed: 31, numRuns: 500 },
    )
  })

  it.each([lavapipe, swiftshader, nvidia, intel, without])(
    'solves exactly up to k = 128 at least, and beyond by converged steps',
    capabilities => {
      for (const factors of [1, 64, 128]) {
        expect(planAls(input(factors, { rowSolver: 'exact' }), capabilities).exact).toBeDefined()
      }
      const beyond = planAls(input(256, { rowSolver: 'exact', cgSteps: 1, cgTolerance: 0.5 }), capabilities)
      expect(beyond.exact).toBeUndefined()
      expect(beyond.steps).toBe(64)
      expect(beyond.tolerance).toBeLessThan(1e-8)
    },
  )

  it('takes the steps and the tolerance that it is told', () => {
    expect(planAls(input(32, { cgSteps: 7, cgTolerance: 0.01 }), nvidia)).toMatchObject({ steps: 7, tolerance: 0.01 })
    expect(planAls(input(32), nvidia).tolerance).toBeLessThan(1e-12)
  })

  it('gives a subgroup to a row where it is wide enough, and shares a CPU vector among short ones', () => {
    expect(planAls(input(128), nvidia)).toMatchObject({
      slices: { lanes: 32, vecs: 1, subgroups: true },
      slicesPerWorkgroup: 4,
    })
    expect(planAls(input(32), nvidia)).toMatchObject({ slices: { lanes: 8, vecs: 1 }, slicesPerWorkgroup: 16 })
    expect(planAls(input(64), lavapipe)).toMatchObject({ slices: { lanes: 8, vecs: 2 }, slicesPerWorkgroup: 1 })
    expect(planAls(input(32), lavapipe)).toMatchObject({ slices: { lanes: 4, vecs: 2 }, slicesPerWorkgroup: 2 })
    expect(planAls(input(64), without).slices.subgroups).toBe(false)
  })
})

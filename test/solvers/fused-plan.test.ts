import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LimitExceededError, OptionError } from '../../src/errors.ts'
import type { Capabilities } from '../../src/gpu/capabilities.ts'
import { gridOf } from '../../src/layout/tile-grid.ts'
import { type FusedInput, planFused } from '../../src/solvers/fused-plan.ts'
import { device, intel, lavapipe, limits, nvidia, swiftshader, without } from '../support/devices.ts'

const input = (entries: number, users: number, items: number, factors = 32): FusedInput => ({
  entries,
  users,
  items,
  factors,
  precision: 'f32',
})
const netflix = (factors: number) => input(99_000_000, 480_189, 17_770, factors)

describe('planFused', () => {
  it('fits any device and any data', () => {
    const anyInput = fc
      .record({
        entries: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 2e9 })),
        users: fc.integer({ min: 1, max: 20_000_000 }),
        items: fc.integer({ min: 1, max: 3_000_000 }),
        factors: fc.integer({ min: 1, max: 512 }),
      })
      .map(shape => ({ ...shape, precision: 'f32' as const }))
    fc.assert(
      fc.property(
        anyInput,
        fc.constantFrom(lavapipe, swiftshader, nvidia, intel, without, device(false, 64), device(false, 4)),
        (given, capabilities) => {
          const { variant, shape } = planFused(given, capabilities)
          const blocks = Math.ceil(given.factors / 4)
          expect(Number.isInteger(Math.log2(variant.lanes))).toBe(true)
          expect(variant.lanes * variant.vecs).toBeGreaterThanOrEqual(blocks)
          expect(variant.lanes * (variant.vecs - 1)).toBeLessThan(blocks)
          if (variant.subgroups) expect(variant.lanes).toBeLessThanOrEqual(capabilities.subgroupMinSize)
          if (capabilities.subgroupMinSize === 1) expect(variant.subgroups).toBe(false)
          expect(variant.lanes * shape.slices).toBeLessThanOrEqual(limits.maxComputeInvocationsPerWorkgroup)
          expect(Number.isInteger(shape.slices)).toBe(true)
          expect(variant.nested).toBe(shape.nested)
          // Places in a block are 16-bit numbers; replicas take at most a slot more in each block.
          const heldBlocks = shape.workers * (shape.nested ? shape.slices : 1)
          expect(heldBlocks * 65535).toBeGreaterThanOrEqual(Math.max(given.users, given.items))
          expect(shape.strata).toBeGreaterThanOrEqual(shape.workers)
          expect((given.entries * given.factors) / shape.strata).toBeLessThanOrEqual(2e9)
          expect(shape.workers).toBeGreaterThanOrEqual(1)
        },
      ),
      { seed: 21, numRuns: 2000 },
    )
  })

  it('cuts blocks so that the rows of a workgroup fit a binding', () => {
    const anyInput = fc.record({
      entries: fc.integer({ min: 1, max: 2e9 }),
      users: fc.integer({ min: 1, max: 20_000_000 }),
      items: fc.integer({ min: 1, max: 3_000_000 }),
      factors: fc.integer({ min: 1, max: 512 }),
      precision: fc.constantFrom('f32' as const, 'f16' as const),
    })
    fc.assert(
      fc.property(
        anyInput,
        fc.constantFrom(lavapipe, swiftshader, nvidia, intel, without, device(false, 4)),
        fc.constantFrom(2 ** 25, 2 ** 27, 2 ** 31),
        (given, capabilities, bytes) => {
          const narrow = { ...limits, maxStorageBufferBindingSize: bytes, maxBufferSize: 2 * bytes }
          const { shape, blockSlots = 65536 } = planFused(given, { ...capabilities, limits: narrow })
          const rows = Math.max(given.users, given.items)
          const rowBytes = Math.max(16, Math.ceil(given.factors / 4) * (given.precision === 'f16' ? 8 : 16))
          const blocks = shape.workers * (shape.nested ? shape.slices : 1)
          expect(blockSlots).toBeLessThanOrEqual(65536)
          expect(blocks * (blockSlots - 1)).toBeGreaterThanOrEqual(rows)
          const inOne = (rows + blocks) * rowBytes <= bytes
          expect(inOne || blockSlots * shape.slices * rowBytes <= bytes).toBe(true)
          // A sum of losses for each held block of each stratum; fewer blocks would not hold the rows of the narrowest.
          const sums = 8 * gridOf(shape).heldBlocks * shape.strata
          expect(sums <= bytes || bytes < 2 ** 27).toBe(true)
        },
      ),
      { seed: 22, numRuns: 2000 },
    )
  })

  it('cuts so few blocks that their sums of losses fit a binding', () => {
    const narrow = (capabilities: Capabilities) => ({
      ...capabilities,
      limits: { ...limits, maxStorageBufferBindingSize: 2 ** 20 },
    })
    for (const capabilities of [lavapipe, nvidia, intel]) {
      const wide = planFused(input(30_000_000, 20_000, 20_000, 4), capabilities).shape
      const { shape } = planFused(input(30_000_000, 20_000, 20_000, 4), narrow(capabilities))
      expect(8 * gridOf(shape).heldBlocks * shape.strata).toBeLessThanOrEqual(2 ** 20)
      if (capabilities !== lavapipe) expect(shape.workers).toBeLessThan(wide.workers)
    }
  })

  it('refuses a device whose bindings do not hold two rows of a slice', () => {
    const tiny = { ...lavapipe, limits: { ...limits, maxStorageBufferBindingSize: 900 } }
    expect(() => planFused(input(1000, 50, 40, 128), tiny)).toThrow(LimitExceededError)
    expect(planFused(input(1000, 50, 40, 16), tiny).blockSlots).toBe(7)
  })

  it('cuts so many strata that the entries of each fit a buffer', () => {
    const many = { ...input(150_000_000, 480_189, 17_770, 1), workers: 32 }
    const { shape } = planFused(many, { ...lavapipe, limits: { ...limits, maxStorageBufferBindingSize: 2 ** 24 } })
    expect((1.2 * 8 * many.entries) / shape.strata).toBeLessThan(2 ** 24)
    expect(() => planFused({ ...many, strata: 8 }, lavapipe)).toThrow(OptionError)
    expect(planFused({ ...many, strata: 9 }, lavapipe).shape.strata).toBe(9)
  })

  it('fills a large GPU with a set of the size of Netflix', () => {
    for (const factors of [32, 128]) {
      const { variant, shape } = planFused(netflix(factors), nvidia)
      expect(variant).toMatchObject({ lanes: factors / 4, vecs: 1, subgroups: true, prefetch: true, nested: true })
      expect(shape.workers).toBeGreaterThanOrEqual(128)
      expect(shape.workers * shape.slices * variant.lanes).toBeGreaterThan(16_384)
      // Tiles of the slices hold 16 entries in the mean at least.
      expect(99_000_000 / (shape.workers * shape.slices) ** 2).toBeGreaterThanOrEqual(15.9)
    }
  })

  it('keeps workgroups of whole subgroups where the data are small', () => {
    const { variant, shape } = planFused(input(900_000, 6040, 3706), nvidia)
    expect(variant.lanes * shape.slices).toBe(32)
    expect(shape.workers).toBeGreaterThan(32)
  })

  it('makes workgroups no larger than the device allows', () => {
    const small = { ...nvidia, limits: { ...limits, maxComputeInvocationsPerWorkgroup: 128 } }
    const { variant, shape } = planFused(netflix(128), small)
    expect(variant.lanes * shape.slices).toBe(128)
  })

  it('gives a CPU a few workers, one vector each, and strata that end in about 70 ms', () => {
    const small = planFused(input(900_000, 6040, 3706), lavapipe)
    expect(small.shape).toEqual({ workers: 8, strata: 8, slices: 2, nested: false })
    expect(small.variant).toMatchObject({ lanes: 4, vecs: 2, prefetch: false })
    expect(planFused(input(900_000, 6040, 3706, 128), lavapipe).variant).toMatchObject({ lanes: 8, vecs: 4 })
    const large = planFused(netflix(32), lavapipe).shape
    expect((99_000_000 * 32) / large.strata).toBeLessThanOrEqual(40e6)
    expect(planFused(input(900_000, 6040, 3706), swiftshader).variant.lanes).toBe(4)
  })

  it('takes workers and strata of the caller', () => {
    const given = { ...input(1000, 50, 40), workers: 6 }
    expect(planFused(given, lavapipe).shape).toMatchObject({ workers: 6, strata: 6 })
    expect(planFused({ ...given, strata: 2 }, lavapipe).shape).toMatchObject({ workers: 6, strata: 2 })
  })

  it('refuses a grid of more tiles than there is room for', () => {
    const failing = () => planFused({ ...input(1000, 50, 40), workers: 60_000 }, lavapipe)
    expect(failing).toThrow(OptionError)
    expect(failing).toThrow('"workers" cuts the ratings into 3600000000 tiles, more than 67108864')
    expect(() => planFused({ ...netflix(32), strata: 65_535 }, nvidia)).toThrow('"strata" cuts')
  })

  it('refuses workers and strata with which a block would not hold its rows', () => {
    const million = input(3_000_000, 1_000_000, 100)
    for (const option of ['workers', 'strata'] as const) {
      const failing = () => planFused({ ...million, [option]: 15 }, lavapipe)
      expect(failing).toThrow(OptionError)
      expect(failing).toThrow(new RegExp(`"${option}" must be at least 16 for 1000000 rows.*, not 15`))
      expect(planFused({ ...million, [option]: 16 }, lavapipe).shape[option]).toBe(16)
    }
  })

  it('keeps dispatches short enough for watchdogs, however few workers and strata the caller asks for', () => {
    const alone = planFused({ ...netflix(32), workers: 10 }, nvidia).shape
    expect(99_000_000 / (alone.workers * alone.slices) / alone.strata).toBeLessThanOrEqual(1.5e6)
    expect(alone.strata).toBeGreaterThanOrEqual(10)
    expect(() => planFused({ ...netflix(128), strata: 1 }, nvidia)).toThrow(
      '"strata" must be at least 7 for 480189 rows and 99000000 entries',
    )
    expect(planFused({ ...netflix(128), strata: 7 }, nvidia).shape.strata).toBe(7)
    expect(planFused({ ...input(1_000_000, 6040, 3706), strata: 1 }, nvidia).shape.strata).toBe(1)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeDuplicates } from '../../src/data/duplicates.ts'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import { rowCounts } from '../../src/data/row-counts.ts'
import { packTiles } from '../../src/layout/tiles.ts'
import { BufferPlan } from '../../src/model/buffer-plan.ts'
import { planFusedBuffers } from '../../src/solvers/fused-memory.ts'
import { planFusedRows } from '../../src/solvers/fused-plan.ts'
import { intel, lavapipe, nvidia, without } from '../support/devices.ts'
import { skewedRatings } from '../support/fused.ts'

const grid = fc.oneof(
  fc.record({}),
  fc.record({ workers: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ workers: fc.integer({ min: 1, max: 20 }), strata: fc.integer({ min: 1, max: 80 }) }),
)

describe('planFusedBuffers', () => {
  it('knows the slots, and has room for the entries and tiles of the largest stratum, on any device', () => {
    let grids = 0
    let planned = 0
    let taken = 0
    fc.assert(
      fc.property(
        fc.nat(),
        fc.record({
          users: fc.integer({ min: 2, max: 700 }),
          items: fc.integer({ min: 2, max: 400 }),
          entries: fc.integer({ min: 50, max: 20_000 }),
        }),
        fc.constantFrom('planted', 'skewed'),
        fc.constantFrom(3, 8, 20, 130),
        grid,
        fc.constantFrom(lavapipe, nvidia, intel, without),
        (seed, { users, items, entries }, kind, factors, own, capabilities) => {
          const ratings =
            kind === 'skewed'
              ? mergeDuplicates(skewedRatings(new Random(seed), entries, users, items), 'last')
              : plantedRatings({ users, items, entries: Math.min(entries, users * items), rank: 2, seed }).ratings
          const counts = rowCounts(ratings)
          const options = {
            factors,
            biases: true,
            seed,
            precision: 'f32' as const,
            workers: undefined,
            strata: undefined,
          }
          const chosen = { ...options, ...own }
          const figures = planFusedBuffers(
            new BufferPlan(capabilities.limits),
            { counts, entries: ratings.length },
            chosen,
            capabilities,
          )
          const cut = planFusedRows(counts, ratings.length, chosen, capabilities)
          const layout = packTiles(ratings, cut.shape, { seed, blockSlots: cut.blockSlots })
          const slots = layout.users.rowOf.length + layout.items.rowOf.length
          expect(figures.snapshotBytes).toBe(16 * slots * (1 + Math.ceil(factors / 4)))
          expect(figures.steps.count).toBe(cut.shape.strata)
          const largest = Math.max(
            ...Array.from(layout.stratumStart.subarray(1), (end, stratum) => end - layout.stratumStart[stratum]!),
          )
          const bytes = 8 * largest + layout.tiles.byteLength / cut.shape.strata
          const all = layout.entries.byteLength + layout.tiles.byteLength
          expect(Math.min(all / 2, figures.stepBytes)).toBeGreaterThanOrEqual(Math.min(all / 2, bytes))
          if (cut.shape.strata < 3) return
          grids++
          planned += figures.stepBytes
          taken += bytes
        },
      ),
      { seed: 31, numRuns: 80 },
    )
    expect(grids).toBeGreaterThan(50)
    expect(planned / taken).toBeLessThan(1.2)
  })
})

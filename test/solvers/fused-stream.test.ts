import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import type { Ratings } from '../../src/data/ratings.ts'
import { LimitExceededError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { Room } from '../../src/solvers/entry-store.ts'
import { FusedSolver } from '../../src/solvers/fused.ts'
import type { FusedPlan } from '../../src/solvers/fused-plan.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { type ResolvedOptions, resolveOptions, type TrainOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'
import { skewedRatings } from '../support/fused.ts'
import { narrow, useNarrowGpu } from '../support/gpu.ts'

const device = useNarrowGpu()

const settings = (options: TrainOptions = {}): ResolvedOptions =>
  resolveOptions({ solver: 'sgd', factors: 6, seed: 4, regularization: 0.3, ...options })

function create(gpu: Gpu, ratings: Ratings, plan: FusedPlan, options: ResolvedOptions, room?: Room) {
  const initial = initialParameters(ratings, options)
  const fused = { ...options, optimizer: options.optimizer as 'sgd' | 'adagrad' }
  return FusedSolver.create(gpu, ratings, scaleOf(ratings, options), () => initial, fused, plan, room)
}

/** What may be read of a solver after some epochs. */
async function trained(...given: Parameters<typeof create>) {
  const solver = await create(...given)
  const [gpu] = given
  try {
    const sums: number[] = []
    for (let epoch = 0; epoch < 3; epoch++) {
      const { squaredError, penalty } = await solver.runEpoch({ epoch, rateScale: 1 / (1 + epoch) })
      sums.push(squaredError, penalty)
    }
    const result = { sums, parameters: await solver.tables.read(gpu), state: await solver.state.read() }
    return { result, plan: solver.plan, residency: solver.residency }
  } finally {
    solver.destroy()
  }
}

const variant = { vecs: 0, nested: false, subgroups: false, prefetch: false, f16: false }

const variants = [
  { ...variant, lanes: 4, subgroups: true },
  { ...variant, lanes: 2, f16: true },
  { ...variant, lanes: 2, nested: true, prefetch: true },
  { ...variant, lanes: 4, nested: true, subgroups: true, f16: true },
]

describe('the fused solver with streamed entries', () => {
  it('trains to the bytes of resident ones, whatever the grid and the room', async () => {
    const seen = { loads: 0, held: new Set<unknown>(), sharded: 0, least: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.tuple(fc.integer({ min: 30, max: 300 }), fc.integer({ min: 30, max: 300 })),
        fc.constantFrom(...variants),
        fc.record({ groups: fc.integer({ min: 5, max: 9 }), moreStrata: fc.integer({ min: 0, max: 4 }) }),
        fc.option(fc.integer({ min: 9000, max: 14_000 }), { freq: 2 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (seed, [users, items], chosen, { groups, moreStrata }, binding, share) => {
          const factors = 20
          const ratings = skewedRatings(new Random(seed), 2500, users, items)
          const workers = chosen.nested ? groups : 2 * groups - 1
          const plan: FusedPlan = {
            variant: { ...chosen, vecs: Math.ceil(5 / chosen.lanes) },
            shape: { workers, strata: workers + moreStrata, slices: 2, nested: chosen.nested },
          }
          const options = settings({ factors, precision: chosen.f16 ? 'f16' : 'f32' })
          const { gpu } = device
          narrow(gpu, binding ?? 2 ** 27)
          const resident = await trained(gpu, ratings, plan, options)
          const refused = await create(gpu, ratings, plan, options, { entryBytes: 0 }).catch((error: unknown) => error)
          expect(refused).toBeInstanceOf(LimitExceededError)
          const least = (refused as LimitExceededError).needed
          const before = gpu.liveBytes
          // The least room in every other case.
          const entryBytes = seed % 2 === 0 ? least : least + Math.floor(share * (resident.residency.bytes - 1 - least))
          const streamed = await trained(gpu, ratings, plan, options, { entryBytes })
          expect(gpu.liveBytes).toBe(before)
          expect(streamed.result).toEqual(resident.result)
          expect(streamed.plan).toEqual(resident.plan)
          expect(resident.residency.streamed).toBe(false)
          expect(streamed.residency.streamed).toBe(true)
          expect(streamed.residency.bytes).toBeLessThanOrEqual(entryBytes)
          seen.loads += streamed.residency.loadsPerEpoch
          seen.held.add(streamed.plan.held)
          seen.sharded += Number('shards' in streamed.plan)
          seen.least += Number(entryBytes === least)
        },
      ),
      { seed: 5, numRuns: 24 },
    )
    expect(seen.held).toEqual(new Set(['users', 'items']))
    expect(seen.loads).toBeGreaterThan(24 * 4)
    expect(Math.min(seen.sharded, seen.least)).toBeGreaterThan(5)
  })
})

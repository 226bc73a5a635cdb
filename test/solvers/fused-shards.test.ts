import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import type { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { LimitExceededError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { Model } from '../../src/model/model.ts'
import { FusedSolver } from '../../src/solvers/fused.ts'
import type { FusedPlan } from '../../src/solvers/fused-plan.ts'
import { fit } from '../../src/train/fit.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { type ResolvedOptions, resolveOptions, type TrainOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'
import { skewedRatings } from '../support/fused.ts'
import { narrow, useGpu, useNarrowGpu } from '../support/gpu.ts'
import { fitInTwo, modelBytes } from '../support/resume.ts'

const wide = useGpu()
const cut = useNarrowGpu()

const settings = (options: TrainOptions = {}): ResolvedOptions =>
  resolveOptions({ solver: 'sgd', factors: 6, seed: 4, regularization: 0.3, ...options })

/** Parameters, losses, state and plan after some epochs. */
async function trainOn(on: Gpu, ratings: Ratings, plan: FusedPlan, options: ResolvedOptions, epochs: number) {
  const initial = initialParameters(ratings, options)
  const fused = { ...options, optimizer: options.optimizer as 'sgd' | 'adagrad' }
  const solver = await FusedSolver.create(on, ratings, scaleOf(ratings, options), () => initial, fused, plan)
  try {
    const losses: number[] = []
    const penalties: number[] = []
    for (let epoch = 0; epoch < epochs; epoch++) {
      const sums = await solver.runEpoch({ epoch, rateScale: 1 / (1 + epoch) })
      losses.push(sums.squaredError)
      penalties.push(sums.penalty)
    }
    const parameters = await solver.tables.read(on)
    return { parameters, losses, penalties, plan: solver.plan, state: await solver.state.read() }
  } finally {
    solver.destroy()
  }
}

const variant = { vecs: 0, nested: false, subgroups: false, prefetch: false, f16: false }

/** Kernels as they are chosen for CPUs and for GPUs; few, since each is compiled. */
const variants = [
  { ...variant, lanes: 4, subgroups: true },
  { ...variant, lanes: 2 },
  { ...variant, lanes: 2, f16: true },
  { ...variant, lanes: 2, nested: true, prefetch: true },
  { ...variant, lanes: 4, nested: true, subgroups: true, f16: true },
]

const anyPlan: fc.Arbitrary<FusedPlan> = fc
  .record({
    groups: fc.integer({ min: 6, max: 11 }),
    lastSlices: fc.constantFrom(1, 2),
    moreStrata: fc.integer({ min: 0, max: 3 }),
    chosen: fc.constantFrom(...variants),
  })
  .map(({ groups, lastSlices, moreStrata, chosen }) => {
    const workers = chosen.nested ? groups : 2 * (groups - 1) + lastSlices
    return { variant: chosen, shape: { workers, strata: workers + moreStrata, slices: 2, nested: chosen.nested } }
  })

describe('the fused solver over several shards', () => {
  it('trains to the bytes of one shard, whatever the grid', async () => {
    let most = 0
    let replicas = 0
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 100, max: 400 }),
        fc.integer({ min: 20, max: 200 }),
        fc.constantFrom(6, 40),
        anyPlan,
        fc.boolean(),
        fc.integer({ min: 13_000, max: 20_000 }),
        async (seed, users, items, factors, grid, adagrad, bytes) => {
          const ratings = skewedRatings(new Random(seed), 2500, users, items)
          const vecs = Math.ceil(Math.ceil(factors / 4) / grid.variant.lanes)
          const plan = { ...grid, variant: { ...grid.variant, vecs } }
          const options = settings({
            factors,
            precision: plan.variant.f16 ? 'f16' : 'f32',
            ...(adagrad ? {} : { optimizer: 'sgd', learningRate: 0.01 }),
          })
          const expected = await trainOn(wide.gpu, ratings, plan, options, 2)
          narrow(cut.gpu, bytes)
          const actual = await trainOn(cut.gpu, ratings, plan, options, 2)
          expect(actual.parameters).toEqual(expected.parameters)
          expect(actual.losses).toEqual(expected.losses)
          actual.penalties.forEach((penalty, epoch) => {
            // Sums of squares, added in another order.
            expect(Math.abs(penalty / expected.penalties[epoch]! - 1)).toBeLessThan(1e-5)
          })
          expect(expected.plan.shards).toBeUndefined()
          const parts = (name: string) =>
            Buffer.concat([...actual.state].filter(([key]) => key.startsWith(name)).map(([, part]) => part))
          for (const [name, whole] of expected.state) expect(parts(name).equals(whole)).toBe(true)
          const { shards } = { shards: 2, ...actual.plan }
          most = Math.max(most, shards)
          if (shards > 2) replicas += Number(actual.plan.replicas)
        },
      ),
      { seed: 5, numRuns: 25 },
    )
    expect(most).toBeGreaterThan(6)
    expect(replicas).toBeGreaterThan(10)
  })

  it('refuses rows of which no two fit a buffer, before anything is allocated', async () => {
    const ratings = skewedRatings(new Random(1), 300, 20, 20)
    narrow(cut.gpu, 400)
    const before = cut.gpu.liveBytes
    await expect(fit(cut.gpu, ratings, { ...settings({ factors: 100 }), epochs: 1 })).rejects.toThrow(
      LimitExceededError,
    )
    expect(cut.gpu.liveBytes).toBe(before)
  })
})

describe('a training over several shards', () => {
  const planted = plantedRatings({ users: 400, items: 150, entries: 5000, rank: 2, noise: 0.3, seed: 3 })
  const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 2 })
  const base: TrainOptions = {
    factors: 20,
    epochs: 6,
    seed: 3,
    solver: 'sgd',
    workers: 12,
    strata: 16,
    validationRatio: 0.1,
  }
  const bytes = 8000

  it.each([
    {},
    { precision: 'f16' },
    { patience: 1, epochs: 12, learningRate: 0.2 },
    { optimizer: 'sgd', learningRate: 0.02, biases: false },
  ] as const)('ends with the model of one shard: %j', async options => {
    const expected = await fit(wide.gpu, train, { ...base, ...options })
    narrow(cut.gpu, bytes)
    const actual = await fit(cut.gpu, train, { ...base, ...options })
    expect(actual.plan.shards).toBeGreaterThanOrEqual(3)
    expect(modelBytes(actual.model).equals(modelBytes(expected.model))).toBe(true)
    expect(actual.epoch).toBe(expected.epoch)
    expect(actual.epochs.map(({ validationRmse }) => validationRmse)).toEqual(
      expected.epochs.map(({ validationRmse }) => validationRmse),
    )
    const user = train.userIds.at(7)
    expect(await actual.model.evaluate(test)).toEqual(await expected.model.evaluate(test))
    expect(await actual.model.recommend(user)).toEqual(await expected.model.recommend(user))
    const loaded = Model.decode(Buffer.concat(actual.model.encode()), cut.gpu)
    expect(await loaded.recommend(user, { k: 3 })).toEqual(await expected.model.recommend(user, { k: 3 }))
    for (const model of [actual.model, expected.model, loaded]) model.destroy()
  })

  it('goes on from a checkpoint to the same bytes', async () => {
    narrow(cut.gpu, bytes)
    const whole = await fit(cut.gpu, train, base)
    const model = await fitInTwo(cut.gpu, train, base, 3)
    expect(modelBytes(model).equals(modelBytes(whole.model))).toBe(true)
  })
})

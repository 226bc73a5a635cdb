import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import type { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { LimitExceededError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { BprSolver } from '../../src/solvers/bpr.ts'
import type { BprOptions } from '../../src/solvers/bpr-options.ts'
import type { BprPlan } from '../../src/solvers/bpr-plan.ts'
import type { Room } from '../../src/solvers/entry-store.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { skewedRatings } from '../support/fused.ts'
import { narrow, useGpu, useNarrowGpu } from '../support/gpu.ts'
import { fitInTwo, modelBytes } from '../support/resume.ts'
import { normals } from '../support/scoring.ts'

const wide = useGpu()
const cut = useNarrowGpu()

const options: BprOptions = {
  factors: 6,
  seed: 4,
  userLearningRate: 0.05,
  itemLearningRate: 0.06,
  biasLearningRate: 0.04,
  userRegularization: 0.01,
  itemRegularization: 0.02,
  biasRegularization: 0.03,
  biases: true,
  negativePower: 0,
}

const planOf = (rounds: number, lanes: number, factors: number, change: Partial<BprPlan['variant']>): BprPlan => ({
  variant: { lanes, vecs: Math.ceil(Math.ceil(factors / 4) / lanes), subgroups: false, prefetch: false, ...change },
  slices: 4,
  rounds,
})

async function trainOn(on: Gpu, ratings: Ratings, given: BprOptions, plan: BprPlan, room?: Room) {
  const random = new Random(7)
  const initial = {
    userFactors: normals(random, ratings.userCount * given.factors, 0.1),
    itemFactors: normals(random, ratings.itemCount * given.factors, 0.1),
    userBias: new Float32Array(ratings.userCount),
    itemBias: normals(random, ratings.itemCount, 0.1),
  }
  const solver = await BprSolver.create(on, ratings, () => initial, given, plan, room)
  try {
    const sums = []
    for (let epoch = 0; epoch < 2; epoch++) sums.push(await solver.runEpoch({ epoch, rateScale: 1 / (1 + epoch) }))
    return {
      parameters: await solver.tables.read(on),
      losses: sums.map(({ squaredError }) => squaredError),
      penalties: sums.map(({ penalty }) => penalty),
      residency: solver.residency,
      shards: [solver.tables.users.shards.length, solver.tables.items.shards.length] as const,
    }
  } finally {
    solver.destroy()
  }
}

const anyChange: fc.Arbitrary<Partial<BprOptions>> = fc.record({
  biases: fc.boolean(),
  negativePower: fc.constantFrom(0, 0.75),
  only: fc.constantFrom(undefined, undefined, 'users', 'items'),
})

describe('the bpr solver over several shards', () => {
  it('trains to the bytes of one shard, whichever sides are cut', async () => {
    const met = new Set<string>()
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 20, max: 500 }),
        fc.integer({ min: 20, max: 500 }),
        fc.constantFrom(6, 20),
        fc.constantFrom(8, 16),
        fc.boolean(),
        anyChange,
        fc.integer({ min: 10_000, max: 20_000 }),
        async (seed, users, items, factors, rounds, prefetch, change, bytes) => {
          const ratings = skewedRatings(new Random(seed), 1500, users, items)
          const given = { ...options, factors, ...change }
          const plan = planOf(rounds, 2, factors, { prefetch })
          const expected = await trainOn(wide.gpu, ratings, given, plan)
          narrow(cut.gpu, bytes)
          const actual = await trainOn(cut.gpu, ratings, given, plan)
          met.add(actual.shards.map(count => count > 1).join())
          expect(expected.shards).toEqual([1, 1])
          expect(actual.parameters).toEqual(expected.parameters)
          expect(actual.losses).toEqual(expected.losses)
          actual.penalties.forEach((penalty, epoch) => {
            // Sums of squares, added in another order.
            expect(Math.abs(penalty / expected.penalties[epoch]! - 1)).toBeLessThan(1e-5)
          })
        },
      ),
      { seed: 5, numRuns: 25 },
    )
    expect(met.size).toBe(4)
  })

  it('trains chosen rows alone, wherever they lie', async () => {
    const ratings = skewedRatings(new Random(2), 2500, 200, 150)
    const plan = planOf(4, 2, 20, { subgroups: true })
    for (const only of ['users', 'items'] as const) {
      const given = { ...options, factors: 20, only, rows: Uint32Array.of(3, 149, 70, 71, 100) }
      narrow(cut.gpu, 2 ** 27)
      const expected = await trainOn(wide.gpu, ratings, given, plan)
      narrow(cut.gpu, 4000)
      const actual = await trainOn(cut.gpu, ratings, given, plan)
      expect(actual.shards).toEqual([4, 3])
      expect(actual.parameters).toEqual(expected.parameters)
      expect(actual.losses).toEqual(expected.losses)
    }
  })

  it.each([2 ** 27, 12_000])('streams entries to the bytes of resident ones, where a binding takes %i', async bytes => {
    const ratings = skewedRatings(new Random(2), 2500, 200, 150)
    const plan = planOf(8, 2, 20, {})
    for (const change of [{}, { only: 'items', negativePower: 0.75 }, { only: 'users' }] as const) {
      const given = { ...options, factors: 20, ...change }
      const expected = await trainOn(wide.gpu, ratings, given, plan)
      narrow(cut.gpu, bytes)
      const actual = await trainOn(cut.gpu, ratings, given, plan, { entryBytes: 14_000 })
      expect([expected.residency.streamed, actual.residency.streamed]).toEqual([false, true])
      expect(actual.residency.bytes).toBeLessThanOrEqual(14_000)
      expect(actual.residency.loadsPerEpoch).toBeGreaterThan(8)
      expect(actual.parameters).toEqual(expected.parameters)
      expect(actual.losses).toEqual(expected.losses)
    }
  })

  it('refuses rows of too many samples a round', async () => {
    const ratings = skewedRatings(new Random(1), 3000, 200, 20)
    narrow(cut.gpu, 8000)
    const before = cut.gpu.liveBytes
    const heavy = trainOn(cut.gpu, ratings, { ...options, factors: 100 }, planOf(2, 2, 100, {}))
    await expect(heavy).rejects.toThrow(LimitExceededError)
    await expect(heavy).rejects.toThrow('samples of one of the items in a round')
    expect(cut.gpu.liveBytes).toBe(before)
  })
})

describe('a training that ranks over several shards', () => {
  const planted = plantedRatings({ users: 400, items: 150, entries: 5000, rank: 2, noise: 0.3, seed: 3 })
  const { train } = splitRandom(planted.ratings, { ratio: 0.1, seed: 2 })
  const base: TrainOptions = { model: 'bpr', factors: 20, epochs: 4, seed: 3, validationRatio: 0.1 }

  it.each([{}, { negativePower: 0.75, biases: false, patience: 1 }] as const)(
    'ends with the model of one shard: %j',
    async given => {
      const expected = await fit(wide.gpu, train, { ...base, ...given })
      narrow(cut.gpu, 8000)
      const actual = await fit(cut.gpu, train, { ...base, ...given })
      expect([expected.plan.shards, actual.plan.shards]).toEqual([undefined, 6])
      expect(modelBytes(actual.model).equals(modelBytes(expected.model))).toBe(true)
      const reports = ({ epochs }: typeof actual) =>
        epochs.map(({ validationNdcg, trainLoss }) => [validationNdcg, trainLoss])
      expect(reports(actual)).toEqual(reports(expected))
      const user = train.userIds.at(7)
      expect(await actual.model.recommend(user)).toEqual(await expected.model.recommend(user))
      for (const model of [actual.model, expected.model]) model.destroy()
    },
  )

  it('goes on from a checkpoint to the same bytes', async () => {
    narrow(cut.gpu, 8000)
    const whole = await fit(cut.gpu, train, base)
    const model = await fitInTwo(cut.gpu, train, base, 2)
    expect(modelBytes(model).equals(modelBytes(whole.model))).toBe(true)
  })
})

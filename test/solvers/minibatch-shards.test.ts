import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { splitRandom } from '../../src/data/split.ts'
import { LimitExceededError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { Room } from '../../src/solvers/entry-store.ts'
import { MinibatchSolver } from '../../src/solvers/minibatch.ts'
import { fit } from '../../src/train/fit.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { resolveOptions, type TrainOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'
import { narrow, useGpu, useNarrowGpu } from '../support/gpu.ts'
import { fitInTwo, modelBytes } from '../support/resume.ts'

const wide = useGpu()
const cut = useNarrowGpu()

/** 83 rows of 20 factors and a bias, 666 entries: 5 and 2 shards, and several chunks of batches. */
const bytes = 8000
const planted = plantedRatings({ users: 400, items: 150, entries: 5000, rank: 2, noise: 0.3, seed: 3 })
const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 2 })
const base = { solver: 'minibatch', factors: 20, batchSize: 70, seed: 3 } as const
const optimizers = ['sgd', 'momentum', 'adagrad', 'adam', 'sparse-adam'] as const

async function trainOn(on: Gpu, given: TrainOptions, room?: Room) {
  const options = resolveOptions({ ...base, ...given })
  const own = { ...options, optimizer: options.optimizer }
  const initial = () => initialParameters(train, options)
  const solver = await MinibatchSolver.create(on, train, scaleOf(train, options), initial, own, room)
  try {
    const sums = []
    for (let epoch = 0; epoch < 2; epoch++) sums.push(await solver.runEpoch({ epoch, rateScale: 1 / (1 + epoch) }))
    return {
      parameters: await solver.tables.read(on),
      losses: sums.map(({ squaredError }) => squaredError),
      penalties: sums.map(({ penalty }) => penalty),
      state: await solver.state.read(),
      plan: solver.plan,
      residency: solver.residency,
    }
  } finally {
    solver.destroy()
  }
}

describe.each(optimizers)('mini-batches over several shards, with %s', optimizer => {
  it.each([
    { given: {}, narrowed: bytes, shards: 7 },
    { given: { biases: false, penalty: 'frobenius', factors: 22 }, narrowed: bytes, shards: 7 },
    // One side alone, rows of one vec4, batches that have a chunk each.
    { given: { link: 'bounded', factors: 3, batchSize: 300 }, narrowed: 8000, shards: 3 },
    // A batch of all entries, with heavy rows.
    { given: { factors: 5, batchSize: 4500 }, narrowed: 54_000, shards: undefined },
  ] as const)('trains to the bytes of one shard: $given', async ({ given, narrowed, shards }) => {
    const expected = await trainOn(wide.gpu, { ...given, optimizer })
    narrow(cut.gpu, narrowed)
    const actual = await trainOn(cut.gpu, { ...given, optimizer })
    expect([expected.plan.shards, actual.plan.shards]).toEqual([undefined, shards])
    expect(actual.parameters).toEqual(expected.parameters)
    expect(actual.losses).toEqual(expected.losses)
    actual.penalties.forEach((penalty, epoch) => {
      // Sums of squares, added in another order.
      expect(Math.abs(penalty / expected.penalties[epoch]! - 1)).toBeLessThan(1e-5)
    })
    for (const [name, whole] of expected.state) {
      const parts = [...actual.state].filter(([key]) => key === name || key.startsWith(`${name} `))
      expect(Buffer.concat(parts.map(([, part]) => part)).equals(whole)).toBe(true)
    }
  })
})

describe.each(optimizers)('mini-batches whose entries are streamed, with %s', optimizer => {
  it.each([bytes, 2 ** 27])('train to the bytes of resident ones, where a binding takes %i', async narrowed => {
    const expected = await trainOn(wide.gpu, { optimizer })
    narrow(cut.gpu, narrowed)
    const actual = await trainOn(cut.gpu, { optimizer }, { entryBytes: 25_000 })
    expect(expected.residency.streamed).toBe(false)
    expect(actual.residency.streamed).toBe(true)
    expect(actual.residency.loadsPerEpoch).toBeGreaterThan(5)
    expect(actual.residency.bytes).toBeLessThanOrEqual(25_000)
    expect(actual.parameters).toEqual(expected.parameters)
    expect(actual.losses).toEqual(expected.losses)
  })
})

describe('a training by mini-batches over several shards', () => {
  it.each([
    { optimizer: 'adam', validationRatio: 0.1 },
    { optimizer: 'adagrad', schedule: 'bold', learningRate: 0.3, epochs: 8 },
    { optimizer: 'momentum', patience: 1, validationRatio: 0.1, epochs: 12, learningRate: 0.02 },
  ] as const)('ends with the model of one shard: %j', async given => {
    const options = { ...base, epochs: 4, ...given }
    const expected = await fit(wide.gpu, train, options)
    narrow(cut.gpu, bytes)
    const actual = await fit(cut.gpu, train, options)
    expect(actual.plan.shards).toBe(7)
    expect(modelBytes(actual.model).equals(modelBytes(expected.model))).toBe(true)
    const user = train.userIds.at(7)
    expect(await actual.model.evaluate(test)).toEqual(await expected.model.evaluate(test))
    expect(await actual.model.recommend(user)).toEqual(await expected.model.recommend(user))
    for (const model of [actual.model, expected.model]) model.destroy()
  })

  it.each(['adam', 'adagrad'] as const)('goes on from a checkpoint to the same bytes: %s', async optimizer => {
    narrow(cut.gpu, bytes)
    const options = { ...base, optimizer, epochs: 5 }
    const whole = await fit(cut.gpu, train, options)
    const model = await fitInTwo(cut.gpu, train, options, 3)
    expect(modelBytes(model).equals(modelBytes(whole.model))).toBe(true)
  })

  it('refuses a batch that does not fit a buffer, before anything is allocated, and names one that does', async () => {
    narrow(cut.gpu, bytes)
    const before = cut.gpu.liveBytes
    const options: TrainOptions = { ...base, optimizer: 'adam', batchSize: 667 }
    const tooLarge = fit(cut.gpu, train, options)
    await expect(tooLarge).rejects.toThrow(LimitExceededError)
    await expect(tooLarge).rejects.toThrow(/-gradient needs maxStorageBufferBindingSize = \d+, the device has 8000; /)
    expect(cut.gpu.liveBytes).toBe(before)
    const batchSize = Number(/take batches of (\d+)$/.exec(((await tooLarge.catch(String)) as string).trim())![1])
    expect(batchSize).toBeGreaterThan(20)
    const { model } = await fit(cut.gpu, train, { ...options, batchSize, epochs: 1 })
    model.destroy()
    await expect(fit(cut.gpu, train, { ...options, batchSize: 4 * batchSize })).rejects.toThrow(LimitExceededError)
  })
})

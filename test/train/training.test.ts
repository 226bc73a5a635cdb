import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { AbortedError, DeviceLostError, InputError, LimitExceededError, OptionError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { type FitResult, Training } from '../../src/train/training.ts'
import { openTestGpu } from '../support/gpu.ts'

describe('training', () => {
  let gpu: Gpu
  beforeAll(async () => {
    gpu = await openTestGpu()
  })
  afterAll(() => gpu.destroy())

  const planted = plantedRatings({ users: 100, items: 60, entries: 2000, rank: 2, noise: 0.5, seed: 2 })
  const { train, test } = splitRandom(planted.ratings, { ratio: 0.2, seed: 1 })
  const base: TrainOptions = { factors: 8, epochs: 5, batchSize: 128, seed: 1 }

  it('reports each epoch once, in order, to the callback and to a loop', async () => {
    const heard: number[] = []
    const { epochs } = await fit(gpu, train, { ...base, onEpoch: report => heard.push(report.epoch) })
    expect(heard).toEqual([1, 2, 3, 4, 5])
    const looped: number[] = []
    const training = new Training(gpu, train, base)
    for await (const report of training) looped.push(report.trainLoss)
    const result = await training.finish()
    expect(looped).toEqual(epochs.map(report => report.trainLoss))
    expect(result.epochs).toHaveLength(5)
    expect(await training.finish()).toBe(result)
    expect(await training.step()).toBeUndefined()
  })

  it('gives the state so far when a loop is left early', async () => {
    const training = new Training(gpu, train, base)
    for await (const report of training) if (report.epoch === 2) break
    const { model, epoch } = await training.finish()
    const two = await fit(gpu, train, { ...base, epochs: 2 })
    expect(epoch).toBe(2)
    expect(model.parts.itemFactors).toEqual(two.model.parts.itemFactors)
  })

  it('measures the loss that it minimises', async () => {
    // At a rate of nearly nothing the epoch passes the initial state throughout.
    const { epochs, model } = await fit(gpu, train, {
      ...base,
      optimizer: 'sgd',
      learningRate: 1e-12,
      epochs: 1,
      clip: false,
    })
    const { rmse } = await model.evaluate(train)
    expect(Math.sqrt(epochs[0]!.trainLoss)).toBeCloseTo(rmse, 5)
    const { userFactors, itemFactors, options } = model.parts
    const users = count(train.users)
    const items = count(train.items)
    const lambda = options.regularization as number
    const penalty = weighted(userFactors, users, 8) + weighted(itemFactors, items, 8)
    expect(epochs[0]!.objective - epochs[0]!.trainLoss).toBeCloseTo((lambda * penalty) / train.length, 5)
  })

  it('restores the best epoch by validation and stops when patience is out', async () => {
    // Without a penalty and with a high rate it overfits soon.
    const settings: TrainOptions = {
      ...base,
      optimizer: 'sgd',
      learningRate: 0.1,
      regularization: 0,
      epochs: 60,
      initStd: 0.3,
    }
    const { epochs, epoch, model } = await fit(gpu, train, { ...settings, patience: 4, validation: test })
    const errors = epochs.map(report => report.validationRmse!)
    const best = errors.indexOf(Math.min(...errors)) + 1
    expect(epoch).toBe(best)
    expect(epochs).toHaveLength(best + 4)
    expect(epochs.length).toBeLessThan(60)
    expect((await model.evaluate(test)).rmse).toBe(errors[best - 1])
  })

  it('gives what ended it from finish, and never starts anew', async () => {
    const stop = new AbortController()
    const training = new Training(gpu, train, { ...base, signal: stop.signal })
    await training.step()
    stop.abort()
    const before = await training.step().catch((error: unknown) => error)
    expect(before).toBeInstanceOf(AbortedError)
    await expect(training.finish()).rejects.toBe(before)
  })

  it('frees the GPU when a callback throws', async () => {
    await fit(gpu, train, { ...base, epochs: 1 })
    const before = gpu.liveBytes
    const throwing = () => {
      throw new TypeError('mine')
    }
    await expect(fit(gpu, train, { ...base, onEpoch: throwing })).rejects.toThrow('mine')
    expect(gpu.liveBytes).toBe(before)
  })

  it('refuses patience and validation without entries', async () => {
    await expect(fit(gpu, train, { ...base, patience: 2 })).rejects.toThrow(/"patience" needs validation/)
    const none = train.select(new Uint32Array(0))
    await expect(fit(gpu, train, { ...base, validation: none })).rejects.toBeInstanceOf(OptionError)
  })

  it('tells how the work is cut before the first epoch, and frees it where there is none', async () => {
    await fit(gpu, train, { factors: 8, epochs: 1 })
    const before = gpu.liveBytes
    const training = new Training(gpu, train, { factors: 8, workers: 3 })
    expect(await training.prepare()).toMatchObject({ reproducible: true, workers: 3 })
    expect(gpu.liveBytes).toBeGreaterThan(before)
    training.destroy()
    expect(gpu.liveBytes).toBe(before)
    const ended = new Training(gpu, train, { factors: 8, epochs: 1, workers: 4 })
    await ended.step()
    const { plan } = await ended.finish()
    expect(await ended.prepare()).toBe(plan)
  })

  it('keeps validation entries out of the training', async () => {
    const one = await fit(gpu, train, { ...base, validationRatio: 0.25 })
    expect(one.epochs[0]!.validationRmse).toBeGreaterThan(0)
    const whole = await fit(gpu, train, base)
    expect(one.epochs[0]!.trainLoss).not.toBe(whole.epochs[0]!.trainLoss)
    await expect(fit(gpu, train, { ...base, validationRatio: 0.2, validation: test })).rejects.toBeInstanceOf(
      OptionError,
    )
  })

  it.each([
    ['constant', [1, 1, 1, 1, 1]],
    ['inverse', [1, 1 / 1.1, 1 / 1.2, 1 / 1.3, 1 / 1.4]],
    ['cosine', [0, 1, 2, 3, 4].map(t => (1 + Math.cos((Math.PI * t) / 5)) / 2)],
  ] as const)('follows the %s schedule', async (schedule, scales) => {
    const { epochs } = await fit(gpu, train, { ...base, schedule })
    expect(epochs.map(report => report.rateScale)).toEqual(scales)
    const rates = new Set(epochs.map(report => report.trainLoss))
    expect(rates.size).toBe(5)
  })

  it('drives boldly: up while the objective falls, half when it rises', async () => {
    const { epochs } = await fit(gpu, train, {
      ...base,
      optimizer: 'sgd',
      learningRate: 0.11,
      epochs: 30,
      schedule: 'bold',
    })
    let rose = 0
    for (let t = 2; t < epochs.length; t++) {
      const fell = epochs[t - 1]!.objective < epochs[t - 2]!.objective
      if (!fell) rose++
      expect(epochs[t]!.rateScale / epochs[t - 1]!.rateScale).toBeCloseTo(fell ? 1.05 : 0.5, 10)
    }
    expect(epochs[1]!.rateScale).toBe(1)
    expect(rose).toBeLessThan(28)
  })

  it('predicts inside of the range under the bounded link, from the mean on', async () => {
    const options: TrainOptions = { ...base, link: 'bounded', learningRate: 0.05, regularization: 0.01, epochs: 40 }
    const { model } = await fit(gpu, train, { ...options, clip: false })
    const { min, max } = model.parts.range
    const predicted = await model.predictMany(ids(train, 'user'), ids(train, 'item'))
    expect(Math.min(...predicted)).toBeGreaterThan(min)
    expect(Math.max(...predicted)).toBeLessThan(max)
    const start = await fit(gpu, train, { ...options, epochs: 0 })
    const mean = train.values.reduce((sum, value) => sum + value, 0) / train.length
    expect(start.model.predict('nobody', 'nothing')).toBeCloseTo(mean, 4)
    expect((await model.evaluate(test)).rmse).toBeLessThan((await start.model.evaluate(test)).rmse)
  })

  it('trains the plain model, without biases and mean', async () => {
    const { model } = await fit(gpu, train, {
      ...base,
      biases: false,
      globalMean: false,
      learningRate: 0.3,
      epochs: 30,
    })
    expect(model.parts.userBias).toBeUndefined()
    expect(model.parts.mean).toBe(0)
    expect((await model.evaluate(test)).rmse).toBeLessThan(1.2)
  })

  it('moves a side only at its own rate', async () => {
    const start = await fit(gpu, train, { ...base, epochs: 0 })
    const still = await fit(gpu, train, { ...base, userLearningRate: 0, biasLearningRate: 0 })
    expect(still.model.parts.userFactors).toEqual(start.model.parts.userFactors)
    expect(still.model.parts.itemBias).toEqual(start.model.parts.itemBias)
    expect(still.model.parts.itemFactors).not.toEqual(start.model.parts.itemFactors)
  })

  it('shrinks what is penalised more', async () => {
    const size = (rows: Float32Array) => rows.reduce((sum, value) => sum + value * value, 0)
    const settings = { ...base, epochs: 20 }
    const light = await fit(gpu, train, { ...settings, itemRegularization: 0.01 })
    const heavy = await fit(gpu, train, { ...settings, itemRegularization: 1 })
    expect(size(heavy.model.parts.itemFactors)).toBeLessThan(0.5 * size(light.model.parts.itemFactors))
    const weak = await fit(gpu, train, { ...settings, penalty: 'frobenius' })
    const strong = await fit(gpu, train, { ...settings, penalty: 'weighted' })
    expect(size(strong.model.parts.userFactors)).toBeLessThan(size(weak.model.parts.userFactors))
  })

  it('rejects with the last finished epoch when the device is lost', async () => {
    const own = await openTestGpu()
    const error = await fit(own, train, {
      ...base,
      epochs: 50,
      onEpoch: e => e.epoch === 3 && own.device.destroy(),
    }).then(
      () => undefined,
      (caught: unknown) => caught,
    )
    expect(error).toBeInstanceOf(DeviceLostError)
    const { epoch, result } = error as DeviceLostError<FitResult>
    expect(epoch).toBe(3)
    const three = await fit(gpu, train, { ...base, epochs: 3 })
    expect(result!.model.parts.userFactors).toEqual(three.model.parts.userFactors)
    own.destroy()
  })

  it('refuses what does not fit before it allocates anything', async () => {
    const before = gpu.liveBytes
    const big = Array.from({ length: 300_000 }, (_, i) => i)
    const many = Ratings.from(
      big,
      big.map(() => 0),
      big.map(i => i % 5),
    )
    const created = vi.spyOn(gpu.device, 'createBuffer')
    try {
      const tooLarge = fit(gpu, many, { ...base, factors: 512, memory: 1000 })
      await expect(tooLarge).rejects.toBeInstanceOf(LimitExceededError)
      expect(created).not.toHaveBeenCalled()
    } finally {
      created.mockRestore()
    }
    expect(gpu.liveBytes).toBe(before)
  })

  it('refuses ratings with unknown users', async () => {
    const strangers = train.alignTo(Ratings.from(['x'], ['y'], [1]).userIds, train.itemIds)
    await expect(fit(gpu, strangers, base)).rejects.toBeInstanceOf(InputError)
  })

  it('trains twice at once on one device without mixing anything up', async () => {
    const alone = await fit(gpu, train, base)
    const [a, b] = await Promise.all([fit(gpu, train, base), fit(gpu, train, { ...base, seed: 99 })])
    expect(a.model.parts.userFactors).toEqual(alone.model.parts.userFactors)
    expect(b.model.parts.userFactors).not.toEqual(alone.model.parts.userFactors)
  })
})

const count = (rows: Uint32Array) => {
  const counts = new Map<number, number>()
  for (const row of rows) counts.set(row, (counts.get(row) ?? 0) + 1)
  return counts
}

/** sum over rows of count * |row|^2 */
function weighted(factors: Float32Array, counts: Map<number, number>, k: number): number {
  let sum = 0
  for (const [row, n] of counts) {
    for (let j = 0; j < k; j++) sum += n * factors[row * k + j]! ** 2
  }
  return sum
}

function ids(ratings: Ratings, side: 'user' | 'item') {
  return side === 'user'
    ? Array.from(ratings.users, user => ratings.userIds.at(user))
    : Array.from(ratings.items, item => ratings.itemIds.at(item))
}

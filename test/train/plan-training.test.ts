import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { rowCounts } from '../../src/data/row-counts.ts'
import { splitRandom } from '../../src/data/split.ts'
import { LimitExceededError, OptionError } from '../../src/errors.ts'
import { calibrate } from '../../src/train/calibration.ts'
import { fit } from '../../src/train/fit.ts'
import { memoryOf, shapeOf } from '../../src/train/memory.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { planTraining } from '../../src/train/plan-training.ts'
import { samplingsOf } from '../../src/train/samples.ts'
import { Training } from '../../src/train/training.ts'
import { setUp } from '../../src/train/training-setup.ts'
import { useGpu } from '../support/gpu.ts'

const context = useGpu()
const { ratings } = plantedRatings({ users: 700, items: 300, entries: 30_000, rank: 3, seed: 9 })

const trainings: TrainOptions[] = [
  { factors: 8, validationRatio: 0.1 },
  { factors: 8, solver: 'minibatch', batchSize: 500, onDivergence: 'halve-rate' },
  { factors: 8, solver: 'als' },
  { factors: 8, model: 'implicit', validationRatio: 0.1 },
  { factors: 8, model: 'bpr' },
]

describe('the plan of a training', () => {
  it.each(trainings)('tells memory, work and time, and leaves nothing on the GPU: %j', async options => {
    const { gpu } = context
    const staged = gpu.liveBytes
    const plan = await planTraining(gpu, ratings, { seed: 2, ...options })
    expect(gpu.liveBytes - staged).toBeLessThan(2 ** 20)
    const setup = setUp(ratings, { seed: 2, ...options }, {})
    const memory = memoryOf(shapeOf(setup), setup.options, gpu.capabilities)
    expect(plan.gpuBytes).toEqual({ ...memory.bytes, total: memory.total, least: memory.least })
    expect(plan.options).toEqual(setup.options)
    expect(plan.entries.train + plan.entries.validation).toBe(ratings.length)
    expect(plan.streamed).toBe(false)
    expect(plan.secondsPerEpoch).toBeGreaterThan(0)
    expect(plan.secondsPerEpoch).toBeLessThan(60)
    expect(plan.hostBytes.total).toBeGreaterThan(12 * ratings.length)
    // The same cut as the training's own.
    const { plan: cut } = await fit(gpu, ratings, { seed: 2, epochs: 0, ...options })
    const batches = options.solver === 'minibatch' ? Math.ceil(ratings.length / 500) : 0
    const steps = ['strata', 'rounds', 'userBlocks', 'itemBlocks'].map(name => Number(cut[name] ?? 0))
    expect(plan.steps.count).toBe(steps.reduce((sum, count) => sum + count, batches))
  })

  it('does without a calibration', async () => {
    expect((await planTraining(context.gpu, ratings, { calibrate: false })).secondsPerEpoch).toBeUndefined()
  })

  it('is that of validation entries of its own, and of a model that it goes on from', async () => {
    const { train, test } = splitRandom(ratings, { ratio: 0.2, seed: 1 })
    const own = await planTraining(context.gpu, train, { validation: test, calibrate: false })
    expect(own.entries).toEqual({ train: train.length, validation: test.length })
    const { model } = await fit(context.gpu, train, { factors: 12, epochs: 1 })
    expect((await planTraining(context.gpu, ratings, { from: model, calibrate: false })).options.factors).toBe(12)
  })

  it('is refused as the training would be', async () => {
    const plan = (options: TrainOptions) => planTraining(context.gpu, ratings, options)
    await expect(plan({ factors: 0 })).rejects.toThrow(OptionError)
    await expect(planTraining(context.gpu, ratings, { memory: 1, factors: 256 })).rejects.toThrow(LimitExceededError)
  })

  it('ends where it is aborted', async () => {
    const reason = new Error('no more')
    const setup = setUp(ratings, {}, {})
    await expect(calibrate(context.gpu, setup, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})

describe('samples of an epoch', () => {
  it.each(trainings)('are parts of it that grow to the whole: %j', options => {
    const { train, options: resolved } = setUp(ratings, { seed: 2, ...options }, {})
    const whole = { train, options: resolved, counts: rowCounts(train), entries: train.length }
    for (const { units, least, take } of samplingsOf(whole, context.gpu.capabilities)) {
      expect(take(units).entries).toBe(train)
      const small = take(least)
      expect(small.units / units).toBeCloseTo(small.entries.length / train.length, 1)
      expect(small.entries.userIds).toBe(train.userIds)
      expect(small.units).toBeLessThan(units)
    }
  })
})

describe('the plan of a training whose entries are streamed', () => {
  it.each([
    { factors: 8, strata: 12 },
    { factors: 8, strata: 12, precision: 'f16', validationRatio: 0.1 },
  ] as const)('keeps to the memory that there may be: %j', async options => {
    const { gpu } = context
    const whole = await planTraining(gpu, ratings, { ...options, calibrate: false })
    const memory = (whole.gpuBytes.least + whole.gpuBytes.total) / 2 / 2 ** 20
    const plan = await planTraining(gpu, ratings, { ...options, memory })
    expect(plan.streamed).toBe(true)
    expect(plan.gpuBytes.total).toBeLessThanOrEqual(memory * 2 ** 20)
    expect(plan.gpuBytes.entries).toBeLessThan(whole.gpuBytes.entries)
    expect(plan.secondsPerEpoch).toBeGreaterThan(0)
    const training = new Training(gpu, ratings, { ...options, memory, epochs: 1 })
    await training.prepare()
    expect(training.residency?.streamed).toBe(true)
    training.destroy()
  })
})

import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import type { Ratings } from '../../src/data/ratings.ts'
import { LimitExceededError, OptionError, OutOfMemoryError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { Checkpoint } from '../../src/train/checkpoint.ts'
import { memoryOf, shapeOf, type TrainingMemory } from '../../src/train/memory.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { type FitResult, Training, type TrainingExtras } from '../../src/train/training.ts'
import { setUp } from '../../src/train/training-setup.ts'
import { narrow, onOwnGpu, openTestGpu } from '../support/gpu.ts'
import { withMemory } from '../support/gpu-memory.ts'

const { ratings } = plantedRatings({ users: 500, items: 300, entries: 40_000, rank: 2, noise: 0.3, seed: 3 })
const base: TrainOptions = { factors: 8, epochs: 3, seed: 1, validationRatio: 0.1, workers: 3, strata: 24 }

/** Items with so many entries that a block does not take all of them. */
const popular = plantedRatings({ users: 1500, items: 100, entries: 20_000, rank: 2, noise: 0.3, seed: 3 }).ratings

const few = plantedRatings({ users: 220, items: 150, entries: 6000, rank: 2, noise: 0.3, seed: 3 }).ratings

type Given = TrainOptions & TrainingExtras & { binding?: number; data?: Ratings }

const trainings: [string, Given][] = [
  ['fused', base],
  ['fused in halves, with replicas', { ...base, precision: 'f16', workers: 24, data: popular }],
  ['fused over several shards', { ...base, factors: 40, workers: 8, binding: 24_000 }],
  // Two blocks of entries a side on any device; factors that lie in one buffer.
  [
    'als, ranked',
    { factors: 100, epochs: 1, seed: 1, model: 'implicit', rowSolver: 'exact', validationRatio: 0.1, binding: 250_000 },
  ],
  ['validated in several pieces', { ...base, binding: 24_000 }],
  ['mini-batches', { factors: 8, epochs: 3, seed: 1, solver: 'minibatch', optimizer: 'adam', batchSize: 1000 }],
  [
    'mini-batches over several shards',
    { factors: 20, epochs: 3, seed: 1, solver: 'minibatch', batchSize: 300, binding: 24_000 },
  ],
  ['bpr', { factors: 8, epochs: 1, seed: 1, model: 'bpr' }],
  [
    'bpr over several shards',
    { factors: 20, epochs: 1, seed: 1, model: 'bpr', negativePower: 0.5, binding: 11_000, data: few },
  ],
  ['resumable, at a rate that is halved', { ...base, learningRate: 9, onDivergence: 'halve-rate', resumable: true }],
]

const bytesOf = ({ model }: FitResult) => Buffer.concat(model.encode())

function needs(gpu: Gpu, { binding: _, data = ratings, resumable, ...own }: Given): TrainingMemory {
  const setup = setUp(data, own, {})
  return memoryOf(shapeOf(setup), setup.options, gpu.capabilities, { resumable })
}

/** A training to its end, in no more memory than there is. */
async function train(gpu: Gpu, { binding: _, data = ratings, ...options }: Given, most = Number.POSITIVE_INFINITY) {
  return await withMemory(gpu, most, async watched => {
    const training = new Training(gpu, data, options)
    try {
      while ((await training.step()) !== undefined);
      const { residency } = training
      const result = await training.finish()
      return { bytes: bytesOf(result), plan: result.plan, residency: residency!, ...watched }
    } finally {
      training.destroy()
    }
  })
}

const MiB = 2 ** 20

describe('a training that is told how much memory there is', () => {
  it.each(trainings)('keeps to it, down to the least, and ends with the same model: %s', async (name, given) => {
    await onOwnGpu(async gpu => {
      const { binding } = given
      if (binding !== undefined) narrow(gpu, binding)
      const { total, least } = needs(gpu, given)
      const all = await train(gpu, given)
      expect(all.residency.streamed).toBe(false)
      if (name.endsWith('replicas')) expect(all.plan.replicas).toBeGreaterThan(0)
      if (name.endsWith('shards')) expect(all.plan.shards).toBeGreaterThan(2)
      for (const most of [total, (total + least) / 2, least + 3000, least]) {
        const bound = await train(gpu, { ...given, memory: most / MiB })
        expect(bound.peak).toBeLessThanOrEqual(most)
        expect(bound.residency.streamed).toBe(most < total)
        expect(bound.bytes.equals(all.bytes)).toBe(true)
      }
      const before = { live: gpu.liveBytes, created: 0 }
      const { device } = gpu
      const { createBuffer } = device
      device.createBuffer = descriptor => {
        before.created++
        return createBuffer.call(device, descriptor)
      }
      const refused = await train(gpu, { ...given, memory: (least - 1) / MiB }).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(LimitExceededError)
      expect(refused).toMatchObject({ limit: 'memory', needed: least, available: least - 1 })
      expect((refused as LimitExceededError).message).toMatch(
        /take \d+ factors at most|choose neither workers nor strata/,
      )
      expect(before.created).toBe(0)
    })
  })

  it.each([0, -1, Number.NaN, '5'])('refuses %j MiB', async memory => {
    await onOwnGpu(async gpu => {
      const create = () => new Training(gpu, ratings, { ...base, memory: memory as number })
      expect(create).toThrow(OptionError)
      expect(create).toThrow('"memory" must be a number of MiB above 0')
    })
  })
})

describe('a GPU that is out of memory', () => {
  it.each(trainings)('gets the entries in pieces, to the same model: %s', async (_, given) => {
    await onOwnGpu(async gpu => {
      const { binding } = given
      if (binding !== undefined) narrow(gpu, binding)
      const { total, least } = needs(gpu, given)
      const all = await train(gpu, given)
      // What batches take is known in the mean.
      const ownLeast = all.ownPeak - (total - least) + (given.solver === 'minibatch' ? 10_000 : 0)
      const before = gpu.liveBytes
      const seen: string[] = []
      gpu.device.addEventListener('uncapturederror', event => {
        event.preventDefault()
        seen.push(event.error.message)
      })
      const spare = all.ownPeak - ownLeast
      for (const most of [ownLeast + spare / 2, ownLeast + spare / 8, ownLeast]) {
        const actual = await train(gpu, given, most)
        expect(actual.residency.streamed).toBe(true)
        expect(actual.bytes.equals(all.bytes)).toBe(true)
      }
      // Where entries are in more pieces, bpr has smaller blocks of rows and less room for their samples, too.
      const tooLittle = ownLeast - (given.model === 'bpr' ? ownLeast / 3 : 40_000)
      const failed = await train(gpu, given, tooLittle).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(OutOfMemoryError)
      expect((failed as Error).message).toMatch(
        /needs \d+ bytes at least, with its entries streamed; take fewer factors/,
      )
      expect(gpu.liveBytes).toBe(before)
      await gpu.idle()
      expect(seen).toEqual([])
    })
  })
})

describe('a lost device', () => {
  it.each([12, 40, 75])('is replaced in a training with streamed entries: at submit %i', async at => {
    await onOwnGpu(async gpu => {
      const { least } = needs(gpu, base)
      const whole = await train(gpu, base)
      const { queue } = gpu.device
      const { submit } = queue
      let submits = 0
      queue.submit = commands => {
        submit.call(queue, commands)
        if (++submits === at) gpu.device.destroy()
      }
      const other = await openTestGpu()
      let asked = 0
      const reopen = async () => {
        asked++
        return other
      }
      const end = await train(gpu, { ...base, memory: least / MiB, reopen })
      expect(asked).toBe(1)
      expect(end.residency.streamed).toBe(true)
      expect(end.bytes.equals(whole.bytes)).toBe(true)
      other.destroy()
    })
  })
})

describe('a checkpoint', () => {
  it.each([
    [undefined, 1],
    [1, undefined],
  ])('of a training in %j MiB goes on in %j', async (first, second) => {
    await onOwnGpu(async gpu => {
      const { least } = needs(gpu, { ...base, resumable: true })
      const memory = (share: number | undefined) => (share === undefined ? {} : { memory: (share * least) / MiB })
      const whole = await train(gpu, base)
      const begun = new Training(gpu, ratings, { ...base, resumable: true, ...memory(first) })
      await begun.step()
      const file = Buffer.concat(await (await begun.checkpoint()).encode())
      begun.destroy()
      const resume = await Checkpoint.decode(file)
      const end = await train(gpu, { ...base, resume, resumable: true, ...memory(second) })
      expect(end.residency.streamed).toBe(second !== undefined)
      expect(end.bytes.equals(whole.bytes)).toBe(true)
    })
  })
})

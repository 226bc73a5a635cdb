import { describe, expect, it, vi } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import type { Ratings } from '../../src/data/ratings.ts'
import { LimitExceededError } from '../../src/errors.ts'
import { fit } from '../../src/train/fit.ts'
import { memoryOf, shapeOf, type TrainingMemory } from '../../src/train/memory.ts'
import { checkMemory } from '../../src/train/memory-check.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { Training, type TrainingExtras } from '../../src/train/training.ts'
import { setUp } from '../../src/train/training-setup.ts'
import { narrow, sharing, useGpu } from '../support/gpu.ts'

const context = useGpu()

/** As planned, and the most that buffers held at once in two epochs. */
async function planAndTrain(
  ratings: Ratings,
  options: TrainOptions,
  { bindingBytes, ...extras }: TrainingExtras & { bindingBytes?: number | undefined } = {},
): Promise<{ planned: TrainingMemory; peak: number }> {
  const { device } = context.gpu
  const createBuffer = device.createBuffer
  let peak = 0
  // A ledger and staging buffers of its own.
  const gpu = sharing(context.gpu)
  if (bindingBytes !== undefined) narrow(gpu, bindingBytes)
  device.createBuffer = descriptor => {
    peak = Math.max(peak, gpu.liveBytes + descriptor.size)
    return createBuffer.call(device, descriptor)
  }
  try {
    const training = new Training(gpu, ratings, { epochs: 2, seed: 3, ...options, ...extras })
    for await (const _ of training) {
      // only what it allocates is of interest
    }
    training.destroy()
    const setup = setUp(ratings, { seed: 3, ...options }, extras)
    return { planned: memoryOf(shapeOf(setup), setup.options, gpu.capabilities, extras), peak }
  } finally {
    device.createBuffer = createBuffer
    gpu.destroy()
  }
}

const wide = plantedRatings({ users: 900, items: 240, entries: 20_000, rank: 4, seed: 5 }).ratings
const tall = plantedRatings({ users: 60, items: 2000, entries: 9000, rank: 4, seed: 6 }).ratings
const popular = plantedRatings({ users: 3000, items: 40, entries: 30_000, rank: 4, seed: 7 }).ratings

const trainings: TrainOptions[] = [
  {},
  { factors: 7, biases: false, optimizer: 'sgd', validationRatio: 0.2 },
  { factors: 33, precision: 'f16', onDivergence: 'halve-rate' },
  { solver: 'als', factors: 20 },
  { solver: 'als', factors: 9, rowSolver: 'exact', biases: false, validationRatio: 0.1 },
  { model: 'implicit', factors: 16 },
  { model: 'implicit', factors: 12, rowSolver: 'exact', validationRatio: 0.1 },
  { solver: 'minibatch', factors: 12, batchSize: 512 },
  { solver: 'minibatch', optimizer: 'adam', factors: 8, biases: false },
  { solver: 'minibatch', optimizer: 'momentum', factors: 17, batchSize: 100, onDivergence: 'halve-rate' },
  { model: 'bpr', factors: 10 },
  { model: 'bpr', factors: 24, negativePower: 0.75, biases: false, validationRatio: 0.1 },
]

describe('the memory that a training takes, from its shape', () => {
  describe.each([
    { name: 'many users', ratings: wide, bindingBytes: 56_000 },
    { name: 'many items', ratings: tall, bindingBytes: 90_000 },
    { name: 'heavy items', ratings: popular, bindingBytes: 212_000 },
  ])('$name', ({ ratings, bindingBytes }) => {
    it.each(trainings)('is what its buffers hold at most: %j', async options => {
      const { planned, peak } = await planAndTrain(ratings, options, { resumable: options.factors === 12 })
      expect(Math.abs(planned.total - peak)).toBeLessThan(0.02 * peak + 8192)
    })

    it.each(trainings)('is so where tables lie in several buffers: %j', async given => {
      // A batch's gradients are to fit a buffer.
      const options = given.solver === 'minibatch' ? { ...given, batchSize: 200 } : given
      const { planned, peak } = await planAndTrain(ratings, options, { bindingBytes })
      expect(Math.abs(planned.total - peak)).toBeLessThan(0.02 * peak + 8192)
    })
  })
})

describe('a training that does not fit', () => {
  const small = plantedRatings({ users: 60, items: 50, entries: 700, rank: 2, seed: 8 }).ratings
  const shape = (options: TrainOptions, ratings = wide) => {
    const setup = setUp(ratings, options, {})
    return { shape: shapeOf(setup), options: setup.options }
  }

  it.each([
    // Blocks of few rows: the heavy ones have more replicas than fit.
    [{}, 4000],
    // A row of 256 factors at most.
    [{ solver: 'als' }, 1024],
    [{ model: 'implicit' }, 1024],
  ] as const)(
    'is refused before anything is allocated, with the largest rank that fits: %j',
    async (options, bindingBytes) => {
      const gpu = sharing(context.gpu)
      narrow(gpu, bindingBytes)
      const createBuffer = vi.spyOn(gpu.device, 'createBuffer')
      try {
        const refused = await fit(gpu, small, { ...options, factors: 400 }).catch((error: unknown) => error)
        expect(createBuffer).not.toHaveBeenCalled()
        expect(refused).toBeInstanceOf(LimitExceededError)
        const { limit, available, message } = refused as LimitExceededError
        expect([limit, available]).toEqual(['maxStorageBufferBindingSize', bindingBytes])
        const most = Number(/take (\d+) factors at most/.exec(message)?.[1])
        const { shape: own, options: resolved } = shape({ ...options, factors: most }, small)
        expect(memoryOf(own, resolved, gpu.capabilities).total).toBeGreaterThan(0)
        createBuffer.mockRestore()
        await fit(gpu, small, { ...options, factors: most, epochs: 1 })
        const above = shape({ ...options, factors: most + 4 }, small)
        expect(() => memoryOf(above.shape, above.options, gpu.capabilities)).toThrow(LimitExceededError)
      } finally {
        createBuffer.mockRestore()
        gpu.destroy()
      }
    },
  )

  it('is told the largest rank that there is memory for, and that halves would do', () => {
    const { shape: own, options } = shape({ factors: 64 })
    const { capabilities } = context.gpu
    const { total, least } = memoryOf(own, options, capabilities)
    expect(checkMemory(own, options, capabilities, { bytes: least }).total).toBe(total)
    const half = memoryOf(own, { ...options, precision: 'f16' }, capabilities).least
    const refusal = (bytes: number) => {
      try {
        checkMemory(own, options, capabilities, { bytes })
      } catch (error) {
        return error as LimitExceededError
      }
      return undefined
    }
    const close = refusal(least - 1)!
    expect([close.limit, close.needed, close.available]).toEqual(['memory', least, least - 1])
    expect(close.message).toMatch(/take 60 factors at most, or take the precision f16$/)
    const closer = refusal(half - 1)!
    const most = Number(/take (\d+) factors at most$/.exec(closer.message)?.[1])
    expect(memoryOf(own, { ...options, factors: most }, capabilities).least).toBeLessThan(half)
    expect(memoryOf(own, { ...options, factors: most + 4 }, capabilities).least).toBeGreaterThanOrEqual(half)
    expect(refusal(1000)!.message).toMatch(/even a single factor is too much: train on fewer users and items$/)
    expect(refusal(least)).toBeUndefined()
  })

  it('is told where the grid that was chosen is what does not fit', () => {
    const { shape: own, options } = shape({ factors: 1, workers: 50, strata: 50 })
    const { limits, ...device } = context.gpu.capabilities
    const capabilities = { ...device, limits: { ...limits, maxStorageBufferBindingSize: 19_000 } }
    expect(() => checkMemory(own, options, capabilities)).toThrow(
      /needs maxStorageBufferBindingSize = \d+, the device has 19000; choose neither workers nor strata$/,
    )
    expect(checkMemory(own, { ...options, workers: undefined, strata: undefined }, capabilities).total).toBeGreaterThan(
      0,
    )
  })

  it('counts the second set of tables of one that can go back', () => {
    const { shape: own, options } = shape({})
    const [plain, resumable] = [false, true].map(kept =>
      memoryOf(own, options, context.gpu.capabilities, { resumable: kept }),
    ) as [TrainingMemory, TrainingMemory]
    expect(plain.bytes.snapshot).toBe(0)
    expect(resumable.bytes.snapshot).toBe(resumable.bytes.state)
    expect(resumable.total - plain.total).toBe(resumable.bytes.snapshot)
  })
})

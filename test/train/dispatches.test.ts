import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { planTraining } from '../../src/train/plan-training.ts'
import { Training } from '../../src/train/training.ts'
import { narrow, useNarrowGpu } from '../support/gpu.ts'

const context = useNarrowGpu()
const { ratings } = plantedRatings({ users: 500, items: 300, entries: 20_000, rank: 3, seed: 4 })

/** Dispatches of the second epoch. */
async function countDispatches(gpu: Gpu, options: TrainOptions): Promise<number> {
  const { device } = gpu
  const createEncoder = device.createCommandEncoder
  let count = 0
  device.createCommandEncoder = descriptor => {
    const encoder = createEncoder.call(device, descriptor)
    const beginPass = encoder.beginComputePass
    encoder.beginComputePass = passDescriptor => {
      const pass = beginPass.call(encoder, passDescriptor)
      const dispatch = pass.dispatchWorkgroups
      pass.dispatchWorkgroups = (x, y, z) => {
        count++
        dispatch.call(pass, x, y, z)
      }
      return pass
    }
    return encoder
  }
  const training = new Training(gpu, ratings, { ...options, epochs: 2 })
  try {
    await training.step()
    const before = count
    await training.step()
    return count - before
  } finally {
    training.destroy()
    device.createCommandEncoder = createEncoder
  }
}

const trainings: TrainOptions[] = [
  { factors: 12 },
  { factors: 12, solver: 'als' },
  { factors: 12, solver: 'als', rowSolver: 'exact' },
  { factors: 12, model: 'implicit' },
  { factors: 12, solver: 'minibatch', batchSize: 700 },
  { factors: 12, model: 'bpr' },
]

describe('the dispatches of an epoch', () => {
  it.each(trainings)('are as many as planned: %j', async options => {
    const { dispatches } = await planTraining(context.gpu, ratings, { ...options, calibrate: false })
    expect(dispatches).toBe(await countDispatches(context.gpu, options))
  })

  it.each(trainings)('are no more than planned where tables lie in several buffers: %j', async options => {
    narrow(context.gpu, 20_000)
    const { dispatches, shards } = await planTraining(context.gpu, ratings, { ...options, calibrate: false })
    expect(shards.users + shards.items).toBeGreaterThan(2)
    const counted = await countDispatches(context.gpu, options)
    expect(counted).toBeLessThanOrEqual(dispatches)
    expect(counted).toBeGreaterThan(dispatches / 2)
  })
})

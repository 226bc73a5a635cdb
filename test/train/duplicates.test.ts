import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { Training } from '../../src/train/training.ts'
import { useGpu } from '../support/gpu.ts'

// Several entries of one user and item: an event log.

const device = useGpu()
const planted = plantedRatings({ users: 40, items: 30, entries: 300, rank: 2, seed: 3 }).ratings
const ones = new Ratings({ ...planted, values: planted.values.map(() => 1) })
const twos = new Ratings({ ...planted, values: planted.values.map(() => 2) })
const twice = ones.select(Uint32Array.from({ length: 2 * ones.length }, (_, e) => e % ones.length))

async function trained(ratings: Ratings, options: TrainOptions) {
  const training = new Training(device.gpu, ratings, { factors: 4, seed: 1, epochs: 2, ...options })
  const { entries } = training
  for await (const _ of training);
  const { model, options: resolved } = await training.finish()
  return { entries: entries.train, parts: model.parts, weight: resolved.unobservedWeight }
}

describe('several entries of one user and item', () => {
  it.each([{ alpha: 3 }, {}])('are parts of one value of an implicit model with %j', async options => {
    const [log, sums] = [
      await trained(twice, { model: 'implicit', ...options }),
      await trained(twos, { model: 'implicit', ...options }),
    ]
    expect(log).toEqual(sums)
    expect(log.entries).toBe(ones.length)
    // The root of the share of the cells, with two digits.
    if (!('alpha' in options)) expect(log.weight).toBe(0.5)
  })

  it('are positives each of a model by bpr', async () => {
    const [log, once] = [await trained(twice, { model: 'bpr' }), await trained(ones, { model: 'bpr' })]
    expect(log.entries).toBe(2 * ones.length)
    expect(log.parts.userFactors).not.toEqual(once.parts.userFactors)
  })
})

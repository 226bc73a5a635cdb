import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { useGpu } from '../support/gpu.ts'

const device = useGpu()
const planted = plantedRatings({ users: 200, items: 100, entries: 5000, rank: 3, noise: 0.2, seed: 4 }).ratings
const { train, test } = splitRandom(planted, { ratio: 0.1, seed: 1 })

const inUnits = (ratings: Ratings, unit: number) =>
  new Ratings({ ...ratings, values: ratings.values.map(value => value * unit) })

const trainings: { title: string; options: TrainOptions }[] = [
  { title: 'sgd', options: {} },
  { title: 'als', options: { solver: 'als' } },
  { title: 'sgd under the bounded link', options: { link: 'bounded' } },
]

describe.each(trainings)('a training by $title with nothing but defaults', ({ options }) => {
  const scored = async (unit: number) => {
    const { model, options: resolved } = await fit(device.gpu, inUnits(train, unit), {
      ...options,
      factors: 8,
      seed: 2,
    })
    const { rmse } = await model.evaluate(inUnits(test, unit))
    model.destroy()
    return { rmse: rmse / unit, initStd: resolved.initStd }
  }

  it.each([1e-3, 0.003, 1e3])('does not depend on the unit of the ratings: times %f', async unit => {
    const [one, other] = [await scored(1), await scored(unit)]
    expect(one.rmse).toBeLessThan(0.6)
    // Defaults have three digits, so that they follow the unit to half a percent.
    expect(Math.abs(other.rmse / one.rmse - 1)).toBeLessThan(0.005)
    const root = options.link === 'bounded' ? 1 : Math.sqrt(unit)
    expect(Math.abs(other.initStd / (root * one.initStd) - 1)).toBeLessThan(0.01)
  })
})

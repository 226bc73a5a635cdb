import { describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { OptionError } from '../../src/errors.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { Training } from '../../src/train/training.ts'
import { appendIds } from '../../src/train/warm-start.ts'
import { useGpu } from '../support/gpu.ts'

const device = useGpu()
const planted = plantedRatings({ users: 90, items: 60, entries: 2600, rank: 3, noise: 0.1, seed: 8 })
const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 1 })

/** The entries that a test keeps, by raw ids, so that ids without entries are not there. */
function filtered(ratings: Ratings, keep: (user: number, item: number) => boolean): Ratings {
  const at = [...ratings.users.keys()].filter(e => keep(ratings.users[e]!, ratings.items[e]!))
  return Ratings.from(
    at.map(e => ratings.userIds.at(ratings.users[e]!)),
    at.map(e => ratings.itemIds.at(ratings.items[e]!)),
    at.map(e => ratings.values[e]!),
  )
}

const old = filtered(train, (user, item) => user >= 10 && item >= 6)

const trainings: { title: string; options: TrainOptions }[] = [
  { title: 'sgd', options: { regularization: 0.1, epochs: 15 } },
  { title: 'minibatch', options: { solver: 'minibatch', batchSize: 256, epochs: 20 } },
  { title: 'als', options: { solver: 'als', regularization: 0.05, penalty: 'weighted', epochs: 8 } },
]

describe.each(trainings)('going on from a model by $title', ({ options }) => {
  const settings = { factors: 5, seed: 3, ...options }

  it('starts better than from nothing, with users and items that were not there before', async () => {
    const { model } = await fit(device.gpu, old, settings)
    const warm = await fit(device.gpu, train, { ...options, seed: 4, epochs: 2, from: model })
    const cold = await fit(device.gpu, train, { ...settings, seed: 4, epochs: 2 })
    expect(warm.model.userCount).toBe(train.userCount)
    expect(warm.model.itemCount).toBe(train.itemCount)
    const [warmErrors, coldErrors] = [await warm.model.evaluate(test), await cold.model.evaluate(test)]
    expect(warmErrors.rmse).toBeLessThan(coldErrors.rmse)
    expect(warm.epochs[0]!.trainLoss).toBeLessThan(cold.epochs[0]!.trainLoss)
    warm.model.destroy()
    cold.model.destroy()
  })

  it('keeps users and items of the model that the new data lack', async () => {
    const { model } = await fit(device.gpu, old, settings)
    const delta = filtered(train, user => user < 10)
    const { model: grown } = await fit(device.gpu, delta, { ...options, epochs: 1, from: model })
    expect(grown.userCount).toBe(train.userCount)
    const users = model.userCount * 5
    expect(grown.parts.userFactors.subarray(0, users)).toEqual(model.parts.userFactors)
    expect(grown.parts.userBias!.subarray(0, model.userCount)).toEqual(model.parts.userBias)
    expect(grown.parts.userFactors.subarray(users).some(value => value !== 0)).toBe(true)
    expect(grown.parts.mean).toBe(model.parts.mean)
    expect(grown.parts.seen!.items.length).toBe(old.length + delta.length)
  })
})

describe('going on from a model', () => {
  it('is what zero epochs leave as it was', async () => {
    const { model } = await fit(device.gpu, old, { factors: 3, epochs: 2 })
    const { model: same } = await fit(device.gpu, old, { epochs: 0, from: model })
    expect(same.parts).toMatchObject({ userFactors: model.parts.userFactors, itemBias: model.parts.itemBias })
    expect(same.parts.seen).toEqual(model.parts.seen)
  })

  it.each([
    [{ model: 'implicit' }, { factors: 4 }, 'factors'],
    [{ model: 'implicit' }, { model: 'explicit' }, 'model'],
    [{}, { biases: false }, 'biases'],
    [{}, { link: 'bounded' }, 'link'],
  ] as const)('of %j refuses %j', async (first, second, name) => {
    const { model } = await fit(device.gpu, old, { factors: 3, epochs: 1, ...first })
    const error = (() => {
      try {
        new Training(device.gpu, old, { ...second, from: model })
      } catch (caught) {
        return caught
      }
    })()
    expect(error).toBeInstanceOf(OptionError)
    expect((error as OptionError).option).toBe(name)
  })

  it('trains as the model was trained, unless told otherwise', async () => {
    const first = { factors: 3, epochs: 3, seed: 7, solver: 'als', regularization: 0.4, penalty: 'weighted' } as const
    const { model } = await fit(device.gpu, old, first)
    const optionsOf = (options: TrainOptions) => new Training(device.gpu, old, { ...options, from: model }).options
    expect(optionsOf({})).toMatchObject({
      solver: 'als',
      regularization: 0.4,
      penalty: 'weighted',
      epochs: 12,
      seed: 0,
    })
    expect(optionsOf({ regularization: 0.2 })).toMatchObject({ penalty: 'weighted', itemRegularization: 0.2 })
    expect(optionsOf({ solver: 'sgd' })).toMatchObject({ solver: 'sgd', penalty: 'sqrt', learningRate: 0.1 })
    const { model: implicit } = await fit(device.gpu, old, {
      model: 'implicit',
      factors: 3,
      epochs: 1,
      unobservedWeight: 0.3,
    })
    const other = new Training(device.gpu, old, { alpha: 2, from: implicit }).options
    expect(other).toMatchObject({ alpha: 2, penalty: 'frobenius', regularization: 0.01 })
    expect(other).not.toHaveProperty('unobservedWeight')
  })

  it('passes on what it was trained with where the caller names the same way, or nothing', async () => {
    const first = { factors: 3, epochs: 1, regularization: 0.4, penalty: 'weighted' } as const
    const nothing = { factors: undefined, regularization: undefined, link: undefined, solver: undefined }
    for (const [way, same] of [
      [{ solver: 'als' }, { solver: 'als' }],
      [{ optimizer: 'sgd' }, { optimizer: 'sgd', solver: 'sgd' }],
      [
        { solver: 'minibatch', batchSize: 64 },
        { batchSize: 64, solver: 'minibatch', optimizer: 'adagrad' },
      ],
    ] as const) {
      const { model } = await fit(device.gpu, old, { ...first, ...way })
      const optionsOf = (options: TrainOptions) => new Training(device.gpu, old, { ...options, from: model }).options
      expect(optionsOf({})).toMatchObject({ ...way, regularization: 0.4, penalty: 'weighted', factors: 3 })
      expect(optionsOf(same)).toEqual(optionsOf({}))
      expect(optionsOf(nothing)).toEqual(optionsOf({}))
      expect(optionsOf({ solver: way.solver === 'als' ? 'sgd' : 'als' }).regularization).not.toBe(0.4)
    }
  })

  it('by batches is another way, whatever their size', async () => {
    const { model } = await fit(device.gpu, old, { factors: 3, epochs: 1 })
    const { options } = new Training(device.gpu, old, { batchSize: 4096, from: model })
    expect(options).toMatchObject({ solver: 'minibatch', penalty: 'weighted' })
  })

  it.each(['linear', 'bounded'] as const)(
    'takes new ratings into the range, but under a bounded link: %s',
    async link => {
      const { model } = await fit(device.gpu, old, { factors: 3, epochs: 1, link })
      const { range, mean } = model.parts
      const beyond = Ratings.from([1, 2, 3], [1, 2, 3], [range.min + 0.5, range.max + 1, range.max + 2])
      const { model: grown } = await fit(device.gpu, beyond, { epochs: 1, from: model })
      expect(grown.parts.mean).toBe(mean)
      const union = { min: range.min, max: Math.fround(range.max + 2) }
      expect(grown.parts.range).toEqual(link === 'bounded' ? range : union)
    },
  )

  it('goes on for implicit models and for bpr', async () => {
    for (const kind of ['implicit', 'bpr'] as const) {
      const { model } = await fit(device.gpu, old, { model: kind, factors: 4, epochs: 5 })
      const { model: grown, epochs } = await fit(device.gpu, train, { from: model, epochs: 2, seed: 9 })
      const cold = await fit(device.gpu, train, { model: kind, factors: 4, epochs: 2, seed: 9 })
      expect(grown.parts.options.model).toBe(kind)
      expect(epochs[0]!.trainLoss).toBeLessThan(cold.epochs[0]!.trainLoss)
    }
  })
})

describe('appendIds', () => {
  it('puts new ids behind those that are there', () => {
    const first = new IdTable(Float64Array.of(5, 3))
    expect([...appendIds(first, new IdTable(Float64Array.of(3, 8))).values]).toEqual([5, 3, 8])
    expect([...appendIds(first, new IdTable(['3', 'x'])).values]).toEqual(['5', '3', 'x'])
    expect([...appendIds(new IdTable(['a']), new IdTable(Float64Array.of(7))).values]).toEqual(['a', '7'])
    expect(appendIds(first, new IdTable(['5']))).toBe(first)
  })
})

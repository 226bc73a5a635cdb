import { describe, expect, it } from 'vitest'
import { countsOf, histogramOf, summaryOf } from '../../demo/engine/data.ts'
import { adapterName } from '../../demo/engine/device.ts'
import { valueOfStars } from '../../demo/engine/stars.ts'
import { trainOptions } from '../../demo/engine/trainer.ts'
import { ratingYardsticks } from '../../demo/engine/yardsticks.ts'
import { IdTable, Model, plantedRatings, Ratings, splitRandom, UNKNOWN } from '../../src/index.ts'

describe('a histogram', () => {
  it('has a bin for each of few values', () => {
    expect(histogramOf(Float32Array.of(3, 1, 3, 5), { min: 1, max: 5 })).toEqual([
      { from: 1, to: 1, count: 1 },
      { from: 3, to: 3, count: 2 },
      { from: 5, to: 5, count: 1 },
    ])
    expect(histogramOf(Float32Array.of(1, 1), { min: 1, max: 1 })).toEqual([{ from: 1, to: 1, count: 2 }])
  })

  it('has twenty of equal width for many, and each value in one', () => {
    const values = Float32Array.from({ length: 1001 }, (_, at) => at / 100)
    const bins = histogramOf(values, { min: 0, max: 10 })
    expect(bins).toHaveLength(20)
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(1001)
    expect(bins[0]).toMatchObject({ from: 0, to: 0.5 })
    expect(bins.at(-1)!.to).toBe(10)
    expect(bins.at(-1)!.count).toBe(51)
  })
})

describe('a summary of ratings', () => {
  const origin = { kind: 'file', name: 'x', merged: 2, seconds: 1 } as const

  it('says whether there are ratings at all', () => {
    const rated = summaryOf(Ratings.from([1, 2], [1, 2], [1, 4]), origin)
    expect(rated).toMatchObject({ rated: true, mean: 2.5, range: { min: 1, max: 4 }, users: 2, entries: 2, merged: 2 })
    expect(summaryOf(Ratings.from([1, 2], [1, 2], [1, 1]), origin).rated).toBe(false)
  })

  it('counts rows, unknown ones left out', () => {
    expect(countsOf(Uint32Array.of(0, 2, UNKNOWN, 2), 3)).toEqual(Uint32Array.of(1, 0, 2))
  })
})

describe('the name of an adapter', () => {
  const name = (vendor: string, architecture = '', description = '') =>
    adapterName({ vendor, architecture, description })

  it('reads well and is never empty', () => {
    expect(name('nvidia', 'ampere')).toBe('NVIDIA Ampere')
    expect(name('amd', 'rdna-3')).toBe('AMD RDNA 3')
    expect(name('intel', 'gen-12lp')).toBe('Intel Gen 12lp')
    expect(name('apple', 'metal-3')).toBe('Apple Metal 3')
    expect(name('google', 'swiftshader')).toBe('SwiftShader')
    expect(name('nvidia', '', 'NVIDIA H100')).toBe('NVIDIA H100')
    expect(name('')).not.toBe('')
  })
})

describe('the value of stars', () => {
  const model = (options: object, range = { min: 1, max: 5 }, mean = 3.5) =>
    new Model({
      factors: 1,
      userFactors: new Float32Array(1),
      itemFactors: new Float32Array(1),
      mean,
      link: 'linear',
      range,
      clip: true,
      userIds: IdTable.range(1),
      itemIds: IdTable.range(1),
      options: { ...options },
    })
  const values = (of: Model) => [0.5, 1, 3, 5].map(valueOfStars(of))

  it('is the stars where ratings are stars', () => {
    expect(values(model({}))).toEqual([0.5, 1, 3, 5])
    expect(values(model({}, { min: 0.5, max: 5 }))).toEqual([0.5, 1, 3, 5])
    expect(values(model({}, { min: -0.8801, max: 8.5727 }))).toEqual([0.5, 1, 3, 5])
  })

  it('follows the range of other ratings', () => {
    expect(values(model({}, { min: 1, max: 10 }, 7))).toEqual([1, 1, 5.5, 10])
    expect(values(model({}, { min: 0, max: 1 }, 0.5))).toEqual([0, 0, 0.5, 1])
  })

  it('is liked or not to models of use', () => {
    expect(values(model({ model: 'implicit' }))).toEqual([-1, -1, 1, 1])
    expect(values(model({ model: 'bpr' }))).toEqual([undefined, undefined, 1, 1])
  })
})

describe('settings', () => {
  const settings = { solver: 'sgd', model: 'explicit', factors: 8, epochs: 3, seed: 1 } as const

  it('become options, and what they leave open stays open', () => {
    expect(trainOptions(settings)).toEqual({ solver: 'sgd', factors: 8, seed: 1 })
    expect(trainOptions({ ...settings, rate: 0.1, penalty: 2 })).toMatchObject({ learningRate: 0.1, regularization: 2 })
    expect(trainOptions({ ...settings, solver: 'als', rate: 0.1 })).toEqual({
      model: 'explicit',
      solver: 'als',
      factors: 8,
      seed: 1,
    })
    expect(trainOptions({ ...settings, model: 'implicit' })).toMatchObject({ model: 'implicit', solver: 'als' })
    expect(trainOptions({ ...settings, solver: 'adam' })).toMatchObject({ solver: 'minibatch' })
  })
})

describe('yardsticks of ratings', () => {
  it('stand in their order, and the floor is that of the noise', () => {
    const { ratings, noiseFloor } = plantedRatings({ users: 100, items: 60, entries: 3000, noise: 0.5, seed: 1 })
    const split = splitRandom(ratings, { ratio: 0.1, seed: 1 })
    const [mean, biases, floor] = ratingYardsticks(split, noiseFloor)
    expect([mean!.kind, biases!.kind, floor!.kind]).toEqual(['mean', 'biases', 'floor'])
    expect(mean!.value).toBeGreaterThan(biases!.value)
    expect(biases!.value).toBeGreaterThan(floor!.value)
    expect(Math.abs(floor!.value - 0.5)).toBeLessThan(0.1)
    expect(ratingYardsticks(split, undefined)).toHaveLength(2)
  })
})

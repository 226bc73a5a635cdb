import { afterEach, describe, expect, it, vi } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { AbortedError, InputError, OptionError } from '../../src/errors.ts'
import { evaluateRanking } from '../../src/metrics/evaluate-ranking.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { type FitResult, Training, type TrainingExtras } from '../../src/train/training.ts'
import { useGpu } from '../support/gpu.ts'

const device = useGpu()
const planted = plantedRatings({ users: 60, items: 50, entries: 900, rank: 2, noise: 0.3, seed: 5 }).ratings
const { train, test } = splitRandom(planted, { ratio: 0.2, seed: 1 })
const kinds = ['implicit', 'bpr'] as const
const small = { factors: 4, seed: 1 } as const

const rows = (...list: [user: string, item: string, value?: number][]) =>
  Ratings.from(
    list.map(([user]) => user),
    list.map(([, item]) => item),
    list.map(([, , value = 1]) => value),
  )

const refused = (ratings: Ratings, options: TrainOptions & TrainingExtras) => {
  try {
    new Training(device.gpu, ratings, options)
  } catch (error) {
    return error
  }
  return undefined
}

describe.each(kinds)('the validation of a model of the kind %s', model => {
  it('is its NDCG@10 on the held-out entries, without the items that a user was trained on', async () => {
    for (const epochs of [1, 3]) {
      const { model: last, epochs: reports } = await fit(device.gpu, train, { ...small, model, epochs })
      const validated = await fit(device.gpu, train, { ...small, model, epochs, validation: test })
      const { metrics } = await evaluateRanking(last, test)
      expect(reports).toHaveLength(epochs)
      expect(validated.epochs[epochs - 1]!.validationNdcg).toBe(metrics['ndcg@10'])
      const { metrics: all } = await evaluateRanking(last, test, { includeSeen: true })
      expect(all['ndcg@10']).not.toBe(metrics['ndcg@10'])
      last.destroy()
    }
  })

  it('is refused where there is nothing to rank', () => {
    const used = rows(['a', 'x'], ['a', 'y'], ['b', 'y'], ['b', 'z'])
    const cases: [Ratings, RegExp][] = [
      [rows(['c', 'x'], ['a', 'w']), /of the 2 entries held out, 2 are of unknown users or items, 0 are trained on/],
      [rows(['a', 'x'], ['b', 'z'], ['c', 'z']), /1 are of unknown users or items, 2 are trained on/],
    ]
    for (const [validation, message] of cases) {
      const error = refused(used, { ...small, model, validation })
      expect(error).toBeInstanceOf(OptionError)
      expect(error).toMatchObject({ option: 'validation', message: expect.stringMatching(message) })
    }
    expect(refused(used, { ...small, model, validation: rows(['a', 'x'], ['a', 'z']) })).toBeUndefined()
  })
})

describe('the validation of an implicit model', () => {
  it('takes values of 0 and less for no preference', async () => {
    const values = test.values.map((value, e) => (e % 2 === 0 ? value : -value))
    const mixed = new Ratings({ ...test, values })
    const liked = mixed.select(test.users.map((_, e) => e).filter(e => values[e]! > 0))
    const scoreOf = async (validation: Ratings, model: 'implicit' | 'bpr') =>
      (await fit(device.gpu, train, { ...small, model, epochs: 1, validation })).epochs[0]!.validationNdcg
    expect(await scoreOf(mixed, 'implicit')).toBe(await scoreOf(liked, 'implicit'))
    expect(await scoreOf(mixed, 'bpr')).toBe(await scoreOf(test, 'bpr'))
    expect(await scoreOf(mixed, 'bpr')).not.toBe(await scoreOf(liked, 'bpr'))
  })

  it('is refused where all that is held out is disliked', () => {
    const used = rows(['a', 'x'], ['a', 'y', -1], ['b', 'y', -2], ['b', 'x', -3])
    const validation = rows(['b', 'z', 1], ['a', 'x', 0], ['b', 'x', -1])
    expect(refused(used, { ...small, model: 'implicit', validation })).toMatchObject({
      option: 'validation',
      message: expect.stringMatching(/1 are of unknown users or items, 0 are trained on, 2 have values of 0 or less/),
    })
    const disliked = new Ratings({ ...used, values: used.values.map(() => -1) })
    const split = refused(disliked, { ...small, model: 'implicit', validationRatio: 0.5 })
    expect(split).toMatchObject({ option: 'validationRatio', message: expect.stringMatching(/2 have values of 0/) })
  })
})

describe('validation', () => {
  afterEach(() => vi.restoreAllMocks())

  it('refuses errors that are not finite numbers', async () => {
    const users = Array.from(test.users, user => test.userIds.at(user))
    const items = Array.from(test.items, item => test.itemIds.at(item))
    const huge = Ratings.from(users, items, Array(test.length).fill(3e38))
    const failed = fit(device.gpu, train, { ...small, epochs: 2, validation: huge })
    await expect(failed).rejects.toThrow(/validation RMSE is Infinity/)
    await expect(failed).rejects.toBeInstanceOf(InputError)
  })

  it('ends between two submits when the signal is aborted during it, with the last epoch before', async () => {
    const stop = new AbortController()
    const { gpu } = device
    const before = gpu.liveBytes
    const training = new Training(gpu, train, { ...small, model: 'bpr', validation: test, signal: stop.signal })
    await training.step()
    const pipeline = gpu.pipeline.bind(gpu)
    const asked = vi.spyOn(gpu, 'pipeline').mockImplementation((descriptor, ...rest) => {
      if (descriptor.name === 'rank_items') stop.abort('enough')
      return pipeline(descriptor, ...rest)
    })
    const error = await training.step().catch((caught: unknown) => caught)
    expect(asked).toHaveBeenCalled()
    expect(stop.signal.aborted).toBe(true)
    expect(error).toBeInstanceOf(AbortedError)
    const { epoch, result, cause } = error as AbortedError<FitResult>
    expect([epoch, cause]).toEqual([1, 'enough'])
    expect(result!.epochs).toHaveLength(1)
    expect(gpu.liveBytes).toBe(before)
  })

  it('does not begin after an abort', async () => {
    const stop = new AbortController()
    const training = new Training(device.gpu, train, { ...small, validation: test, epochs: 1, signal: stop.signal })
    await training.prepare()
    // An epoch ends by reading its sums.
    const read = device.gpu.read.bind(device.gpu)
    vi.spyOn(device.gpu, 'read').mockImplementation(async (...range) => {
      const bytes = await read(...range)
      stop.abort()
      return bytes
    })
    const checked = vi.spyOn(device.gpu, 'checked')
    await expect(training.step()).rejects.toBeInstanceOf(AbortedError)
    expect(checked.mock.calls.map(([label]) => label)).not.toContain('errors')
  })
})

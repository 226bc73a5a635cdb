import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { InputError, OptionError } from '../../src/errors.ts'
import type { Model } from '../../src/model/model.ts'
import { fit } from '../../src/train/fit.ts'
import { foldIn } from '../../src/train/fold-in.ts'
import { NewUser, type NewUserOptions } from '../../src/train/new-user.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { useGpu } from '../support/gpu.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()

const { ratings } = plantedRatings({ users: 60, items: 90, entries: 1500, rank: 3, noise: 0.2, seed: 8 })
const trained = async (options: TrainOptions = {}) =>
  (await fit(device.gpu, ratings, { factors: 6, epochs: 4, seed: 1, ...options })).model

interface Entries {
  items: number[]
  values: number[]
}

const liked: Entries = { items: [1, 5, 20, 41], values: [5, 4.5, 1, 5] }
const other: Entries = { items: [3, 5, 7], values: [1, 1, 5] }
const withDislikes: Entries = { items: [1, 5, 20, 41], values: [1, 1, -1, 1] }

/** The same by way of a model that has the user. */
async function byFoldIn(model: Model, { items, values }: Entries, options: NewUserOptions = {}) {
  const entries = Ratings.from(
    items.map(() => 1000),
    items,
    values,
  )
  const { model: folded } = await foldIn(device.gpu, model, entries, options)
  try {
    return await folded.recommend(1000)
  } finally {
    folded.destroy()
  }
}

const cases: { title: string; options: TrainOptions; entries?: Entries }[] = [
  { title: 'als', options: { solver: 'als' } },
  { title: 'a bounded link', options: { link: 'bounded' } },
  { title: 'no biases', options: { biases: false } },
  { title: 'minibatch adam', options: { optimizer: 'adam' } },
  { title: 'an unobserved weight', options: { model: 'implicit' }, entries: withDislikes },
  { title: 'confidences', options: { model: 'implicit', alpha: 2 }, entries: withDislikes },
  { title: 'bpr', options: { model: 'bpr' } },
  { title: 'bpr by popularity', options: { model: 'bpr', negativePower: 1 } },
  { title: 'more factors than are solved directly', options: { solver: 'als', factors: 160, epochs: 2 } },
]

describe('a new user', () => {
  for (const { title, options, entries = liked } of cases) {
    it(`is recommended what folding in recommends, one set of entries after another: ${title}`, async () => {
      const model = await trained(options)
      const user = await NewUser.create(device.gpu, model)
      try {
        const first = await user.recommend(entries.items, entries.values)
        expect(first).toHaveLength(10)
        expect(first).toEqual(await byFoldIn(model, entries))
        expect(await user.recommend(other.items, other.values)).toEqual(await byFoldIn(model, other))
        expect(await user.recommend(entries.items, entries.values)).toEqual(first)
      } finally {
        user.destroy()
      }
    })
  }

  it('takes the options of the fold-in', async () => {
    const model = await trained()
    const options = { regularization: 40 }
    const user = await NewUser.create(device.gpu, model, options)
    try {
      const best = await user.recommend(liked.items, liked.values)
      expect(best).toEqual(await byFoldIn(model, liked, options))
      expect(best).not.toEqual(await byFoldIn(model, liked))
    } finally {
      user.destroy()
    }
    await expect(NewUser.create(device.gpu, model, { epochs: 3 })).rejects.toThrow(OptionError)
  })

  it('is not recommended what is rated or excluded, unless asked for', async () => {
    const user = await NewUser.create(device.gpu, await trained())
    try {
      const best = await user.recommend(liked.items, liked.values, { k: 200 })
      expect(best).toHaveLength(90 - liked.items.length)
      const [top] = best
      const exclude = [top!.item, 'nothing']
      expect(await user.recommend(liked.items, liked.values, { k: 5, exclude })).toEqual(best.slice(1, 6))
      const all = await user.recommend(liked.items, liked.values, { k: 200, includeSeen: true })
      expect(all).toHaveLength(90)
      const include = [1, 2, 3]
      const few = await user.recommend(liked.items, liked.values, { include })
      expect(new Set(few.map(({ item }) => item))).toEqual(new Set([2, 3]))
    } finally {
      user.destroy()
    }
  })

  it('without entries is recommended what is best on its own', async () => {
    const model = await trained()
    const user = await NewUser.create(device.gpu, model)
    try {
      await user.recommend(liked.items, liked.values)
      const best = await user.recommend([], [], { k: 90 })
      const byBias = best.map(({ item }) => model.predict('nobody', item)).sort((a, b) => b - a)
      const predictions = best.map(({ prediction }) => prediction)
      expectClose('predictions', predictions, byBias, () => tolerance(8, 8))
      expect(await user.recommend(['nothing'], [5], { k: 90 })).toEqual(best)
    } finally {
      user.destroy()
    }
  })

  it('answers calls that overlap each for itself', async () => {
    const user = await NewUser.create(device.gpu, await trained())
    try {
      const [one, two] = await Promise.all([
        user.recommend(liked.items, liked.values),
        user.recommend(other.items, other.values),
      ])
      expect(one).toEqual(await user.recommend(liked.items, liked.values))
      expect(two).toEqual(await user.recommend(other.items, other.values))
    } finally {
      user.destroy()
    }
  })

  it('goes on after a call that failed', async () => {
    const user = await NewUser.create(device.gpu, await trained())
    try {
      await expect(user.recommend([1, 2], [5])).rejects.toThrow(InputError)
      await expect(user.recommend([1], [Number.NaN])).rejects.toThrow(InputError)
      await expect(user.recommend([1], [5], { k: 0 })).rejects.toThrow(InputError)
      await expect(user.recommend([1], [5], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
        'enough',
      )
      expect(await user.recommend(liked.items, liked.values)).toHaveLength(10)
    } finally {
      user.destroy()
    }
  })

  it('frees what it holds', async () => {
    const model = await trained({ model: 'implicit' })
    const before = device.gpu.liveBytes
    const user = await NewUser.create(device.gpu, model)
    await user.recommend(liked.items, liked.values)
    const held = device.gpu.liveBytes
    await user.recommend(other.items, other.values)
    expect(device.gpu.liveBytes).toBe(held)
    user.destroy()
    expect(device.gpu.liveBytes).toBe(before)
  })
})

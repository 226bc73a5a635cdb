import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { Model } from '../../src/model/model.ts'
import { fit } from '../../src/train/fit.ts'
import { foldIn } from '../../src/train/fold-in.ts'
import { NewUser } from '../../src/train/new-user.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { narrow, useGpu, useNarrowGpu } from '../support/gpu.ts'

const wide = useGpu()
/** 100 rows of 20 factors: both sides of the model take two buffers. */
const narrowBytes = 8000
const cut = useNarrowGpu()

const factors = 20
const { ratings } = plantedRatings({ users: 150, items: 130, entries: 3000, rank: 3, noise: 0.2, seed: 8 })
const trained = async (options: TrainOptions = {}) =>
  (await fit(wide.gpu, ratings, { factors, epochs: 4, seed: 1, ...options })).model
const on = ({ parts }: Model, device: Gpu) => new Model(parts, device)

/** Entries of new rows of a side; with more rows than fit a buffer. */
function freshRatings(side: 'users' | 'items', rows: number): Ratings {
  const random = new Random(rows)
  const others = side === 'users' ? ratings.itemIds : ratings.userIds
  const fresh = Array.from({ length: 5 * rows }, (_, at) => 10_000 + (at % rows))
  const known = fresh.map(() => others.at(random.below(others.size)))
  const values = fresh.map(() => 1 + random.below(5))
  return side === 'users' ? Ratings.from(fresh, known, values) : Ratings.from(known, fresh, values)
}

describe('folding in where tables lie in several buffers', () => {
  it.each([
    { side: 'users', options: {} },
    { side: 'items', options: {} },
    { side: 'users', options: { link: 'bounded' } },
    { side: 'items', options: { biases: false, solver: 'als' } },
    { side: 'users', options: { model: 'implicit' } },
    { side: 'items', options: { model: 'implicit', alpha: 2 } },
    { side: 'users', options: { model: 'bpr' } },
    { side: 'items', options: { model: 'bpr' } },
    { side: 'users', options: { model: 'bpr', negativePower: 0.75 } },
  ] as const)('finds the rows that it finds in one: $side, $options', async ({ side, options }) => {
    const model = await trained(options)
    for (const rows of [7, 210]) {
      const fresh = freshRatings(side, rows)
      const expected = await foldIn(wide.gpu, model, fresh, { side })
      narrow(cut.gpu, narrowBytes)
      const actual = await foldIn(cut.gpu, on(model, cut.gpu), fresh, { side })
      expect(actual.added).toEqual(expected.added)
      expect(actual.added).toHaveLength(rows)
      expect(actual.model.parts.userFactors).toEqual(expected.model.parts.userFactors)
      expect(actual.model.parts.itemFactors).toEqual(expected.model.parts.itemFactors)
      expect(actual.model.parts.userBias).toEqual(expected.model.parts.userBias)
      expect(actual.model.parts.itemBias).toEqual(expected.model.parts.itemBias)
    }
  })

  it.each([{}, { model: 'implicit' }] as const)(
    'recommends to a new user what it recommends from one: %j',
    async options => {
      const model = await trained(options)
      const expected = await NewUser.create(wide.gpu, model)
      narrow(cut.gpu, narrowBytes)
      const actual = await NewUser.create(cut.gpu, on(model, cut.gpu))
      for (const items of [[3, 5, 7], [], [1, 100, 129, 4]]) {
        const ids = items.map(item => ratings.itemIds.at(item))
        const values = items.map((_, at) => 1 + at)
        expect(await actual.recommend(ids, values)).toEqual(await expected.recommend(ids, values))
      }
      actual.destroy()
      expected.destroy()
    },
  )
})

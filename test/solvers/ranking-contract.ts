import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { AbortedError, InputError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { Model } from '../../src/model/model.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { type FitResult, Training } from '../../src/train/training.ts'
import { expectExactState } from '../support/exact-state.ts'
import { openTestGpu } from '../support/gpu.ts'

const sizes = { users: 120, items: 80, groups: 4 }

/** What every solver of entries without ratings must do: users like the items of their group, nearly all of them. */
export function rankingContract(name: string, options: TrainOptions): void {
  describe(`the ranking contract: ${name}`, () => {
    let gpu: Gpu
    beforeAll(async () => {
      gpu = await openTestGpu()
    })
    afterAll(() => gpu.destroy())

    const { train, test } = splitRandom(groupedEntries(), { ratio: 0.2, seed: 5 })
    const base: TrainOptions = { factors: 6, epochs: 15, seed: 3, ...options }

    it('ranks held-out items before those that nobody of the group has', async () => {
      const { model, epochs } = await fit(gpu, train, base)
      expect(areaUnderCurve(model, train, test)).toBeGreaterThan(0.9)
      expect(epochs.at(-1)!.trainLoss).toBeLessThan(epochs[0]!.trainLoss)
      const user = test.userIds.at(test.users[0]!)
      const items = await model.recommend(user, { k: 200 })
      const seen = new Set(
        train.items.filter((_, e) => train.users[e] === test.users[0]).map(item => Number(train.itemIds.at(item))),
      )
      expect(items.length).toBe(train.itemCount - seen.size)
      expect(items.some(({ item }) => seen.has(Number(item)))).toBe(false)
      model.destroy()
    })

    it.each([1, 3, 5])('takes %i factors, and pads without a trace', async factors => {
      const { model } = await fit(gpu, train, { ...base, factors, epochs: 3 })
      expect(model.parts.userFactors.length).toBe(train.userCount * factors)
      expect(model.parts.userFactors.every(Number.isFinite)).toBe(true)
      expect(model.parts.userFactors.some(value => value !== 0)).toBe(true)
    })

    it('leaves users and items without entries at zero', async () => {
      const more = (ids: IdTable, count: number) =>
        new IdTable(
          Float64Array.from({ length: ids.size + count }, (_, i) => (i < ids.size ? Number(ids.at(i)) : 1e6 + i)),
        )
      const { users, items, values, userIds, itemIds } = train
      const wide = new Ratings({ users, items, values, userIds: more(userIds, 7), itemIds: more(itemIds, 5) })
      const { model } = await fit(gpu, wide, { ...base, epochs: 2 })
      expect(model.parts.userFactors.subarray(train.userCount * 6)).toEqual(new Float32Array(7 * 6))
      // Items of which nothing is known may serve as negatives, and have a bias then.
      if (options.model !== 'bpr')
        expect(model.parts.itemFactors.subarray(train.itemCount * 6)).toEqual(new Float32Array(5 * 6))
    })

    it('copes with a user who has all items, one entry in all, one user and one item', async () => {
      const ones = (length: number) => new Array<number>(length).fill(1)
      const small = [
        Ratings.from([1, 1, 1, 2], [1, 2, 3, 1], ones(4)),
        Ratings.from(['a'], ['x'], [1]),
        Ratings.from(['a', 'a', 'a'], ['x', 'y', 'z'], ones(3)),
        Ratings.from(['a', 'b', 'c'], ['x', 'x', 'x'], ones(3)),
      ]
      for (const entries of small) {
        const { model } = await fit(gpu, entries, { ...base, epochs: 3 })
        for (const table of [model.parts.userFactors, model.parts.itemFactors]) {
          expect(table.every(Number.isFinite)).toBe(true)
        }
        const all = entries.userIds.at(0)
        const left = entries.itemCount - new Set(entries.items.filter((_, e) => entries.users[e] === 0)).size
        expect((await model.recommend(all)).length).toBe(left)
        model.destroy()
      }
    })

    it('gives the same bits for the same seed, and others for another', async () => {
      const bytes = async (seed: number) =>
        Buffer.concat((await fit(gpu, train, { ...base, epochs: 3, seed })).model.encode())
      const first = await bytes(9)
      expect(first.equals(await bytes(9))).toBe(true)
      expect(first.equals(await bytes(10))).toBe(false)
    })

    it('goes on from its state, in another solver too, to the same bits', async () => {
      await expectExactState(gpu, train, base)
    })

    it('returns the initial state after zero epochs', async () => {
      const { model, epochs, epoch } = await fit(gpu, train, { ...base, epochs: 0, initStd: 0 })
      expect({ epochs, epoch }).toEqual({ epochs: [], epoch: 0 })
      expect(model.parts.itemFactors.every(value => value === 0)).toBe(true)
    })

    it('refuses no entries at all', async () => {
      await expect(fit(gpu, Ratings.from([], [], []), base)).rejects.toBeInstanceOf(InputError)
    })

    it('is ended by an AbortSignal, with the last finished epoch', async () => {
      const stop = new AbortController()
      const running = fit(gpu, train, { ...base, signal: stop.signal, onEpoch: e => e.epoch === 2 && stop.abort() })
      const error = await running.then(
        () => undefined,
        (caught: unknown) => caught,
      )
      expect(error).toBeInstanceOf(AbortedError)
      const twoEpochs = await fit(gpu, train, { ...base, epochs: 2 })
      const { result } = error as AbortedError<FitResult>
      expect(result!.model.parts.userFactors).toEqual(twoEpochs.model.parts.userFactors)
    })

    it('frees all that it took on the GPU', async () => {
      // The first reading back makes staging buffers, which stay for the next ones.
      await fit(gpu, train, { ...base, epochs: 1, validationRatio: 0.1 })
      const before = gpu.liveBytes
      await fit(gpu, train, { ...base, epochs: 2, validationRatio: 0.1 })
      const left = new Training(gpu, train, base)
      for await (const _ of left) break
      await left.finish()
      expect(gpu.liveBytes).toBe(before)
    })
  })
}

/** Users have most items of their group, and a few of others. */
function groupedEntries(): Ratings {
  const random = new Random(21)
  const pairs: [user: number, item: number][] = []
  for (let user = 0; user < sizes.users; user++) {
    for (let item = 0; item < sizes.items; item++) {
      const own = user % sizes.groups === item % sizes.groups
      if (random.uniform() < (own ? 0.8 : 0.02)) pairs.push([user, item])
    }
  }
  return Ratings.from(
    pairs.map(([user]) => user),
    pairs.map(([, item]) => item),
    pairs.map(() => 1),
  )
}

/** The share of pairs of a held-out item and one that the user has in neither part, that a model ranks rightly. */
function areaUnderCurve(model: Model, train: Ratings, test: Ratings): number {
  const has = new Set<number>()
  for (const { users, items } of [train, test]) {
    for (let e = 0; e < users.length; e++) has.add(users[e]! * train.itemCount + items[e]!)
  }
  let right = 0
  let all = 0
  test.users.forEach((u, e) => {
    const user = test.userIds.at(u)
    const score = model.predict(user, test.itemIds.at(test.items[e]!))
    for (let item = 0; item < train.itemCount; item++) {
      if (has.has(u * train.itemCount + item)) continue
      const other = model.predict(user, train.itemIds.at(item))
      right += other < score ? 1 : other === score ? 0.5 : 0
      all++
    }
  })
  return right / all
}

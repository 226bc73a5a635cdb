import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { plantedRatings } from '../../src/data/planted.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { AbortedError, DivergedError, InputError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { ModelParts } from '../../src/model/parts.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { type FitResult, Training } from '../../src/train/training.ts'
import { expectExactState } from '../support/exact-state.ts'
import { openTestGpu } from '../support/gpu.ts'

/** Options of a solver that suit the contract's planted set, and how it is made to diverge. */
export interface ContractSettings {
  options: TrainOptions
  /** A rate at which it must; without it, ratings of such a size that single precision cannot hold their squares. */
  divergingRate?: number
}

/** What every solver must do, whatever its inside. */
export function solverContract(name: string, { options, divergingRate }: ContractSettings): void {
  describe(`the solver contract: ${name}`, () => {
    let gpu: Gpu
    beforeAll(async () => {
      gpu = await openTestGpu()
    })
    afterAll(() => gpu.destroy())

    // 120 x 80 with 40% observed: enough for rank 2 to be found, small enough for an epoch to be quick.
    const planted = plantedRatings({ users: 120, items: 80, entries: 3800, rank: 2, noise: 0.1, seed: 11 })
    const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 5 })
    const base: TrainOptions = { factors: 6, epochs: 60, batchSize: 128, seed: 3, ...options }

    it('predicts held-out cells of a planted matrix near its noise floor', async () => {
      const { model, epochs } = await fit(gpu, train, base)
      const { rmse } = await model.evaluate(test)
      const floor = planted.noiseFloor(test)
      expect(rmse).toBeLessThan(2.5 * floor)
      expect(rmse).toBeGreaterThan(0.9 * floor)
      expect(epochs.at(-1)!.trainLoss).toBeLessThan(epochs[0]!.trainLoss)
    })

    it.each([1, 3, 5])('takes %i factors, and pads without a trace', async factors => {
      const { model } = await fit(gpu, train, { ...base, factors, epochs: 8 })
      expect(model.parts.userFactors.length).toBe(train.userCount * factors)
      const { rmse } = await model.evaluate(test)
      expect(rmse).toBeLessThan(deviation(test))
      await expectSameAsHost(model, test)
    })

    it('leaves empty rows at zero and predicts them from what is known', async () => {
      const wide = widen(train, 7, 5)
      const { model } = await fit(gpu, wide, { ...base, epochs: 3 })
      const { parts } = model
      const k = parts.factors
      expect(parts.userFactors.subarray(train.userCount * k)).toEqual(new Float32Array(7 * k))
      expect(parts.itemFactors.subarray(train.itemCount * k)).toEqual(new Float32Array(5 * k))
      const emptyUser = wide.userIds.at(train.userCount)
      const item = wide.itemIds.at(0)
      expect(model.predict(emptyUser, item)).toBeCloseTo(clip(parts, parts.mean + parts.itemBias![0]!), 5)
      expect(model.predict(emptyUser, 'nobody has this')).toBeCloseTo(parts.mean, 5)
    })

    it('gives the entries of the wide matrix the same bits as without its empty rows', async () => {
      const [plain, wide] = [
        await fit(gpu, train, { ...base, epochs: 2 }),
        await fit(gpu, widen(train, 3, 0), { ...base, epochs: 2 }),
      ]
      expect(wide.model.parts.userBias!.subarray(0, train.userCount)).toEqual(plain.model.parts.userBias)
    })

    it('copes with a user of one rating, one entry in all, and constant ratings', async () => {
      const { model } = await fit(gpu, Ratings.from([1, 1, 2], [1, 2, 1], [4, 4, 4]), { ...base, epochs: 5 })
      expect(model.predict(2, 2)).toBeCloseTo(4, 1)
      const single = await fit(gpu, Ratings.from(['a'], ['x'], [2.5]), { ...base, epochs: 5 })
      expect(single.model.predict('a', 'x')).toBeCloseTo(2.5, 1)
    })

    it('gives the same bits for the same seed, and others for another', async () => {
      const settings = { ...base, epochs: 4 }
      const bytes = async (seed: number) => Buffer.concat((await fit(gpu, train, { ...settings, seed })).model.encode())
      const first = await bytes(9)
      expect(first.equals(await bytes(9))).toBe(true)
      expect(first.equals(await bytes(10))).toBe(false)
    })

    it('goes on from its state, in another solver too, to the same bits', async () => {
      await expectExactState(gpu, train, base)
    })

    it('returns the initial state after zero epochs', async () => {
      const { model, epochs, epoch } = await fit(gpu, train, { ...base, epochs: 0, initStd: 0 })
      expect(epochs).toEqual([])
      expect(epoch).toBe(0)
      expect(model.predict(train.userIds.at(0), train.itemIds.at(0))).toBeCloseTo(model.parts.mean, 6)
    })

    it('refuses no ratings at all', async () => {
      await expect(fit(gpu, Ratings.from([], [], []), base)).rejects.toBeInstanceOf(InputError)
    })

    it('is ended by an AbortSignal, with the last finished epoch', async () => {
      const stop = new AbortController()
      const reason = new Error('enough')
      const running = fit(gpu, train, {
        ...base,
        signal: stop.signal,
        onEpoch: e => e.epoch === 2 && stop.abort(reason),
      })
      const error = await running.then(
        () => undefined,
        (caught: unknown) => caught,
      )
      expect(error).toBeInstanceOf(AbortedError)
      const { epoch, cause, result } = error as AbortedError<FitResult>
      expect({ epoch, cause }).toEqual({ epoch: 2, cause: reason })
      const twoEpochs = await fit(gpu, train, { ...base, epochs: 2 })
      expect(result!.model.parts.userFactors).toEqual(twoEpochs.model.parts.userFactors)
    })

    const diverge = () =>
      divergingRate === undefined
        ? fit(gpu, enlarged(train, 1e25), base)
        : fit(gpu, train, { ...base, learningRate: divergingRate })

    it('stops when it diverges, says what to try, and keeps the last good state', async () => {
      const error = await diverge().then(
        () => undefined,
        (caught: unknown) => caught,
      )
      expect(error).toBeInstanceOf(DivergedError)
      const { suggestedRate, row, result, epoch } = error as DivergedError<FitResult>
      if (divergingRate === undefined) {
        const ids = row!.side === 'users' ? train.userIds : train.itemIds
        expect(row!.id).toBe(ids.at(row!.row))
        expect((error as Error).message).toContain(`${row!.side.slice(0, -1)} ${row!.id}`)
      } else {
        expect(suggestedRate).toBeGreaterThan(0)
        expect(suggestedRate).toBeLessThan(divergingRate)
      }
      expect(result!.epoch).toBe(epoch)
      expect(result!.model.parts.userFactors.every(Number.isFinite)).toBe(true)
    })

    it('frees all that it took on the GPU', async () => {
      await fit(gpu, train, { ...base, epochs: 1 })
      const before = gpu.liveBytes
      await fit(gpu, train, { ...base, epochs: 2, validationRatio: 0.1 })
      await diverge().catch(() => {})
      const left = new Training(gpu, train, base)
      for await (const _ of left) break
      await left.finish()
      expect(gpu.liveBytes).toBe(before)
    })
  })
}

/** The same entries in a matrix with more rows and columns, all of them empty. */
function widen(ratings: Ratings, users: number, items: number): Ratings {
  const more = (ids: IdTable, count: number) =>
    new IdTable(Float64Array.from({ length: ids.size + count }, (_, i) => (i < ids.size ? Number(ids.at(i)) : 1e6 + i)))
  const { users: rows, items: columns, values, userIds, itemIds } = ratings
  return new Ratings({
    users: rows,
    items: columns,
    values,
    userIds: more(userIds, users),
    itemIds: more(itemIds, items),
  })
}

function enlarged({ users, items, values, userIds, itemIds }: Ratings, factor: number): Ratings {
  return new Ratings({ users, items, values: values.map(value => factor * value), userIds, itemIds })
}

function deviation(ratings: Ratings): number {
  const mean = ratings.values.reduce((sum, value) => sum + value, 0) / ratings.length
  return Math.sqrt(ratings.values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / ratings.length)
}

const clip = ({ range }: ModelParts, value: number) => Math.min(range.max, Math.max(range.min, value))

/** The GPU's RMSE against one from the host's predictions. */
async function expectSameAsHost(model: FitResult['model'], test: Ratings): Promise<void> {
  let squares = 0
  for (let e = 0; e < test.length; e++) {
    squares += (test.values[e]! - model.predict(test.userIds.at(test.users[e]!), test.itemIds.at(test.items[e]!))) ** 2
  }
  const { rmse } = await model.evaluate(test)
  expect(rmse).toBeCloseTo(Math.sqrt(squares / test.length), 5)
}

import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import type { SeenItems } from '../../src/data/seen.ts'
import { InputError, OptionError } from '../../src/errors.ts'
import { Model } from '../../src/model/model.ts'
import type { ModelParts } from '../../src/model/parts.ts'
import { fit } from '../../src/train/fit.ts'
import { type FoldInOptions, foldIn } from '../../src/train/fold-in.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { alsEpoch } from '../reference/als_epoch.ts'
import { useGpu } from '../support/gpu.ts'
import { expectClose } from '../support/tolerance.ts'

const device = useGpu()

const planted = plantedRatings({ users: 80, items: 50, entries: 1600, rank: 3, noise: 0.1, seed: 6 }).ratings
type Side = 'users' | 'items'
const sides: Side[] = ['users', 'items']
const other = { users: 'items', items: 'users' } as const

/** Entries of the first ten rows of a side, which a training leaves out, and all others; by raw ids. */
function held(ratings: Ratings, side: Side): { known: Ratings; fresh: Ratings } {
  const rows = ratings[side]
  const part = (wanted: boolean) => {
    const at = [...rows.keys()].filter(e => rows[e]! < 10 === wanted)
    const raw = (ids: Ratings['userIds'], list: Uint32Array) => at.map(e => Number(ids.at(list[e]!)))
    return Ratings.from(
      raw(ratings.userIds, ratings.users),
      raw(ratings.itemIds, ratings.items),
      at.map(e => ratings.values[e]!),
    )
  }
  return { known: part(false), fresh: part(true) }
}

/** About zero, so that half of them are dislikes of an implicit model. */
const centred = new Ratings({ ...planted, values: planted.values.map(value => value - 3.5) })

const cases: { title: string; options: TrainOptions; ratings?: Ratings }[] = [
  {
    title: 'als',
    options: { solver: 'als', userRegularization: 0.05, itemRegularization: 0.3, penalty: 'weighted' },
  },
  { title: 'sgd without biases', options: { regularization: 0.5, biases: false, epochs: 10 } },
  { title: 'minibatch adam', options: { optimizer: 'adam', regularization: 1e-3, learningRate: 0.02, epochs: 10 } },
  { title: 'implicit', options: { model: 'implicit', unobservedWeight: 0.1, regularization: 0.02 } },
  { title: 'implicit by confidence', options: { model: 'implicit', alpha: 2, regularization: 0.2, penalty: 'sqrt' } },
  { title: 'implicit with dislikes', options: { model: 'implicit', alpha: 2 }, ratings: centred },
  {
    title: 'implicit with weighty dislikes',
    options: { model: 'implicit', unobservedWeight: 0.1, userRegularization: 0.02, itemRegularization: 0.1 },
    ratings: centred,
  },
]

/** Rows of one side against the other in double precision: one half of an iteration over the fresh entries. */
function reference(
  parts: ModelParts,
  fresh: Ratings,
  side: Side,
  lambda?: number,
): { factors: Float64Array; bias: Float64Array } {
  const { options } = parts as { options: Partial<Record<string, number>> }
  const half = options.optimizer === ('adam' as never) ? parts.seen!.items.length / 2 : 1
  const aligned = fresh.alignTo(
    side === 'users' ? fresh.userIds : parts.userIds,
    side === 'items' ? fresh.itemIds : parts.itemIds,
  )
  const count = fresh[side === 'users' ? 'userIds' : 'itemIds'].size
  const n = parts[side === 'users' ? 'itemIds' : 'userIds'].size
  const fixed = side === 'users' ? parts.itemFactors : parts.userFactors
  const fixedBias = (side === 'users' ? parts.itemBias : parts.userBias) ?? new Float32Array(n)
  // The reference solves users first: items become users of a matrix on its side.
  const { userFactors, userBias } = alsEpoch(
    {
      users: count,
      items: n,
      entries: Array.from(aligned[side], (row, e) => ({
        user: row,
        item: aligned[other[side]][e]!,
        value: fresh.values[e]!,
      })),
      factors: parts.factors,
      biases: parts.itemBias !== undefined,
      mean: parts.mean,
      implicit:
        options.alpha !== undefined
          ? { alpha: options.alpha }
          : options.unobservedWeight !== undefined
            ? { unobservedWeight: options.unobservedWeight }
            : undefined,
      exponent: { weighted: 1, sqrt: 0.5, frobenius: 0 }[String(options.penalty) as 'sqrt'],
      userPenalty: lambda ?? half * options[side === 'users' ? 'userRegularization' : 'itemRegularization']!,
      itemPenalty: 1,
      biasPenalty: half * options.biasRegularization!,
    },
    {
      userFactors: new Float64Array(count * parts.factors),
      itemFactors: Float64Array.from(fixed),
      userBias: new Float64Array(count),
      itemBias: Float64Array.from(fixedBias),
    },
  )
  return { factors: userFactors, bias: userBias }
}

/** That the rows of the model are the first of the grown one's, bit for bit, and so is all of the other side. */
function expectUntouched({ parts }: Model, grown: ModelParts): void {
  for (const name of ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const) {
    expect(grown[name]?.subarray(0, parts[name]?.length)).toEqual(parts[name])
  }
  expect(grown.seen!.items.length).toBeGreaterThan(parts.seen!.items.length)
}

/** That the new rows are those of the reference, in single precision times the condition of their equations (some hundreds). */
function expectSolved({ parts }: Model, before: ModelParts, fresh: Ratings, side: Side, lambda?: number): void {
  const expected = reference(before, fresh, side, lambda)
  const [factors, bias] =
    side === 'users' ? (['userFactors', 'userBias'] as const) : (['itemFactors', 'itemBias'] as const)
  const close = () => 1000 * 2 ** -23 * 3
  expectClose('factors', parts[factors].subarray(before[factors].length), expected.factors, close)
  if (before[bias] === undefined) return
  expectClose('bias', parts[bias]!.subarray(before[bias].length), expected.bias, close)
}

describe.each(cases)('fold-in into a model by $title', ({ options, ratings = planted }) => {
  it.each(sides)('solves new %s as the reference does, and leaves the rest alone', async side => {
    const { known, fresh } = held(ratings, side)
    const { model } = await fit(device.gpu, known, { factors: 5, seed: 1, ...options })
    const folded = await foldIn(device.gpu, model, fresh, { side })
    expect(folded).toMatchObject({ known: 0, left: 0, entries: fresh.length })
    expect(folded.added.length).toBe(10)
    expectUntouched(model, folded.model.parts)
    expectSolved(folded.model, model.parts, fresh, side)
    folded.model.destroy()
  })
})

describe('fold-in', () => {
  it.each(sides)('finds where the objective of new %s is level under the bounded link', async side => {
    const { known, fresh } = held(planted, side)
    const { model } = await fit(device.gpu, known, { factors: 4, seed: 1, link: 'bounded', regularization: 0.5 })
    const { model: grown } = await foldIn(device.gpu, model, fresh, { side })
    const { parts } = grown
    const settings = parts.options as { userRegularization: number; itemRegularization: number }
    const lambda = settings[side === 'users' ? 'userRegularization' : 'itemRegularization']
    const aligned = fresh.alignTo(parts.userIds, parts.itemIds)
    const [own, fixed] =
      side === 'users' ? [parts.userFactors, parts.itemFactors] : [parts.itemFactors, parts.userFactors]
    const width = parts.range.max - parts.range.min
    for (let row = 0; row < 10; row++) {
      const index = (side === 'users' ? model.userCount : model.itemCount) + row
      const places = [...aligned[side].keys()].filter(e => aligned[side][e] === index)
      const p = own.subarray(index * 4, index * 4 + 4)
      const gradient = Array.from(p, value => lambda * Math.sqrt(places.length) * value)
      let size = 0
      for (const e of places) {
        const share =
          (grown.predict(parts.userIds.at(aligned.users[e]!), parts.itemIds.at(aligned.items[e]!)) - parts.range.min) /
          width
        const pull = (aligned.values[e]! - parts.range.min - width * share) * width * share * (1 - share)
        for (let j = 0; j < 4; j++) {
          const q = fixed[aligned[other[side]][e]! * 4 + j]!
          gradient[j]! -= pull * q
          size += Math.abs(pull * q)
        }
      }
      for (const value of gradient) expect(Math.abs(value)).toBeLessThan(2e-3 * size)
    }
  })

  it.each(sides)('takes the penalty of the caller for new %s', async side => {
    const { known, fresh } = held(planted, side)
    const { model } = await fit(device.gpu, known, { factors: 4, seed: 1, solver: 'als', regularization: 0.1 })
    const { model: grown } = await foldIn(device.gpu, model, fresh, { side, regularization: 2 })
    expectSolved(grown, model.parts, fresh, side, 2)
  })

  it('takes entries of one cell of an implicit model for parts of its value', async () => {
    const { known, fresh } = held(planted, 'users')
    const raw = (side: Side) => Array.from(fresh[side], row => fresh[side === 'users' ? 'userIds' : 'itemIds'].at(row))
    const twice = <T>(list: Iterable<T>) => [...list, ...list]
    const halves = Array.from(fresh.values, value => value / 2)
    const copies = Ratings.from(twice(raw('users')), twice(raw('items')), twice(halves))
    for (const options of [{ alpha: 2 }, { unobservedWeight: 0.1 }]) {
      const { model } = await fit(device.gpu, known, { model: 'implicit', factors: 4, seed: 1, ...options })
      const [whole, parts] = [await foldIn(device.gpu, model, fresh), await foldIn(device.gpu, model, copies)]
      expect(parts.model.parts.userFactors).toEqual(whole.model.parts.userFactors)
      expect(parts).toMatchObject({ added: whole.added, entries: 2 * whole.entries })
    }
  })

  it('needs a penalty for a model by adam that keeps no entries', async () => {
    const { known, fresh } = held(planted, 'users')
    const { model } = await fit(device.gpu, known, { factors: 3, optimizer: 'adam', epochs: 1, keepSeen: false })
    await expect(foldIn(device.gpu, model, fresh)).rejects.toThrow(/no training entries.*give a regularization/)
    await expect(foldIn(device.gpu, model, fresh)).rejects.toBeInstanceOf(InputError)
    const { model: grown } = await foldIn(device.gpu, model, fresh, { regularization: 0.5 })
    const biasRegularization = 0.5
    const parts = { ...model.parts, seen: { offsets: new Uint32Array(1), items: new Uint32Array(2) } }
    expectSolved(grown, { ...parts, options: { ...parts.options, biasRegularization } }, fresh, 'users', 0.5)
  })

  it('counts ids that the model knows, those it can do nothing with, and leaves entries of unknown items out', async () => {
    const { model } = await fit(device.gpu, Ratings.from(['a', 'b'], ['x', 'y'], [1, 5]), { factors: 2, solver: 'als' })
    const fresh = Ratings.from(['a', 'c', 'c', 'd', 'e'], ['x', 'y', 'z', 'z', 'y'], [3, 4, 5, 2, 1])
    const folded = await foldIn(device.gpu, model, fresh)
    expect(folded).toMatchObject({ added: ['c', 'e'], known: 1, left: 1, entries: 2 })
    expect([...folded.model.parts.userIds.values]).toEqual(['a', 'b', 'c', 'e'])
    expect(folded.model.predict('c', 'y')).toBeGreaterThan(folded.model.predict('e', 'y'))
    const nothing = await foldIn(device.gpu, model, Ratings.from(['a'], ['x'], [1]))
    expect(nothing).toMatchObject({ added: [], known: 1, entries: 0 })
    expect(nothing.model.parts).toEqual(model.parts)
  })

  it.each(sides)('leaves new %s out whose entries have no finite solution, and adds the others', async side => {
    const { model } = await fit(device.gpu, planted, { factors: 3, solver: 'als', epochs: 2 })
    const fresh = (ids: readonly number[]) => {
      const entries = ids.flatMap(id => [1, 2, 3, 4].map(one => [id, one, id % 2 === 0 ? 3e38 : one] as const))
      const [rows, others, values] = ([0, 1, 2] as const).map(at => entries.map(entry => entry[at]))
      return side === 'users' ? Ratings.from(rows!, others!, values!) : Ratings.from(others!, rows!, values!)
    }
    const folded = await foldIn(device.gpu, model, fresh([900, 901, 902, 903]), { side })
    expect(folded).toMatchObject({ added: [901, 903], known: 0, left: 2, unsolved: [900, 902], entries: 8 })
    const without = await foldIn(device.gpu, model, fresh([901, 903]), { side })
    expect(without).toMatchObject({ added: [901, 903], left: 0, unsolved: [], entries: 8 })
    expect(folded.model.parts).toEqual(without.model.parts)
    const none = await foldIn(device.gpu, model, fresh([900]), { side })
    expect(none).toMatchObject({ added: [], left: 1, unsolved: [900], entries: 0 })
    expect(none.model.parts).toEqual(model.parts)
  })

  it('refuses sides that there are not, and models whose options are none', async () => {
    const { model } = await fit(device.gpu, planted, { factors: 2, epochs: 1 })
    const fresh = Ratings.from([999], [Number(planted.itemIds.at(0))], [3])
    await expect(foldIn(device.gpu, model, fresh, { side: 'rows' as never })).rejects.toBeInstanceOf(OptionError)
    await expect(foldIn(device.gpu, model, fresh, { regularization: -1 })).rejects.toBeInstanceOf(OptionError)
    const misspelt = foldIn(device.gpu, model, fresh, { regularisation: 1 } as never)
    await expect(misspelt).rejects.toMatchObject({ option: 'regularisation', nearest: 'regularization' })
    for (const name of ['epochs', 'seed'] as const) {
      const needless = foldIn(device.gpu, model, fresh, { [name]: 1 })
      await expect(needless).rejects.toMatchObject({
        code: 'OPTION',
        option: name,
        message: expect.stringMatching(/bpr only, not with explicit/),
      })
    }
    const strange = new Model({ ...model.parts, options: { factors: 'many' } })
    await expect(foldIn(device.gpu, strange, fresh)).rejects.toBeInstanceOf(InputError)
  })
})

const groups = 3

/** 60 users, most of whose items are of their own group: those of equal remainder. */
function groupedUse(): Ratings {
  const random = new Random(4)
  const pairs: [user: number, item: number][] = []
  for (let user = 0; user < 60; user++) {
    for (let item = 0; item < 60; item++) {
      if (random.uniform() < (user % groups === item % groups ? 0.7 : 0.02)) pairs.push([user, item])
    }
  }
  const column = (at: 0 | 1) => pairs.map(pair => pair[at])
  return Ratings.from(
    column(0),
    column(1),
    pairs.map(() => 1),
  )
}

/** Share of the pairs of one row of the other side of a new row's group and one that is not that it ranks in this order. */
function pairAccuracy(model: Model, added: readonly (string | number)[], side: Side): number {
  let right = 0
  let count = 0
  for (const id of added.map(Number)) {
    // An item's bias is a matter of all users: new items are compared for users of the two kinds.
    const scores = Array.from({ length: 60 }, (_, one) =>
      side === 'users' ? model.predict(id, one) : model.predict(one, id),
    )
    for (let a = id % groups; a < 60; a += groups) {
      for (let b = 0; b < 60; b++) {
        if (b % groups === id % groups) continue
        right += Number(scores[a]! > scores[b]!)
        count++
      }
    }
  }
  return right / count
}

describe('fold-in into a model by bpr', () => {
  const use = groupedUse()
  const settings = { model: 'bpr', factors: 6, epochs: 40, seed: 2 } as const

  it.each(sides)('ranks for new %s as for those of its training', async side => {
    const { known, fresh } = held(use, side)
    const { model } = await fit(device.gpu, known, settings)
    const { model: grown, added } = await foldIn(device.gpu, model, fresh, { side })
    expectUntouched(model, grown.parts)
    expect(added).toHaveLength(10)
    expect(pairAccuracy(grown, added, side)).toBeGreaterThan(0.95)
    const again = await foldIn(device.gpu, model, fresh, { side })
    expect(again.model.parts).toEqual(grown.parts)
  })

  it.each(sides)('ranks for new %s without the entries of its training too', async side => {
    const { known, fresh } = held(use, side)
    const { model } = await fit(device.gpu, known, { ...settings, negativePower: 1, keepSeen: false })
    const { model: grown, added } = await foldIn(device.gpu, model, fresh, { side })
    expect(grown.parts.seen).toBeUndefined()
    expect(pairAccuracy(grown, added, side)).toBeGreaterThan(0.95)
  })

  it.each(sides)('draws negatives for one row of the %s by their popularity in the training', async side => {
    const { known, fresh } = held(use, side)
    const { model } = await fit(device.gpu, known, { ...settings, negativePower: 1 })
    const first = fresh[side].findIndex((_, e) => fresh[side][e] === 0)
    const one = fresh.select(fresh[side].map((_, e) => e).filter(e => fresh[side][e] === fresh[side][first]))
    const { model: grown, added } = await foldIn(device.gpu, model, one, { side })
    expectUntouched(model, grown.parts)
    expect(added).toHaveLength(1)
    expect(pairAccuracy(grown, added, side)).toBeGreaterThan(0.95)
  })

  it('draws negatives for new users by how many have an item, whoever they are', async () => {
    const { known, fresh } = held(use, 'users')
    const { model } = await fit(device.gpu, known, { ...settings, negativePower: 1, epochs: 3 })
    const factorsOf = async (seen: SeenItems) =>
      (await foldIn(device.gpu, new Model({ ...model.parts, seen }), fresh)).model.parts.userFactors
    const seen = model.parts.seen!
    const { userCount: users, itemCount: items } = model
    const lists = Array.from({ length: users }, (_, user) =>
      seen.items.slice(seen.offsets[user], seen.offsets[user + 1]),
    )
    const listed = (of: Uint32Array[]): SeenItems => {
      const offsets = new Uint32Array(users + 1)
      for (const [user, list] of of.entries()) offsets[user + 1] = offsets[user]! + list.length
      return { offsets, items: Uint32Array.from(of.flatMap(list => [...list])) }
    }
    const standard = await factorsOf(seen)
    expect(await factorsOf(listed(lists.toReversed()))).toEqual(standard)
    const others = lists.map(list => list.map(item => items - 1 - item).reverse())
    expect(await factorsOf(listed(others))).not.toEqual(standard)
  })

  it('passes as often as it is told, by the draws that it is told, else those of the training', async () => {
    const { known, fresh } = held(use, 'users')
    const { model } = await fit(device.gpu, known, { ...settings, epochs: 3 })
    const factorsOf = async (options: FoldInOptions, of = model) =>
      (await foldIn(device.gpu, of, fresh, options)).model.parts.userFactors.slice(model.parts.userFactors.length)
    const standard = await factorsOf({})
    expect(await factorsOf({ epochs: 3, seed: 2 })).toEqual(standard)
    expect(await factorsOf({ epochs: 1 })).not.toEqual(standard)
    expect(await factorsOf({ seed: 3 })).not.toEqual(standard)
    const random = new Random(7, 1)
    expect(await factorsOf({ epochs: 0, seed: 7 })).toEqual(standard.map(() => 0.01 * random.normal()))
    const long = new Model({ ...model.parts, options: { ...model.parts.options, epochs: 60 } })
    expect(await factorsOf({}, long)).toEqual(await factorsOf({ epochs: 50 }))
  })
})

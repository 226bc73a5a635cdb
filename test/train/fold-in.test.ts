import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { InputError, OptionError } from '../../src/errors.ts'
import type { Model } from '../../src/model/model.ts'
import type { ModelParts } from '../../src/model/parts.ts'
import { fit } from '../../src/train/fit.ts'
import { foldIn } from '../../src/train/fold-in.ts'
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

const cases: { title: string; options: TrainOptions }[] = [
  { title: 'als', options: { solver: 'als', regularization: 0.05, penalty: 'weighted' } },
  { title: 'sgd without biases', options: { regularization: 0.5, biases: false, epochs: 10 } },
  { title: 'minibatch adam', options: { optimizer: 'adam', regularization: 1e-3, learningRate: 0.02, epochs: 10 } },
  { title: 'implicit', options: { model: 'implicit', unobservedWeight: 0.1, regularization: 0.02 } },
  { title: 'implicit by confidence', options: { model: 'implicit', alpha: 2, regularization: 0.2, penalty: 'sqrt' } },
]

/** Rows of one side against the other in double precision: one half of an iteration over the fresh entries. */
function reference(
  parts: ModelParts,
  fresh: Ratings,
  side: Side,
  n: number,
): { factors: Float64Array; bias: Float64Array } {
  const { options } = parts as { options: Partial<Record<string, number>> }
  const half = options.optimizer === ('adam' as never) ? parts.seen!.items.length / 2 : 1
  const aligned = fresh.alignTo(
    side === 'users' ? fresh.userIds : parts.userIds,
    side === 'items' ? fresh.itemIds : parts.itemIds,
  )
  const count = fresh[side === 'users' ? 'userIds' : 'itemIds'].size
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
      userPenalty: half * options[side === 'users' ? 'userRegularization' : 'itemRegularization']!,
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

describe.each(cases)('fold-in into a model by $title', ({ options }) => {
  it.each(sides)('solves new %s as the reference does, and leaves the rest alone', async side => {
    const { known, fresh } = held(planted, side)
    const { model } = await fit(device.gpu, known, { factors: 5, seed: 1, ...options })
    const folded = await foldIn(device.gpu, model, fresh, { side })
    const { parts } = folded.model
    expect(folded).toMatchObject({ known: 0, left: 0, entries: fresh.length })
    expect(folded.added.length).toBe(10)
    expectUntouched(model, parts)
    const n = side === 'users' ? model.itemCount : model.userCount
    const expected = reference(model.parts, fresh, side, n)
    const before = side === 'users' ? model.userCount : model.itemCount
    const table = side === 'users' ? parts.userFactors : parts.itemFactors
    const bias = side === 'users' ? parts.userBias : parts.itemBias
    // Single precision, times the condition of the rows' equations (some hundreds here).
    expectClose('factors', table.subarray(before * 5), expected.factors, () => 1000 * 2 ** -23 * 3)
    if (bias !== undefined) expectClose('bias', bias.subarray(before), expected.bias, () => 1000 * 2 ** -23 * 3)
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

  it.each(sides)('ranks for new %s of a model by bpr as for those of its training', async side => {
    const random = new Random(4)
    const users: number[] = []
    const items: number[] = []
    for (let user = 0; user < 60; user++) {
      for (let item = 0; item < 60; item++) {
        if (random.uniform() < (user % 3 === item % 3 ? 0.7 : 0.02)) {
          users.push(user)
          items.push(item)
        }
      }
    }
    const all = Ratings.from(
      users,
      items,
      users.map(() => 1),
    )
    const { known, fresh } = held(all, side)
    const { model } = await fit(device.gpu, known, { model: 'bpr', factors: 6, epochs: 40, seed: 2 })
    const { model: grown, added } = await foldIn(device.gpu, model, fresh, { side })
    expectUntouched(model, grown.parts)
    let right = 0
    let count = 0
    for (const id of added.map(Number)) {
      for (let a = 0; a < 60; a++) {
        for (let b = 0; b < 60; b++) {
          if (a % 3 !== id % 3 || b % 3 === id % 3) continue
          const score = (one: number) => (side === 'users' ? grown.predict(id, one) : grown.predict(one, id))
          // An item's bias is a matter of all users: new items are compared for users of the two kinds.
          right += Number(score(a) > score(b))
          count++
        }
      }
    }
    expect(right / count).toBeGreaterThan(0.95)
    const again = await foldIn(device.gpu, model, fresh, { side })
    expect(again.model.parts).toEqual(grown.parts)
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

  it('refuses sides that there are not, and models whose options are none', async () => {
    const { model } = await fit(device.gpu, planted, { factors: 2, epochs: 1 })
    const fresh = Ratings.from([999], [Number(planted.itemIds.at(0))], [3])
    await expect(foldIn(device.gpu, model, fresh, { side: 'rows' as never })).rejects.toBeInstanceOf(OptionError)
    await expect(foldIn(device.gpu, model, fresh, { regularization: -1 })).rejects.toBeInstanceOf(OptionError)
    const { Model: ModelOf } = await import('../../src/model/model.ts')
    const strange = new ModelOf({ ...model.parts, options: { factors: 'many' } })
    await expect(foldIn(device.gpu, strange, fresh)).rejects.toBeInstanceOf(InputError)
  })
})

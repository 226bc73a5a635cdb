import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { GpuUnavailableError, InputError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { Model, type RecommendOptions } from '../../src/model/model.ts'
import type { ModelParts } from '../../src/model/parts.ts'
import type { RankOptions } from '../../src/model/ranker.ts'
import { openTestGpu } from '../support/gpu.ts'

const users = 23
const items = 57

/** A model of random parameters; user u has seen the items below `seenBelow`. */
function randomParts(factors: number, seed: number, extra: Partial<ModelParts> = {}): ModelParts {
  const random = new Random(seed)
  const draw = (length: number) => Float32Array.from({ length }, () => random.normal())
  const seenBelow = Uint32Array.from({ length: users }, (_, u) => (u === 0 ? items : u))
  const offsets = new Uint32Array(users + 1)
  seenBelow.forEach((count, u) => {
    offsets[u + 1] = offsets[u]! + count
  })
  return {
    factors,
    userFactors: draw(users * factors),
    itemFactors: draw(items * factors),
    userBias: draw(users),
    itemBias: draw(items),
    mean: 3,
    link: 'linear',
    range: { min: 1, max: 5 },
    clip: false,
    userIds: new IdTable(Array.from({ length: users }, (_, u) => `user ${u}`)),
    itemIds: new IdTable(Float64Array.from({ length: items }, (_, i) => 100 + i)),
    seen: { offsets, items: Uint32Array.from([...seenBelow].flatMap(count => [...Array(count).keys()])) },
    options: {},
    ...extra,
  }
}

describe('Model', () => {
  let gpu: Gpu
  beforeAll(async () => {
    gpu = await openTestGpu()
  })
  afterAll(() => gpu.destroy())

  it.each([1, 4, 7, 64])('predicts on the GPU what it predicts on the host, k = %i', async factors => {
    for (const extra of [
      {},
      { clip: true },
      { link: 'bounded' },
      { userBias: undefined, itemBias: undefined },
    ] as const) {
      const model = new Model(randomParts(factors, factors, extra), gpu)
      const pairs = Array.from(
        { length: users * items },
        (_, e) => [`user ${e % users}`, 100 + (e % items)] as [string, number],
      )
      pairs.push(['stranger', 100], ['user 1', 7], ['stranger', 7])
      const predicted = await model.predictMany(
        pairs.map(([user]) => user),
        pairs.map(([, item]) => item),
      )
      pairs.forEach(([user, item], e) => {
        const expected = model.predict(user, item)
        expect(Math.abs(predicted[e]! - expected)).toBeLessThan(
          factors * 2 ** -20 * Math.max(1, Math.abs(expected)) + 1e-6,
        )
      })
      model.destroy()
    }
  })

  it('recommends what a full sort of its scores gives, without what was seen', async () => {
    const model = new Model(randomParts(8, 5), gpu)
    const user = 9
    const expected = Array.from({ length: items }, (_, i) => i)
      .filter(i => i >= user && i !== 20)
      .sort((a, b) => model.predict(`user ${user}`, 100 + b) - model.predict(`user ${user}`, 100 + a))
      .slice(0, 6)
      .map(i => 100 + i)
    const best = await model.recommend(`user ${user}`, { k: 6, exclude: [120, 'unknown'] })
    expect(best.map(({ item }) => item)).toEqual(expected)
    model.destroy()
  })

  it('recommends seen items when asked, nothing to a user who has seen all, and fewer than k where fewer are left', async () => {
    const model = new Model(randomParts(3, 6), gpu)
    expect(await model.recommend('user 0')).toEqual([])
    expect(await model.recommend('user 0', { includeSeen: true })).toHaveLength(10)
    expect(await model.recommend('user 22', { k: 1000 })).toHaveLength(items - 22)
    model.destroy()
  })

  it('ranks by unclipped scores and breaks ties by item index', async () => {
    const flat = randomParts(2, 7, {
      userFactors: new Float32Array(users * 2),
      itemBias: new Float32Array(items),
      clip: true,
    })
    flat.itemBias!.set([50, 60], 30)
    const model = new Model(flat, gpu)
    const best = await model.recommend('user 5', { k: 4 })
    expect(best.map(({ item }) => item)).toEqual([131, 130, 105, 106])
    expect(best[0]!.prediction).toBe(5)
    model.destroy()
  })

  it('recommends for many as for each', async () => {
    const model = new Model(randomParts(5, 8), gpu)
    const all = []
    for await (const entry of model.recommendMany(['user 3', 'user 1', 'user 3'], { k: 3 })) all.push(entry)
    expect(all.map(({ user }) => user)).toEqual(['user 3', 'user 1', 'user 3'])
    for (const { user, items: best } of all) expect(best).toEqual(await model.recommend(user, { k: 3 }))
    model.destroy()
  })

  it('recommends only what is on the allow list, less what is excluded or seen', async () => {
    const model = new Model(randomParts(5, 8), gpu)
    const include = [150, 'unknown', 104, 120, 121, 102]
    const found = async (options: RecommendOptions) =>
      new Set((await model.recommend('user 4', { include, ...options })).map(({ item }) => item))
    expect(await found({})).toEqual(new Set([104, 120, 121, 150]))
    expect(await found({ exclude: [120] })).toEqual(new Set([104, 121, 150]))
    expect(await found({ includeSeen: true })).toEqual(new Set([102, 104, 120, 121, 150]))
    expect(await found({ include: [] })).toEqual(new Set([]))
    expect(await found({ include: ['unknown'] })).toEqual(new Set([]))
    model.destroy()
  })

  it('ranks users by dense index, without what they have seen unless told otherwise', async () => {
    const model = new Model(randomParts(5, 8), gpu)
    const rankAll = async (options: RankOptions) => {
      const blocks = []
      for await (const block of model.rankUsers(Uint32Array.of(0, 7, 3), options)) blocks.push(block)
      return blocks.flatMap(({ users: own, counts }) => Array.from(own, (user, place) => [user, counts[place]]))
    }
    const all = { k: items }
    expect(await rankAll(all)).toEqual([
      [0, 0],
      [7, items - 7],
      [3, items - 3],
    ])
    const nothing = { offsets: new Uint32Array(users + 1), items: new Uint32Array(0) }
    expect(await rankAll({ ...all, seen: nothing })).toEqual([
      [0, items],
      [7, items],
      [3, items],
    ])
    await expect(rankAll({ k: 0 })).rejects.toBeInstanceOf(InputError)
    model.destroy()
  })

  it('ranks positives among what their users have not seen', async () => {
    const model = new Model(randomParts(5, 8), gpu)
    const positives = { offsets: Uint32Array.of(0, 2, 3), items: Uint32Array.of(30, 41, 20) }
    const ranks = await model.rankPositives(Uint32Array.of(9, 4), positives)
    expect([...ranks.negatives]).toEqual([items - 9 - 2, items - 4 - 1])
    const above = [30, 41].map(positive => {
      const others = Array.from({ length: items }, (_, i) => i).filter(i => i >= 9 && i !== 30 && i !== 41)
      return others.filter(i => model.predict('user 9', 100 + i) > model.predict('user 9', 100 + positive)).length
    })
    expect([...ranks.above.subarray(0, 2)]).toEqual(above)
    expect([...ranks.equal]).toEqual([0, 0, 0])
    model.destroy()
  })

  it('recommends with item biases alone', async () => {
    const model = new Model(randomParts(3, 4, { userBias: undefined, mean: 0 }), gpu)
    const [best] = await model.recommend('user 2', { k: 1 })
    const predictions = Array.from({ length: items - 2 }, (_, i) => model.predict('user 2', 102 + i))
    expect(best!.prediction).toBeCloseTo(Math.max(...predictions), 4)
    model.destroy()
  })

  it('finds similar items and users, without a GPU', () => {
    const model = new Model(randomParts(4, 3))
    const cosine = (a: number, b: number) => {
      const row = (at: number) => [...model.parts.itemFactors.subarray(4 * at, 4 * at + 4)]
      return (
        row(a).reduce((sum, value, j) => sum + value * row(b)[j]!, 0) / Math.hypot(...row(a)) / Math.hypot(...row(b))
      )
    }
    const expected = Array.from({ length: items }, (_, i) => i)
      .filter(i => i !== 12)
      .sort((a, b) => cosine(12, b) - cosine(12, a))
    const similar = model.similarItems(112)
    expect(similar.map(({ id }) => id)).toEqual(expected.slice(0, 10).map(i => 100 + i))
    expect(similar[0]!.similarity).toBeCloseTo(cosine(12, expected[0]!), 10)
    const few = model.similarItems(112, { k: 3, include: [100, 112, 130, 'unknown'], exclude: [100] })
    expect(few.map(({ id }) => id)).toEqual([130])
    const users = model.similarUsers('user 3', { k: 5, measure: 'dot' })
    expect(users).toHaveLength(5)
    expect(users.map(({ id }) => id)).not.toContain('user 3')
    expect(() => model.similarItems(99)).toThrow(/does not know the item 99/)
    expect(() => model.similarUsers('nobody')).toThrow(InputError)
    expect(() => model.similarItems(112, { k: 0 })).toThrow(InputError)
    expect(() => model.similarItems(112, { measure: 'euclid' as 'dot' })).toThrow(/must be cosine or dot, not euclid/)
  })

  it('uploads once when much is asked at a time', async () => {
    const { device } = gpu
    const create = device.createBuffer
    const made: string[] = []
    device.createBuffer = descriptor => {
      made.push(descriptor.label ?? '')
      return create.call(device, descriptor)
    }
    try {
      const model = new Model(randomParts(5, 8), gpu)
      await Promise.all([model.predictMany(['user 1'], [100]), model.recommend('user 1'), model.recommend('user 2')])
      model.destroy()
    } finally {
      device.createBuffer = create
    }
    for (const table of ['user-factors', 'item-factors', 'user-bias', 'item-bias']) {
      expect(made.filter(label => label === table)).toHaveLength(1)
    }
  })

  it('evaluates ratings numbered in another way, and counts whom it does not know', async () => {
    const model = new Model(randomParts(6, 9), gpu)
    const ratings = Ratings.from(['user 4', 'new', 'user 2', 'user 4'], [110, 100, 5, 101], [3, 4, 2, 1])
    const { rmse, mae, ...counts } = await model.evaluate(ratings)
    const errors = [
      3 - model.predict('user 4', 110),
      4 - model.predict('new', 100),
      2 - model.predict('user 2', 5),
      1 - model.predict('user 4', 101),
    ]
    expect(rmse).toBeCloseTo(Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / 4), 5)
    expect(mae).toBeCloseTo(errors.reduce((sum, e) => sum + Math.abs(e), 0) / 4, 5)
    expect(counts).toEqual({ entries: 4, unknownUsers: 1, unknownItems: 1 })
    model.destroy()
  })

  it('refuses strangers, a k that is no number, and bulk work without a GPU', async () => {
    const model = new Model(randomParts(2, 1), gpu)
    await expect(model.recommend('nobody')).rejects.toThrow(/does not know the user "nobody"/)
    await expect(model.recommend('user 1', { k: 0 })).rejects.toBeInstanceOf(InputError)
    await expect(model.recommend('user 1', { k: 2.5 })).rejects.toBeInstanceOf(InputError)
    const hostOnly = new Model(randomParts(2, 1))
    expect(Number.isFinite(hostOnly.predict('user 1', 100))).toBe(true)
    await expect(hostOnly.recommend('user 1')).rejects.toBeInstanceOf(GpuUnavailableError)
    model.destroy()
  })

  it('comes back from its own bytes as it was, and frees what it took', async () => {
    const model = new Model(randomParts(4, 2), gpu)
    const bytes = Buffer.concat(model.encode())
    const copy = Model.decode(bytes, gpu)
    expect(copy.parts).toEqual(model.parts)
    expect(Buffer.concat(copy.encode()).equals(bytes)).toBe(true)
    const before = gpu.liveBytes
    await copy.predictMany(['user 1'], [100])
    copy.destroy()
    expect(gpu.liveBytes).toBe(before)
  })
})

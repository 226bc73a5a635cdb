import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { LimitExceededError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { groupPairs } from '../../src/model/pair-groups.ts'
import { type RankedBlock, Ranker } from '../../src/model/ranker.ts'
import { Scorer } from '../../src/model/scorer.ts'
import { FactorTables, type ModelScale, type Parameters } from '../../src/model/tables.ts'
import { narrow, useGpu, useNarrowGpu } from '../support/gpu.ts'
import { subset } from '../support/ranking.ts'
import { randomEntries, randomModel } from '../support/scoring.ts'

const wide = useGpu()
const cut = useNarrowGpu()

const ids = (letter: string, count: number) => new IdTable(Array.from({ length: count }, (_, at) => `${letter}${at}`))

function problemOf(seed: number, users: number, items: number, factors: number, bounded: boolean) {
  const random = new Random(seed)
  const model = randomModel(random, { users, items, factors, bounded })
  const parameters: Parameters = {
    userFactors: Float32Array.from(model.userFactors),
    itemFactors: Float32Array.from(model.itemFactors),
    userBias: Float32Array.from(model.userBias),
    itemBias: Float32Array.from(model.itemBias),
  }
  const scale: ModelScale = {
    mean: model.mean,
    link: bounded ? 'bounded' : 'linear',
    range: { min: 1, max: 5 },
    clip: !bounded,
  }
  const entries = randomEntries(random, model, 150, 0.05)
  const ratings = new Ratings({
    users: Uint32Array.from(entries, ({ user }) => user),
    items: Uint32Array.from(entries, ({ item }) => item),
    values: Float32Array.from(entries, ({ value }) => value),
    userIds: ids('u', users),
    itemIds: ids('i', items),
  })
  const lists = (share: number) => {
    const all = Array.from({ length: users }, () => subset(random, items, share))
    const offsets = new Uint32Array(users + 1)
    all.forEach((list, at) => {
      offsets[at + 1] = offsets[at]! + list.length
    })
    return { offsets, items: Uint32Array.from(all.flat()) }
  }
  const denied = Uint8Array.from({ length: items }, () => Number(random.uniform() < 0.1))
  const asked = Uint32Array.from({ length: users }, () => random.below(users))
  return {
    shape: { users, items, factors },
    parameters,
    scale,
    ratings,
    seen: lists(0.2),
    liked: lists(0.1),
    denied,
    asked,
  }
}

/** All that is asked of tables, on a device. */
async function answers(on: Gpu, problem: ReturnType<typeof problemOf>) {
  const { shape, parameters, scale, ratings, seen, liked, denied, asked } = problem
  const owner = on.buffers()
  try {
    const tables = new FactorTables(owner, shape)
    tables.write(on, parameters)
    const scorer = new Scorer(on, tables, scale)
    const ranker = new Ranker(on, tables, {
      mean: scale.mean,
      userIds: ids('u', shape.users),
      itemIds: ids('i', shape.items),
    })
    const blocks: RankedBlock[] = []
    for await (const block of ranker.rank(asked, { k: 5, seen, denied })) blocks.push(block)
    const result = {
      back: await tables.read(on),
      errors: await scorer.errors(ratings),
      predictions: await scorer.predictions(ratings.users, ratings.items),
      items: blocks.flatMap(({ items }) => [...items]),
      scores: blocks.flatMap(({ scores }) => [...scores]),
      counts: blocks.flatMap(({ counts }) => [...counts]),
      positives: await ranker.positives(asked, liked, { denied }),
    }
    scorer.destroy()
    return { ...result, shards: [tables.users.shards.length, tables.items.shards.length] }
  } finally {
    owner.destroy()
  }
}

describe('tables over several buffers', () => {
  it('give the answers of one buffer, bit for bit', async () => {
    let most = 0
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        fc.integer({ min: 12_000, max: 25_000 }),
        async (seed, users, items, factors, bounded, bytes) => {
          const problem = problemOf(seed, users, items, factors, bounded)
          const { shards: whole, ...expected } = await answers(wide.gpu, problem)
          expect(whole).toEqual([1, 1])
          narrow(cut.gpu, bytes)
          const { shards, ...actual } = await answers(cut.gpu, problem)
          expect(actual).toEqual(expected)
          most = Math.max(most, ...shards)
          expect(actual.back).toEqual(problem.parameters)
        },
      ),
      { seed: 4, numRuns: 40 },
    )
    expect(most).toBeGreaterThan(4)
  })

  it('refuse rows that no buffer holds, before there is any', () => {
    narrow(cut.gpu, 400)
    const before = cut.gpu.liveBytes
    const owner = cut.gpu.buffers()
    expect(() => new FactorTables(owner, { users: 3, items: 3, factors: 101 })).toThrow(LimitExceededError)
    expect(cut.gpu.liveBytes).toBe(before)
  })

  it('are cut by the widest of the tables that are cut alike, copies among them', () => {
    narrow(cut.gpu, 4000)
    const owner = cut.gpu.buffers()
    const tables = new FactorTables(owner, { users: 90, items: 60, factors: 8 }, { rowBytes: 100 })
    const alike = tables.alike(owner, 'kept ')
    for (const { users, items } of [tables, alike]) {
      expect(users.shards.map(({ first, rows }) => [first, rows])).toEqual([
        [0, 40],
        [40, 40],
        [80, 10],
      ])
      expect(items.shards).toHaveLength(2)
    }
    expect(new FactorTables(owner, { users: 90, items: 60, factors: 8 }).users.shards).toHaveLength(1)
    owner.destroy()
  })
})

describe('groupPairs', () => {
  it('finds each pair where its place says, counted from the shards', () => {
    const shards = [
      { first: 0, rows: 4 },
      { first: 4, rows: 4 },
      { first: 8, rows: 1 },
    ]
    const users = Uint32Array.of(8, 0, 5, UNKNOWN, 3, 9)
    const items = Uint32Array.of(0, 0, 8, 7, UNKNOWN, 2)
    const { pairs, places, groups } = groupPairs(users, items, shards, shards)
    expect([...places].sort()).toEqual([0, 1, 2, 3, 4, 5])
    users.forEach((user, at) => {
      const place = places[at]!
      const group = groups.find(({ start, end }) => place >= start && place < end)!
      const [localUser, localItem] = [pairs[2 * place]!, pairs[2 * place + 1]!]
      if (user < 9) expect(localUser + shards[group.userShard]!.first).toBe(user)
      else expect(localUser).toBe(UNKNOWN)
      if (items[at]! < 9) expect(localItem + shards[group.itemShard]!.first).toBe(items[at])
      else expect(localItem).toBe(UNKNOWN)
    })
  })
})

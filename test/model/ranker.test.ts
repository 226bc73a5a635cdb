import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import type { SeenItems } from '../../src/data/seen.ts'
import { InputError } from '../../src/errors.ts'
import type { BufferOwner } from '../../src/gpu/buffers.ts'
import type { RankPlan } from '../../src/model/rank-plan.ts'
import { type RankedBlock, Ranker, type RankOptions } from '../../src/model/ranker.ts'
import { FactorTables } from '../../src/model/tables.ts'
import { countItems } from '../reference/rank_counts.ts'
import { rankedItems } from '../reference/rank_items.ts'
import { type ReferenceModel, score } from '../reference/score.ts'
import { useGpu } from '../support/gpu.ts'
import { subset, tiles, wholeModel } from '../support/ranking.ts'
import { randomModel, scoreTolerance } from '../support/scoring.ts'
import { expectClose } from '../support/tolerance.ts'

const device = useGpu()
let owner: BufferOwner | undefined
afterEach(() => owner?.destroy())

function rankerOf(model: ReferenceModel): Ranker {
  const { users, items, factors, userFactors, itemFactors, userBias, itemBias } = model
  owner?.destroy()
  owner = device.gpu.buffers()
  const tables = new FactorTables(owner, { users, items, factors })
  tables.write(device.gpu, {
    userFactors: Float32Array.from(userFactors),
    itemFactors: Float32Array.from(itemFactors),
    userBias: Float32Array.from(userBias),
    itemBias: Float32Array.from(itemBias),
  })
  const ids = (letter: string, count: number) => new IdTable(Array.from({ length: count }, (_, at) => `${letter}${at}`))
  return new Ranker(device.gpu, tables, { mean: model.mean, userIds: ids('u', users), itemIds: ids('i', items) })
}

/** The list of each user asked for, and the blocks that they came in. */
async function rank(ranker: Ranker, users: readonly number[], options: RankOptions, plan?: RankPlan) {
  const blocks: RankedBlock[] = []
  for await (const block of ranker.rank(Uint32Array.from(users), options, plan)) blocks.push(block)
  const lists = blocks.flatMap(({ counts, k, items, scores }) =>
    Array.from(counts, (count, place) => {
      const at = place * k
      expect(items.subarray(at + count, at + k).every(item => item === UNKNOWN)).toBe(true)
      return Array.from({ length: count }, (_, slot) => ({ item: items[at + slot]!, score: scores[at + slot]! }))
    }),
  )
  expect(blocks.flatMap(block => [...block.users])).toEqual(users)
  return { lists, blocks }
}

function csr(lists: readonly (readonly number[])[]): SeenItems {
  const offsets = new Uint32Array(lists.length + 1)
  lists.forEach((list, at) => {
    offsets[at + 1] = offsets[at]! + list.length
  })
  return { offsets, items: Uint32Array.from(lists.flat()) }
}

const itemsOf = ({ offsets, items }: SeenItems, row: number) =>
  new Set(items.subarray(offsets[row]!, offsets[row + 1]!))

/** A random ranking: model of exact scores, masks, and how it is cut. */
const problem = fc
  .record({
    seed: fc.nat(),
    users: fc.integer({ min: 1, max: 12 }),
    items: fc.integer({ min: 1, max: 120 }),
    factors: fc.integer({ min: 1, max: 9 }),
    queries: fc.integer({ min: 1, max: 150 }),
    k: fc.integer({ min: 1, max: 130 }),
    seenShare: fc.constantFrom(0, 0.3, 1),
    deniedShare: fc.constantFrom(0, 0.2, 1),
    tile: fc.constantFrom(...tiles),
    block: fc.constantFrom(1, 60, 1000),
    splits: fc.integer({ min: 1, max: 4 }),
    tilesPerSplit: fc.integer({ min: 1, max: 6 }),
    merge: fc.constantFrom('gpu' as const, 'host' as const),
  })
  .map(
    ({
      seed,
      users,
      items,
      factors,
      queries,
      k,
      seenShare,
      deniedShare,
      tile,
      block,
      splits,
      tilesPerSplit,
      merge,
    }) => {
      const random = new Random(seed)
      const model = wholeModel(random, users, items, factors)
      const denied = new Uint8Array(items)
      for (const item of subset(random, items, deniedShare)) denied[item] = 1
      const plan = {
        tile,
        queries: Math.max(block, queries > 20 ? 60 : 1),
        splits,
        range: tile.items * splits * tilesPerSplit,
        merge,
      }
      return {
        model,
        asked: Array.from({ length: queries }, () => random.below(users)),
        k,
        seen: csr(Array.from({ length: users }, () => subset(random, items, seenShare))),
        denied,
        plan,
        random,
      }
    },
  )

describe('Ranker.rank', () => {
  it('gives the lists of a full sort, whatever the blocks, splits and ranges', async () => {
    await fc.assert(
      fc.asyncProperty(problem, async ({ model, asked, k, seen, denied, plan }) => {
        const { lists, blocks } = await rank(rankerOf(model), asked, { k, seen, denied }, plan)
        expect(blocks.length).toBe(Math.ceil(asked.length / plan.queries))
        asked.forEach((user, place) => {
          const own = itemsOf(seen, user)
          const allowed = (item: number) => denied[item] === 0 && !own.has(item)
          expect(lists[place]).toEqual(rankedItems(model, user, k, allowed))
        })
      }),
      { seed: 21, numRuns: 60 },
    )
  })

  it.each([1, 6, 64])('has the scores of a full sort of a trained model, rank %i', async factors => {
    const model = randomModel(new Random(factors), { users: 300, items: 500, factors })
    const asked = Array.from({ length: 300 }, (_, at) => 299 - at)
    const { lists } = await rank(rankerOf(model), asked, { k: 25 })
    asked.forEach((user, place) => {
      const expected = rankedItems(model, user, 25, () => true).map(one => one.score)
      const worst = Math.max(...Array.from({ length: 500 }, (_, item) => scoreTolerance(model, user, item)))
      const scores = lists[place]!.map(one => one.score)
      expectClose('scores', scores, expected, () => worst)
    })
  })

  it('gives the same bits whatever the cut', async () => {
    const model = randomModel(new Random(2), { users: 70, items: 333, factors: 10 })
    const ranker = rankerOf(model)
    const asked = Array.from({ length: 70 }, (_, at) => at)
    const tile = { users: 4, items: 8 }
    const whole = { tile, queries: 70, splits: 1, range: 336, merge: 'host' as const }
    const { lists } = await rank(ranker, asked, { k: 15 }, whole)
    for (const plan of [
      { ...whole, merge: 'gpu' as const },
      { ...whole, splits: 3, range: 24 },
      { tile: { users: 1, items: 8 }, queries: 64, splits: 2, range: 64, merge: 'gpu' as const },
      { tile, queries: 7, splits: 5, range: 360, merge: 'gpu' as const },
    ]) {
      expect((await rank(ranker, asked, { k: 15 }, plan)).lists).toEqual(lists)
    }
  })

  it('takes no users, a k of more than all items, and one user and one item', async () => {
    const ranker = rankerOf(wholeModel(new Random(3), 4, 9, 2))
    expect((await rank(ranker, [], { k: 3 })).blocks).toEqual([])
    const { blocks } = await rank(ranker, [1], { k: 1e9 })
    expect(blocks.map(({ k, counts }) => [k, counts[0]])).toEqual([[9, 9]])
    const single = wholeModel(new Random(4), 1, 1, 1)
    expect((await rank(rankerOf(single), [0], { k: 2 })).lists).toEqual([[{ item: 0, score: score(single, 0, 0) }]])
  })

  it('keeps lists of a thousand', async () => {
    const model = wholeModel(new Random(5), 3, 3000, 4)
    const ranker = rankerOf(model)
    for (const merge of ['gpu', 'host'] as const) {
      const plan = { tile: { users: 1, items: 8 }, queries: 2, splits: 2, range: 3008, merge }
      const { lists } = await rank(ranker, [2, 0], { k: 1000 }, plan)
      expect(lists).toEqual([2, 0].map(user => rankedItems(model, user, 1000, () => true)))
    }
  })

  it.each(['gpu', 'host'] as const)('names user and item of a score that is not a number, merge %s', async merge => {
    const plan = { tile: { users: 1, items: 8 }, queries: 2, splits: 3, range: 24, merge }
    const model = wholeModel(new Random(6), 9, 40, 3)
    const itemFactors = Float32Array.from(model.itemFactors)
    itemFactors[3 * 33 + 2] = Number.NaN
    const ranker = rankerOf({ ...model, itemFactors })
    const failing = rank(ranker, [5, 7], { k: 3 }, plan)
    await expect(failing).rejects.toBeInstanceOf(InputError)
    await expect(failing).rejects.toThrow('the score of item "i33" for user "u5" is not a number')
    const seen = csr(Array.from({ length: 9 }, (_, user) => (user === 5 ? [33] : [])))
    await expect(rank(ranker, [5, 7], { k: 3, seen }, plan)).rejects.toThrow('for user "u7"')
    const denied = Uint8Array.from({ length: 40 }, (_, item) => Number(item === 33))
    expect((await rank(ranker, [5, 7], { k: 3, denied }, plan)).lists).toHaveLength(2)
  })

  it('refuses users, masks and items that there are not', async () => {
    const ranker = rankerOf(wholeModel(new Random(7), 3, 8, 2))
    await expect(rank(ranker, [3], { k: 1 })).rejects.toThrow(/there is no user 3: the model has 3/)
    await expect(rank(ranker, [0], { k: 1, denied: new Uint8Array(7) })).rejects.toBeInstanceOf(InputError)
    await expect(rank(ranker, [0], { k: 1, seen: csr([[1]]) })).rejects.toThrow(/seen items have 2 offsets; expected 4/)
    await expect(rank(ranker, [1], { k: 1, seen: csr([[], [2, 1], []]) })).rejects.toThrow(
      /of user 1 are not ascending/,
    )
    await expect(rank(ranker, [1], { k: 1, seen: csr([[], [8], []]) })).rejects.toThrow(/of user 1 hold item 8 of 8/)
  })

  it('frees what it took, when it ends, is left or is aborted', async () => {
    const ranker = rankerOf(wholeModel(new Random(8), 20, 300, 4))
    const asked = Array.from({ length: 20 }, (_, at) => at)
    const plan = { tile: { users: 1, items: 8 }, queries: 3, splits: 1, range: 8, merge: 'gpu' as const }
    await rank(ranker, asked, { k: 4 }, plan) // makes the staging buffers that stay
    const before = device.gpu.liveBytes
    await rank(ranker, asked, { k: 4 }, plan)
    expect(device.gpu.liveBytes).toBe(before)
    for await (const _ of ranker.rank(Uint32Array.from(asked), { k: 4 }, plan)) break
    expect(device.gpu.liveBytes).toBe(before)
    const stop = new AbortController()
    const reason = new Error('enough')
    const aborted = (async () => {
      for await (const { users } of ranker.rank(Uint32Array.from(asked), { k: 4, signal: stop.signal }, plan)) {
        if (users.includes(6)) stop.abort(reason)
      }
    })()
    await expect(aborted).rejects.toBe(reason)
    expect(device.gpu.liveBytes).toBe(before)
  })
})

describe('Ranker.positives', () => {
  it('counts what stands above each positive and beside it, whatever the cut', async () => {
    await fc.assert(
      fc.asyncProperty(problem, async ({ model, asked, seen, denied, plan, random }) => {
        const positives = csr(asked.map(() => subset(random, model.items, random.uniform() < 0.3 ? 0 : 0.2)))
        const ranks = await rankerOf(model).positives(Uint32Array.from(asked), positives, { seen, denied }, plan)
        asked.forEach((user, place) => {
          const [own, wanted] = [itemsOf(seen, user), itemsOf(positives, place)]
          const allowed = (item: number) => denied[item] === 0 && !own.has(item) && !wanted.has(item)
          const negatives = Array.from({ length: model.items }, (_, item) => item).filter(allowed)
          expect(ranks.negatives[place]).toBe(negatives.length)
          for (let at = positives.offsets[place]!; at < positives.offsets[place + 1]!; at++) {
            const counted = countItems(model, user, score(model, user, positives.items[at]!), allowed)
            expect({ above: ranks.above[at], equal: ranks.equal[at] }).toEqual(counted)
          }
        })
      }),
      { seed: 22, numRuns: 60 },
    )
  })

  it('finds items with the same parameters equal, to the bit', async () => {
    const [items, factors] = [64, 19]
    const model = randomModel(new Random(9), { users: 130, items, factors })
    const itemFactors = Float32Array.from(model.itemFactors)
    const itemBias = Float32Array.from(model.itemBias)
    // Items i and i + 32 are alike.
    itemFactors.copyWithin(32 * factors, 0, 32 * factors)
    itemBias.copyWithin(32, 0, 32)
    const asked = Uint32Array.from({ length: 130 }, (_, user) => user)
    const positives = csr(Array.from(asked, user => [user % 32]))
    const ranks = await rankerOf({ ...model, itemFactors, itemBias }).positives(asked, positives, {})
    expect([...ranks.equal]).toEqual(Array.from(asked, () => 1))
    expect([...ranks.negatives]).toEqual(Array.from(asked, () => items - 1))
    // Each score but the positive's own stands twice.
    expect(ranks.above.every(above => above % 2 === 0)).toBe(true)
    expect(new Set(ranks.above).size).toBeGreaterThan(10)
  })

  it('takes no users, and users without positives', async () => {
    const ranker = rankerOf(wholeModel(new Random(10), 4, 9, 2))
    const none = await ranker.positives(new Uint32Array(0), csr([]), {})
    expect(none).toEqual({ above: new Uint32Array(0), equal: new Uint32Array(0), negatives: new Uint32Array(0) })
    const idle = await ranker.positives(Uint32Array.of(3, 1), csr([[], []]), {})
    expect([...idle.negatives]).toEqual([9, 9])
  })

  it('names user and item of a score that is not a number, positive or not', async () => {
    const model = { ...wholeModel(new Random(11), 4, 30, 2), itemBias: new Float32Array(30) }
    model.itemBias[17] = Number.NaN
    const ranker = rankerOf(model)
    const ranks = (positive: number) => ranker.positives(Uint32Array.of(1, 2), csr([[], [positive]]), {})
    await expect(ranks(17)).rejects.toThrow('the score of item "i17" for user "u2" is not a number')
    await expect(ranks(3)).rejects.toThrow('the score of item "i17" for user "u2" is not a number')
  })

  it('refuses positives that do not fit the users', async () => {
    const ranker = rankerOf(wholeModel(new Random(12), 4, 9, 2))
    await expect(ranker.positives(Uint32Array.of(1), csr([[], []]), {})).rejects.toThrow(/positives have 3 offsets/)
    await expect(ranker.positives(Uint32Array.of(1), csr([[9]]), {})).rejects.toThrow(/positives of user 1 hold item 9/)
  })
})

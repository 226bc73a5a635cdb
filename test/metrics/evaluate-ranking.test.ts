import { describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { seenItems } from '../../src/data/seen.ts'
import { evaluateRanking, type RankingOptions } from '../../src/metrics/evaluate-ranking.ts'
import { Model } from '../../src/model/model.ts'
import type { RankOptions } from '../../src/model/ranker.ts'
import { useGpu } from '../support/gpu.ts'

const device = useGpu()
const users = 40
const items = 60
const factors = 3
const random = new Random(11)

/** Whole numbers, so that scores are exact in single precision and many are equal. */
const whole = (length: number, bound: number) =>
  Float32Array.from({ length }, () => random.below(2 * bound + 1) - bound)
const userFactors = whole(users * factors, 2)
const itemFactors = whole(items * factors, 2)
const itemBias = whole(items, 1)

/** Raw ids, so that they differ from dense indices: users 100 to 139, items as words. */
const userIds = new IdTable(Float64Array.from({ length: users }, (_, u) => 100 + u))
const itemIds = new IdTable(Array.from({ length: items }, (_, i) => `item ${i}`))

function entries(share: number): Ratings {
  const cells = Array.from({ length: users * items }, (_, cell) => cell).filter(() => random.uniform() < share)
  return new Ratings({
    users: Uint32Array.from(cells, cell => Math.floor(cell / items)),
    items: Uint32Array.from(cells, cell => cell % items),
    values: Float32Array.from(cells, () => random.below(5) + 1),
    userIds,
    itemIds,
  })
}

const train = entries(0.2)
const held = entries(0.1)
const more = entries(0.1)

function withModel<Result>(use: (model: Model) => Promise<Result>, seen = true): Promise<Result> {
  const model = new Model(
    {
      ...{ factors, userFactors, itemFactors, userIds, itemIds, itemBias, userBias: new Float32Array(users) },
      ...{ mean: 0, link: 'linear', range: { min: 1, max: 5 }, clip: true, options: {} },
      seen: seen ? seenItems(train) : undefined,
    },
    device.gpu,
  )
  return use(model).finally(() => model.destroy())
}

const score = (user: number, item: number) => {
  let sum = itemBias[item]!
  for (let j = 0; j < factors; j++) sum += userFactors[user * factors + j]! * itemFactors[item * factors + j]!
  return sum
}

const cellsOf = (ratings: Ratings) =>
  new Set(
    Array.from(ratings.alignTo(userIds, itemIds).users, (user, e) => {
      const item = itemIds.indexOf(ratings.itemIds.at(ratings.items[e]!))
      return `${user} ${item}`
    }),
  )

/** The definitions, word by word, from lists that are sorted as a whole. */
function naively(test: Ratings, leftOut: ReadonlySet<string>, k: number, relevantAt = Number.NEGATIVE_INFINITY) {
  const wanted = cellsOf(test.select(Uint32Array.from(test.values.keys()).filter(e => test.values[e]! >= relevantAt)))
  const sums = { precision: 0, recall: 0, ndcg: 0, map: 0, mrr: 0, hit: 0, auc: 0 }
  let evaluated = 0
  let withNegatives = 0
  for (let user = 0; user < users; user++) {
    const candidates = Array.from({ length: items }, (_, item) => item).filter(item => !leftOut.has(`${user} ${item}`))
    const isRelevant = (item: number) => wanted.has(`${user} ${item}`)
    const positives = candidates.filter(isRelevant)
    const negatives = candidates.filter(item => !isRelevant(item))
    if (positives.length === 0) continue
    evaluated++
    const list = candidates.sort((a, b) => score(user, b) - score(user, a) || a - b).slice(0, k)
    const hits = list.map(item => Number(isRelevant(item)))
    const upTo = (rank: number) => hits.slice(0, rank).reduce((sum, hit) => sum + hit, 0)
    const gains = (list: readonly number[]) => list.reduce((sum, hit, at) => sum + hit / Math.log2(at + 2), 0)
    sums.precision += upTo(k) / k
    sums.recall += upTo(k) / positives.length
    sums.ndcg += gains(hits) / gains(Array.from({ length: Math.min(k, positives.length) }, () => 1))
    sums.map += hits.reduce((sum, hit, at) => sum + (hit * upTo(at + 1)) / (at + 1), 0) / Math.min(k, positives.length)
    sums.mrr += hits.includes(1) ? 1 / (hits.indexOf(1) + 1) : 0
    sums.hit += Number(hits.includes(1))
    if (negatives.length === 0) continue
    withNegatives++
    let pairs = 0
    for (const positive of positives) {
      for (const negative of negatives) pairs += (Math.sign(score(user, positive) - score(user, negative)) + 1) / 2
    }
    sums.auc += pairs / (positives.length * negatives.length)
  }
  const { auc, ...lists } = sums
  const means = Object.entries(lists).map(([name, sum]) => [`${name}@${k}`, expect.closeTo(sum / evaluated, 10)])
  return { users: evaluated, metrics: Object.fromEntries([...means, ['auc', expect.closeTo(auc / withNegatives, 10)]]) }
}

const union = (...sets: ReadonlySet<string>[]) => new Set(sets.flatMap(set => [...set]))
const [inTrain, inHeld, inMore] = [train, held, more].map(cellsOf) as [Set<string>, Set<string>, Set<string>]
const overlap = (a: ReadonlySet<string>, b: ReadonlySet<string>) => [...a].filter(cell => b.has(cell)).length

describe('evaluateRanking', () => {
  const cases: [name: string, options: RankingOptions, leftOut: Set<string>][] = [
    ['without the training items', {}, inTrain],
    ['with the training items', { includeSeen: true }, new Set()],
    ['without further ones', { seen: more }, union(inTrain, inMore)],
    ['without further ones, but with the training items', { seen: more, includeSeen: true }, inMore],
  ]

  it.each(cases)('gives what a full sort gives, %s', async (_, options, leftOut) => {
    for (const k of [1, 5, 20, 100]) {
      const found = await withModel(model => evaluateRanking(model, held, { ...options, at: [k], auc: true }))
      const expected = naively(held, leftOut, k)
      expect(found).toEqual({
        users: { evaluated: expected.users, skipped: users - expected.users },
        entries: held.length,
        unknownUsers: 0,
        unknownItems: 0,
        alreadySeen: overlap(inHeld, leftOut),
        metrics: expected.metrics,
      })
    }
  })

  it('ranks at 10 and without areas by default, and at several lengths at once', async () => {
    const plain = await withModel(model => evaluateRanking(model, held))
    expect(Object.keys(plain.metrics)).toEqual(
      ['precision', 'recall', 'ndcg', 'map', 'mrr', 'hit'].map(name => `${name}@10`),
    )
    const both = await withModel(model => evaluateRanking(model, held, { at: [20, 10] }))
    expect(both.metrics).toMatchObject(plain.metrics)
    expect(Object.keys(both.metrics)).toHaveLength(12)
    expect(both.metrics['recall@20']).toBeGreaterThan(both.metrics['recall@10']!)
  })

  it('takes only values from a bound up for relevant', async () => {
    const found = await withModel(model => evaluateRanking(model, held, { at: [5], relevantAt: 4, auc: true }))
    const expected = naively(held, inTrain, 5, 4)
    expect(found.metrics).toEqual(expected.metrics)
    expect(found.users.evaluated).toBe(expected.users)
    const none = await withModel(model => evaluateRanking(model, held, { relevantAt: 6, auc: true }))
    expect(none.users).toEqual({ evaluated: 0, skipped: users })
    expect(Object.values(none.metrics).every(Number.isNaN)).toBe(true)
  })

  it('matches raw ids, and leaves out and counts what the model does not know', async () => {
    const expected = await withModel(model => evaluateRanking(model, held, { auc: true }))
    const raw = (e: number) => [held.userIds.at(held.users[e]!), held.itemIds.at(held.items[e]!)] as const
    const order = Array.from({ length: held.length }, (_, e) => raw(held.length - 1 - e))
    const strange = [...order, [999, 'item 1'], [998, 'item 2'], [100, 'nothing'], [997, 'nothing']] as const
    const shuffled = Ratings.from(
      strange.map(([user]) => String(user)),
      strange.map(([, item]) => item),
      strange.map(() => 1),
    )
    const found = await withModel(model => evaluateRanking(model, shuffled, { auc: true }))
    const known = new Set(order.map(([user]) => user)).size
    expect(found).toEqual({
      ...expected,
      users: { evaluated: expected.users.evaluated, skipped: known + 3 - expected.users.evaluated },
      entries: held.length + 4,
      unknownUsers: 3,
      unknownItems: 2,
      metrics: Object.fromEntries(
        Object.entries(expected.metrics).map(([name, value]) => [name, expect.closeTo(value, 12)]),
      ),
    })
  })

  it('has no area for a user whose candidates are all relevant', async () => {
    const all = new Ratings({
      users: Uint32Array.from({ length: items + 1 }, (_, e) => (e < items ? 3 : 4)),
      items: Uint32Array.from({ length: items + 1 }, (_, e) => e % items),
      values: new Float32Array(items + 1).fill(1),
      userIds,
      itemIds,
    })
    const options = { includeSeen: true, auc: true, at: [items] }
    const both = await withModel(model => evaluateRanking(model, all, options))
    const other = await withModel(model => evaluateRanking(model, all.select(Uint32Array.of(items)), options))
    expect(both.users.evaluated).toBe(2)
    expect(both.metrics.auc).toBe(other.metrics.auc)
    expect(both.metrics).toEqual(naively(all, new Set(), items).metrics)
  })

  it.each([1, 7])('gives the same by blocks of %i users', async size => {
    const expected = await withModel(model => evaluateRanking(model, held, { auc: true }))
    const found = await withModel(model => {
      async function* inBlocks(all: Uint32Array, options: RankOptions) {
        for (let at = 0; at < all.length; at += size) yield* model.rankUsers(all.slice(at, at + size), options)
      }
      const { parts, itemCount } = model
      const cut = { parts, itemCount, rankUsers: inBlocks, rankPositives: model.rankPositives.bind(model) }
      return evaluateRanking(cut as unknown as Model, held, { auc: true })
    })
    expect(found).toEqual({
      ...expected,
      metrics: { ...expected.metrics, auc: expect.closeTo(expected.metrics.auc!, 12) },
    })
  })

  it('counts an entry that stands twice once', async () => {
    const twice = held.select(Uint32Array.from([...held.values.keys(), ...held.values.keys()]))
    const once = await withModel(model => evaluateRanking(model, held, { auc: true }))
    const found = await withModel(model => evaluateRanking(model, twice, { auc: true }))
    expect(found.metrics).toEqual(once.metrics)
  })

  it('leaves nothing out for a model that holds no seen items', async () => {
    const found = await withModel(model => evaluateRanking(model, held, { at: [5], auc: true }), false)
    expect(found.metrics).toEqual(naively(held, new Set(), 5).metrics)
    expect(found.alreadySeen).toBe(0)
  })

  it('tells how far it is, and stops when it is told to', async () => {
    const steps: [number, number][] = []
    const { users: counts } = await withModel(model =>
      evaluateRanking(model, held, { onProgress: (done, all) => steps.push([done, all]) }),
    )
    expect(steps.at(-1)).toEqual([counts.evaluated, counts.evaluated])
    const reason = new Error('enough')
    const stopped = withModel(model => evaluateRanking(model, held, { signal: AbortSignal.abort(reason) }))
    await expect(stopped).rejects.toBe(reason)
  })

  it.each([{ at: [] }, { at: [0] }, { relevantAt: Number.NaN }])('refuses %j', async options => {
    await expect(withModel(model => evaluateRanking(model, held, options))).rejects.toMatchObject({ code: 'OPTION' })
  })
})

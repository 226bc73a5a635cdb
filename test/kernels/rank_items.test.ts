import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { rankItems } from '../../src/kernels/rank_items.ts'
import { rankedItems } from '../reference/rank_items.ts'
import type { ReferenceModel } from '../reference/score.ts'
import { useGpu } from '../support/gpu.ts'
import {
  isAllowed,
  type RankingProblem,
  rankBuffers,
  rankWorkgroups,
  subset,
  tiles,
  wholeModel,
} from '../support/ranking.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { randomModel, ranks, scoreTolerance } from '../support/scoring.ts'
import { expectClose } from '../support/tolerance.ts'

const device = useGpu()
const noItem = 0xffffffff
const spare = 6

interface Entry {
  item: number
  score: number
}

/** Runs one range; the words of `heaps` after it. */
async function run(problem: RankingProblem, k: number, heaps?: Uint32Array): Promise<Uint32Array> {
  const words = 2 * (k + 1) * problem.users.length * problem.splits
  const result = await runKernel(device.gpu, rankItems(problem.tile), {
    workgroups: rankWorkgroups(problem),
    buffers: {
      ...rankBuffers(problem, { k }),
      heaps: heaps === undefined ? { words: words + spare } : Uint32Array.from(heaps),
    },
  })
  if (heaps === undefined) expectPoison(result.words('heaps').subarray(words))
  return result.words('heaps').subarray(0, words)
}

/** The lists of a query's splits made one, and what failed in each. */
function listOf({ users, splits }: RankingProblem, k: number, heaps: Uint32Array, place: number) {
  const scores = new Float32Array(heaps.buffer, heaps.byteOffset, heaps.length)
  const lists = users.length * splits
  const entries: Entry[] = []
  const failures: number[] = []
  for (let split = 0; split < splits; split++) {
    const at = (slot: number) => 2 * (slot * lists + split * users.length + place)
    for (let slot = 0; slot < k; slot++) {
      const item = heaps[at(slot) + 1]!
      if (item === noItem) expect(scores[at(slot)]).toBe(Number.NEGATIVE_INFINITY)
      else entries.push({ item, score: scores[at(slot)]! })
    }
    failures.push(heaps[at(k) + 1]!)
  }
  entries.sort((a, b) => b.score - a.score || a.item - b.item)
  return { entries: entries.slice(0, k), failures }
}

/** Random masks over a model. */
function problemOf(random: Random, model: ReferenceModel, queries: number, extra: Partial<RankingProblem> = {}) {
  const users = Array.from({ length: queries }, () => random.below(model.users))
  return {
    model,
    users,
    masked: users.map((_, place) => subset(random, model.items, place % 3 === 0 ? 0 : 0.3)),
    denied: new Set(subset(random, model.items, 0.1)),
    tile: tiles[1]!,
    splits: 1,
    ...extra,
  } satisfies RankingProblem
}

/** That the lists are those of a full sort, item by item: the model's scores must be exact. */
function expectSorted(problem: RankingProblem, k: number, heaps: Uint32Array): void {
  for (const [place, user] of problem.users.entries()) {
    const { entries, failures } = listOf(problem, k, heaps, place)
    expect(entries).toEqual(rankedItems(problem.model, user, k, isAllowed(problem, place)))
    expect(failures.every(failed => failed === 0)).toBe(true)
  }
}

describe('rank_items', () => {
  it.each(ranks)('has the scores of a full sort at rank %i', async factors => {
    const random = new Random(factors)
    const model = randomModel(random, { users: 11, items: 61, factors })
    for (const tile of tiles) {
      const problem = problemOf(random, model, 13, { tile })
      const heaps = await run(problem, 7)
      for (const [place, user] of problem.users.entries()) {
        const expected = rankedItems(model, user, 7, isAllowed(problem, place))
        const { entries } = listOf(problem, 7, heaps, place)
        expect(entries.every(({ item }) => isAllowed(problem, place)(item))).toBe(true)
        expect(new Set(entries.map(({ item }) => item)).size).toBe(expected.length)
        const worst = Math.max(...Array.from({ length: model.items }, (_, item) => scoreTolerance(model, user, item)))
        const scores = entries.map(({ score }) => score)
        // The n-th largest of numbers that are each off by so much is off by no more.
        expectClose(
          'scores',
          scores,
          expected.map(({ score }) => score),
          () => worst,
        )
      }
    }
  })

  it.each([
    [1, 1, 1],
    [7, 3, 1],
    [8, 5, 2],
    [9, 5, 3],
    [100, 1, 2],
    [100, 30, 3],
    [100, 64, 1],
    [257, 100, 4],
  ])('keeps ties in order of items: %i items, k = %i, %i splits', async (items, k, splits) => {
    const random = new Random(items + k)
    for (const tile of tiles) {
      const problem = problemOf(random, wholeModel(random, 9, items, 5), 20, { tile, splits })
      expectSorted(problem, k, await run(problem, k))
    }
  })

  it.each([1, 63, 64, 65, 256, 257, 300])('has a list for each of %i queries', async queries => {
    const random = new Random(queries)
    for (const tile of tiles) {
      const problem = problemOf(random, wholeModel(random, 9, 25, 3), queries, { tile, splits: 2 })
      expectSorted(problem, 4, await run(problem, 4))
    }
  })

  it.each([
    ['equal', () => 1],
    ['ascending', (item: number) => item],
    ['descending', (item: number) => -item],
  ])('keeps its order over %s scores', async (_, biasOf) => {
    const model = {
      ...wholeModel(new Random(1), 5, 200, 2),
      itemFactors: new Float32Array(400),
      itemBias: Float32Array.from({ length: 200 }, (_, item) => biasOf(item)),
    }
    const problem = problemOf(new Random(2), model, 6)
    expectSorted(problem, 10, await run(problem, 10))
  })

  it('goes on with the lists of the ranges before', async () => {
    const random = new Random(3)
    const whole = problemOf(random, wholeModel(random, 9, 150, 4), 70, { splits: 2 })
    let heaps = await run({ ...whole, start: 0, end: 64 }, 12)
    heaps = await run({ ...whole, start: 64, end: 144 }, 12, heaps)
    heaps = await run({ ...whole, start: 144, end: 150 }, 12, heaps)
    expectSorted(whole, 12, heaps)
  })

  it('leaves lists empty where nothing is allowed', async () => {
    const model = wholeModel(new Random(4), 3, 40, 3)
    const all = Array.from({ length: 40 }, (_, item) => item)
    const seen = { model, users: [0, 1], masked: [all, []], denied: new Set<number>(), tile: tiles[0]!, splits: 1 }
    expectSorted(seen, 5, await run(seen, 5))
    const none = { ...seen, masked: [[], []], denied: new Set(all) }
    expectSorted(none, 5, await run(none, 5))
  })

  it('takes infinite scores as the highest and the lowest', async () => {
    const model = { ...wholeModel(new Random(5), 3, 20, 3), itemBias: new Float32Array(20) }
    model.itemBias.set([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY], 3)
    model.itemBias.set([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], 13)
    const problem = problemOf(new Random(6), model, 3, { masked: [[], [1, 2], [0]], denied: new Set() })
    for (const k of [1, 3, 19, 20]) expectSorted(problem, k, await run(problem, k))
  })

  it('tells the first item whose score is not a number, unless it is masked', async () => {
    const model = { ...wholeModel(new Random(7), 3, 90, 3), itemBias: new Float32Array(90) }
    for (const item of [17, 50, 88]) model.itemBias[item] = Number.NaN
    for (const tile of tiles) {
      const problem = {
        model,
        users: [0, 1, 2, 0],
        masked: [[], [17], [17, 50, 88], [3, 17]],
        denied: new Set([88]),
        tile,
        splits: 1,
      }
      // Where lists are full, and where they are not.
      for (const k of [2, 90]) {
        const heaps = await run(problem, k)
        expect(problem.users.map((_, place) => listOf(problem, k, heaps, place).failures)).toEqual([
          [18],
          [51],
          [0],
          [51],
        ])
      }
    }
  })
})

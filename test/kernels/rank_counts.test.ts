import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { rankCounts } from '../../src/kernels/rank_counts.ts'
import { countItems } from '../reference/rank_counts.ts'
import { type ReferenceModel, score } from '../reference/score.ts'
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
import { runKernel } from '../support/run-kernel.ts'

const device = useGpu()
const spare = 6

/** Of each query, the scores of the positives among its masked items: each once, descending. */
type Thresholds = readonly (readonly number[])[]

/** First item and end of each dispatch. */
type Ranges = readonly (readonly [start: number, end: number])[]

/** Runs one range; the words of `counts` after it. */
async function run(problem: RankingProblem, thresholds: Thresholds, counts?: Uint32Array): Promise<Uint32Array> {
  const { users, splits } = problem
  const bins = 2 * thresholds.flat().length + users.length
  const before = new Uint32Array(splits * bins + spare)
  if (counts !== undefined) before.set(counts)
  const result = await runKernel(device.gpu, rankCounts(problem.tile), {
    workgroups: rankWorkgroups(problem),
    buffers: {
      ...rankBuffers(problem, { bins }, thresholds),
      thresholds: Float32Array.from([...thresholds.flat(), Number.NaN]),
      counts: before,
    },
  })
  const words = result.words('counts')
  expect(words.subarray(splits * bins)).toEqual(new Uint32Array(spare))
  return words.subarray(0, splits * bins)
}

/** What each split counted for each query: pairs (between the thresholds, equal to one), and what failed. */
function countsOf({ users, splits }: RankingProblem, thresholds: Thresholds, words: Uint32Array) {
  let at = 0
  return Array.from({ length: splits }, () =>
    users.map((_, place) => {
      const own = [...words.subarray(at, at + 2 * thresholds[place]!.length + 1)]
      at += own.length
      return { counts: own.slice(0, -1), failed: own.at(-1)! }
    }),
  )
}

/** The same from the reference, for the items of each split of some ranges. */
function expected(problem: RankingProblem, thresholds: Thresholds, ranges: Ranges = [[0, problem.model.items]]) {
  const { model, users, tile, splits } = problem
  return Array.from({ length: splits }, (_, split) =>
    users.map((user, place) => {
      const inSplit = (item: number) =>
        ranges.some(([start, end]) => {
          const span = tile.items * Math.ceil((end - start) / (splits * tile.items))
          return item >= start + split * span && item < Math.min(end, start + (split + 1) * span)
        })
      const allowed = (item: number) => inSplit(item) && isAllowed(problem, place)(item)
      let above = 0
      const counts = thresholds[place]!.flatMap(threshold => {
        const counted = countItems(model, user, threshold, allowed)
        const between = counted.above - above
        above = counted.above + counted.equal
        return [between, counted.equal]
      })
      return { counts, failed: 0 }
    }),
  )
}

function problemOf(random: Random, model: ReferenceModel, queries: number, extra: Partial<RankingProblem> = {}) {
  const users = Array.from({ length: queries }, () => random.below(model.users))
  const problem: RankingProblem = {
    model,
    users,
    masked: users.map(() => subset(random, model.items, 0.2)),
    denied: new Set(subset(random, model.items, 0.1)),
    tile: tiles[1]!,
    splits: 1,
    ...extra,
  }
  const thresholds = users.map((user, place) => {
    // Every fourth query has no positives.
    const positives = place % 4 === 3 ? [] : problem.masked[place]!.filter(() => random.uniform() < 0.5)
    return [...new Set(positives.map(item => score(model, user, item)))].sort((a, b) => b - a)
  })
  return { problem, thresholds }
}

describe('rank_counts', () => {
  it.each([
    [1, 1],
    [7, 1],
    [8, 2],
    [100, 1],
    [100, 3],
    [257, 4],
  ])('counts between and at thresholds: %i items, %i splits', async (items, splits) => {
    const random = new Random(items)
    for (const tile of tiles) {
      const { problem, thresholds } = problemOf(random, wholeModel(random, 9, items, 5), 20, { tile, splits })
      expect(countsOf(problem, thresholds, await run(problem, thresholds))).toEqual(expected(problem, thresholds))
    }
  })

  it.each([1, 64, 65, 257, 300])('counts for each of %i queries', async queries => {
    const random = new Random(queries)
    for (const tile of tiles) {
      const { problem, thresholds } = problemOf(random, wholeModel(random, 9, 40, 3), queries, { tile, splits: 2 })
      expect(countsOf(problem, thresholds, await run(problem, thresholds))).toEqual(expected(problem, thresholds))
    }
  })

  it('goes on counting from range to range', async () => {
    const random = new Random(3)
    const { problem, thresholds } = problemOf(random, wholeModel(random, 9, 150, 4), 70, { splits: 2 })
    let counts = await run({ ...problem, start: 0, end: 64 }, thresholds)
    counts = await run({ ...problem, start: 64, end: 150 }, thresholds, counts)
    const ranges: Ranges = [
      [0, 64],
      [64, 150],
    ]
    expect(countsOf(problem, thresholds, counts)).toEqual(expected(problem, thresholds, ranges))
  })

  it('tells the first item whose score is not a number, unless it is masked', async () => {
    const model = { ...wholeModel(new Random(7), 3, 90, 3), itemBias: new Float32Array(90) }
    for (const item of [17, 50, 88]) model.itemBias[item] = Number.NaN
    const problem = {
      model,
      users: [0, 1, 2],
      masked: [[], [17], [17, 50]],
      denied: new Set([88]),
      tile: tiles[1]!,
      splits: 1,
    }
    const thresholds = [[4, 2], [1000], [3]]
    const [counted] = countsOf(problem, thresholds, await run(problem, thresholds))
    expect(counted!.map(({ failed }) => failed)).toEqual([18, 51, 0])
  })
})

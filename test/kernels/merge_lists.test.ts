import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { mergeLastLists, mergeLists, mergeStruct } from '../../src/kernels/merge_lists.ts'
import { workgroupSize } from '../../src/kernels/shared.ts'
import { rankingStruct } from '../../src/kernels/structs.ts'
import { firstFailure, type MergeEntry, mergeRuns, noItem } from '../reference/merge_lists.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'

const device = useGpu()
const spare = 6
const none: MergeEntry = { score: Number.NEGATIVE_INFINITY, item: noItem }

interface Problem {
  /** Of each query, as many; sorted in runs. */
  entries: readonly (readonly MergeEntry[])[]
  k: number
  run: number
  ways: number
}

/** Of few values, so that many are equal, with those that are easily taken for others among them. */
function randomScore(random: Random): number {
  const odd = [0, -0, 2 ** -149, -(2 ** -149), 2 ** -126, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -3.4e38]
  return random.uniform() < 0.5 ? random.below(7) - 3 : odd[random.below(odd.length)]!
}

/** Runs as an earlier stage leaves them; every item once, some entries without one. */
function randomProblem(
  random: Random,
  { queries, length, ...cut }: { queries: number; length: number; k: number; run: number; ways: number },
): Problem {
  const entries = Array.from({ length: queries }, () => {
    const full = random.uniform()
    const drawn = Array.from(random.permutation(length), item =>
      random.uniform() < full ? { score: randomScore(random), item } : none,
    )
    return mergeRuns(drawn, { run: 1, ways: cut.run, k: cut.run })
  })
  return { entries, ...cut }
}

/** Entry e of query q at e * queries + q. */
function packEntries(
  entries: readonly (readonly MergeEntry[])[],
  length = entries[0]!.length,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * length * entries.length)
  const scores = new Float32Array(words.buffer)
  for (const [query, own] of entries.entries()) {
    own.forEach(({ score, item }, place) => {
      const at = 2 * (place * entries.length + query)
      scores[at] = score
      words[at + 1] = item
    })
  }
  return words
}

/** With 0 for -0, as it comes back. */
const withoutSigns = (entries: readonly MergeEntry[]) => entries.map(({ score, item }) => ({ score: score + 0, item }))

const sizes = ({ entries, k, run, ways }: Problem, splits: number) => ({
  workgroups: Math.ceil((entries.length * entries[0]!.length) / workgroupSize),
  buffers: {
    ranking: rankingStruct.pack({
      queries: entries.length,
      groups: 0,
      splits,
      stride: 0,
      blocks: 0,
      k,
      bins: 0,
      mean: 0,
    }),
    merge: mergeStruct.pack({ length: entries[0]!.length, run, ways }),
    entries: packEntries(entries),
  },
})

const problem = fc
  .record({
    seed: fc.nat(),
    queries: fc.integer({ min: 1, max: 70 }),
    length: fc.integer({ min: 1, max: 90 }),
    k: fc.integer({ min: 1, max: 100 }),
    run: fc.integer({ min: 1, max: 33 }),
    ways: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ seed, k, ...size }) => ({ random: new Random(seed), k, ...size, run: Math.min(size.run, k) }))

describe('merge_lists', () => {
  it('makes runs one, bit for bit as a full sort', async () => {
    await fc.assert(
      fc.asyncProperty(problem, async ({ random, ...size }) => {
        const cut = randomProblem(random, size)
        const expected = packEntries(cut.entries.map(own => withoutSigns(mergeRuns(own, cut))))
        const { workgroups, buffers } = sizes(cut, 1)
        const result = await runKernel(device.gpu, mergeLists, {
          workgroups,
          buffers: { ...buffers, merged: { words: expected.length + spare } },
        })
        const merged = result.words('merged')
        expect(merged.subarray(0, expected.length)).toEqual(expected)
        expectPoison(merged.subarray(expected.length))
      }),
      { seed: 31, numRuns: 120 },
    )
  })

  it('leaves the list of each query and its first failure, in the lowest split', async () => {
    await fc.assert(
      fc.asyncProperty(problem, fc.integer({ min: 1, max: 5 }), async ({ random, run, ...size }, splits) => {
        const { queries, k } = size
        const length = Math.max(size.length, k)
        const cut = randomProblem(random, { queries, length, k, run, ways: Math.ceil(length / run) })
        const failures = cut.entries.map(() =>
          Array.from({ length: splits }, () => (random.uniform() < 0.3 ? 1 + random.below(1000) : 0)),
        )
        const heaps = new Uint32Array(2 * (k + 1) * splits * queries).fill(noItem)
        for (const [query, own] of failures.entries()) {
          for (const [split, failed] of own.entries()) {
            heaps.set([0, failed], 2 * ((k * splits + split) * queries + query))
          }
        }
        const expected = cut.entries.map(own => withoutSigns(mergeRuns(own, cut)))
        const { workgroups, buffers } = sizes(cut, splits)
        const result = await runKernel(device.gpu, mergeLastLists, {
          workgroups,
          buffers: { ...buffers, heaps, ranked: { words: queries * (2 * k + 1) + spare } },
        })
        const ranked = result.words('ranked')
        const table = queries * k
        const scores = new Uint32Array(Float32Array.from(expected.flat(), ({ score }) => score).buffer)
        expect(ranked.subarray(0, table)).toEqual(Uint32Array.from(expected.flat(), ({ item }) => item))
        expect(ranked.subarray(table, 2 * table)).toEqual(scores)
        expect([...ranked.subarray(2 * table, 2 * table + queries)]).toEqual(failures.map(firstFailure))
        expectPoison(ranked.subarray(2 * table + queries))
      }),
      { seed: 32, numRuns: 80 },
    )
  })
})

import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { bprUserDraws } from '../../src/kernels/bpr_user_draws.ts'
import { workgroupSize } from '../../src/kernels/shared.ts'
import { drawn, permuted, type ReferenceRound, type ReferenceSample, scrambled } from '../reference/bpr_draw.ts'
import { bprUserDraws as twin } from '../reference/bpr_user_draws.ts'
import {
  type BprProblem,
  bprProblem,
  chiSquare,
  drawBuffers,
  listRows,
  problemOf,
  roundOf,
  sampleOfWords,
  wordsOfSample,
} from '../support/bpr.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'

const device = useGpu()

async function run(problem: BprProblem, at: ReferenceRound): Promise<Uint32Array> {
  const { slotRows: slots } = problem.users
  const result = await runKernel(device.gpu, bprUserDraws[problem.powered ? 'powered' : 'uniform'], {
    workgroups: Math.ceil(slots.length / workgroupSize),
    buffers: drawBuffers(problem, problem.users, at),
  })
  return result.words('samples')
}

/** The samples of each row, where the slots that no sample belongs to are as they were. */
function samplesOf(problem: BprProblem, words: Uint32Array, counts: number[]): ReferenceSample[][] {
  const unused = new Uint8Array(words.length / 2).fill(1)
  const samples = listRows(problem.users).map(({ slot }, place) =>
    Array.from({ length: counts[place]! }, (_, number) => {
      unused[slot + number] = 0
      return sampleOfWords(words[2 * (slot + number)]!, words[2 * (slot + number) + 1]!)
    }),
  )
  expectPoison(words.filter((_, at) => unused[at >> 1] === 1))
  return samples
}

describe('bpr_user_draws', () => {
  it.each([
    [1, 0],
    [7, 0],
    [16, 0.75],
    [3, 1],
  ])('agree with the reference in all of %i rounds, by popularity to the power %f', async (rounds, power) => {
    const random = new Random(rounds)
    const problem = bprProblem(random, { users: 43, items: 31, entries: 500, rounds, power })
    for (let round = 0; round < rounds; round++) {
      const at = roundOf(random, round, rounds)
      const expected = listRows(problem.users).map(row =>
        twin(row, at, problem.positives, problem.negatives.itemColumns),
      )
      const words = await run(problem, at)
      const counts = expected.map(samples => samples.length)
      expect(samplesOf(problem, words, counts)).toEqual(expected.map(list => list.map(plain)))
    }
  })

  it('bring each entry once an epoch', async () => {
    const random = new Random(5)
    const rounds = 6
    const problem = bprProblem(random, { users: 20, items: 30, entries: 300, rounds })
    const { orderKey } = roundOf(random, 0, rounds)
    const rows = listRows(problem.users)
    const met: number[][] = rows.map(() => [])
    for (let round = 0; round < rounds; round++) {
      const at = { ...roundOf(random, round, rounds), orderKey }
      const counts = rows.map(row => twin(row, at, problem.positives, undefined).length)
      for (const [place, samples] of samplesOf(problem, await run(problem, at), counts).entries()) {
        met[place]!.push(...samples.map(({ partner }) => partner))
      }
    }
    const sorted = met.map(list => list.sort((a, b) => a - b))
    expect(sorted).toEqual(
      rows.map(({ first, entries }) => [...problem.positives.itemsOf.subarray(first, first + entries)]),
    )
  })

  it.each([
    [0, 2],
    [1, 3],
  ])('find every item that a user has not, at its own rate, by popularity to the power %i', async (power, seed) => {
    // User 0 has each of 12 items 1,500 times; user 1 gives weights to the others, of which item 19 has none.
    const own = Array.from({ length: 18_000 }, (_, at) => Math.floor(at / 1500))
    const others = [12, 13, 13, 14, 14, 14, 15, 16, 17, 17, 18, 18, 18, 18, 18, 18, 18]
    const counts = Array.from({ length: 20 }, (_, item) => [...own, ...others].filter(i => i === item).length)
    const positives = {
      userStart: Uint32Array.of(0, own.length, own.length + others.length),
      itemsOf: Uint32Array.from([...own, ...others]),
      itemStart: Uint32Array.from({ length: 21 }, (_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0)),
      usersOf: Uint32Array.from([...own.map(() => 0), ...others.map(() => 1)]),
    }
    const problem = problemOf(positives, 1, power)
    if (power > 0) {
      // So that tries do not run out: equal chances for what the user has.
      const weights = Float64Array.from(counts, (count, item) => (item < 12 ? 1 : count))
      problem.negatives.itemColumns = (await import('../../src/layout/alias.ts')).aliasTable(weights)
    }
    const words = await run(problem, roundOf(new Random(seed), 0, 1))
    const [samples] = samplesOf(problem, words, [own.length, others.length])
    const hits = new Array(20).fill(0)
    for (const { other } of samples!) if (other !== undefined) hits[other]++
    expect(hits.slice(0, 12)).toEqual(new Array(12).fill(0))
    const drawnCount = hits.reduce((sum, count) => sum + count, 0)
    const weights = counts.map((count, item) => (item < 12 ? 0 : power === 0 ? 1 : count))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    expect(drawnCount).toBeGreaterThan(0.99 * own.length)
    const { value, bound } = chiSquare(
      hits,
      weights.map(weight => (drawnCount * weight) / total),
    )
    expect(value).toBeLessThan(bound)
  })

  it('give up on users who have all items', async () => {
    const positives = {
      userStart: Uint32Array.of(0, 3, 5),
      itemsOf: Uint32Array.of(0, 1, 2, 0, 1),
      itemStart: Uint32Array.of(0, 2, 4, 5),
      usersOf: Uint32Array.of(0, 1, 0, 1, 0),
    }
    const problem = problemOf(positives, 1, 0)
    const words = await run(problem, roundOf(new Random(1), 0, 1))
    const others = samplesOf(problem, words, [3, 2]).map(samples => samples.map(({ other }) => other))
    expect(others).toEqual([
      [undefined, undefined, undefined],
      [2, 2],
    ])
  })
})

describe('random orders', () => {
  it.each([1, 2, 3, 5, 8, 9, 31, 64, 100, 1000, 4097])('of %i places hold each once', length => {
    for (const key of [0, 1, 0xffffffff, 12345, 0x80000001]) {
      const order = Array.from({ length }, (_, at) => permuted(at, length, key)).sort((a, b) => a - b)
      expect(order).toEqual(Array.from({ length }, (_, at) => at))
    }
  })

  it('put each entry into each place alike', () => {
    const length = 7
    const counts = new Uint32Array(length * length)
    const orders = 7000
    for (let at = 0; at < orders; at++) {
      for (let place = 0; place < length; place++) counts[place * length + permuted(place, length, drawn(9, at))]!++
    }
    const { value, bound } = chiSquare(counts, new Array(length * length).fill(orders / length))
    expect(value).toBeLessThan(bound)
  })

  it('are made of words without a pattern', () => {
    const bits = new Uint32Array(32)
    for (let word = 0; word < 4000; word++) {
      for (let bit = 0; bit < 32; bit++) bits[bit]! += ((scrambled(word) ^ scrambled(word ^ 1)) >>> bit) & 1
    }
    // Binomial(4000, 1/2): mean 2000, deviation 31.6; five of those.
    for (const count of bits) expect(Math.abs(count - 2000)).toBeLessThan(158)
  })
})

const plain = (sample: ReferenceSample) => sampleOfWords(...wordsOfSample(sample))

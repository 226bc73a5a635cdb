import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { bprItemDraws } from '../../src/kernels/bpr_item_draws.ts'
import { workgroupSize } from '../../src/kernels/shared.ts'
import { packPositives } from '../../src/layout/positives.ts'
import { cutRows } from '../../src/layout/shards.ts'
import { type ReferenceRound, type ReferenceSample, shareOf } from '../reference/bpr_draw.ts'
import { bprItemDraws as twin } from '../reference/bpr_item_draws.ts'
import {
  type BprProblem,
  bprProblem,
  chiSquare,
  drawBuffers,
  listRows,
  packDraws,
  problemOf,
  roundOf,
  sampleOfWords,
  wordsOfSample,
} from '../support/bpr.ts'
import { skewedRatings } from '../support/fused.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, type KernelResult, type Output, runKernel } from '../support/run-kernel.ts'

const device = useGpu()

/** The samples of each row; slots that no sample belongs to must be as they were. */
async function run(problem: BprProblem, at: ReferenceRound): Promise<ReferenceSample[][]> {
  const result = await runKernel(device.gpu, bprItemDraws[problem.powered ? 'powered' : 'uniform'], {
    workgroups: Math.ceil(problem.items.slots / workgroupSize),
    buffers: drawBuffers(problem, problem.items, at),
  })
  return samplesOf(problem, at, result.words('samples'))
}

/** The same where entries of so many users at a time lie in a buffer. */
async function runSharded(problem: BprProblem, at: ReferenceRound, usersHere: number): Promise<ReferenceSample[][]> {
  const { userStart, itemsOf } = problem.positives
  const buffers = drawBuffers(problem, problem.items, at)
  let samples: Output | Uint32Array<ArrayBuffer> = buffers.samples
  for (const { first, rows } of cutRows(userStart.length - 1, usersHere)) {
    const entry = userStart[first]!
    const kernel = bprItemDraws[problem.powered ? 'poweredSharded' : 'uniformSharded']
    const result: KernelResult<typeof kernel.groups> = await runKernel(device.gpu, kernel, {
      workgroups: Math.ceil(problem.items.slots / workgroupSize),
      buffers: {
        ...buffers,
        seen: itemsOf.subarray(entry, userStart[first + rows]!),
        user_start: userStart.subarray(first, first + rows + 1).map(start => start - entry),
        draws: packDraws(problem, { first, rows }),
        samples,
      },
    })
    samples = result.words('samples').slice()
  }
  return samplesOf(problem, at, samples as Uint32Array)
}

function samplesOf(problem: BprProblem, at: ReferenceRound, words: Uint32Array): ReferenceSample[][] {
  const unused = new Uint8Array(problem.items.slots).fill(1)
  const samples = listRows(problem.items).map(row => {
    const { positives, negatives } = shareOf(row, at)
    return Array.from({ length: positives + negatives }, (_, number) => {
      unused[row.slot + number] = 0
      return sampleOfWords(words[2 * (row.slot + number)]!, words[2 * (row.slot + number) + 1]!)
    })
  })
  expectPoison(words.filter((_, at) => unused[at >> 1] === 1))
  return samples
}

describe('bpr_item_draws', () => {
  it.each([
    [1, 0],
    [7, 0],
    [16, 0.75],
    [4, 1],
  ])('agree with the reference in all of %i rounds, by popularity to the power %f', async (rounds, power) => {
    const random = new Random(rounds)
    const problem = bprProblem(random, { users: 43, items: 31, entries: 500, rounds, power })
    const { itemColumns, userColumns } = problem.negatives
    for (let round = 0; round < rounds; round++) {
      const at = roundOf(random, round, rounds)
      const expected = listRows(problem.items).map(row =>
        twin(row, at, problem.positives, itemColumns, userColumns!).map(plain),
      )
      expect(await run(problem, at)).toEqual(expected)
    }
  })

  it.each([
    { rounds: 1, power: 0, usersHere: 1 },
    { rounds: 3, power: 0.75, usersHere: 9 },
    { rounds: 2, power: 0, usersHere: 30 },
  ])('are the same where the entries lie in several buffers: %j', async ({ rounds, power, usersHere }) => {
    const random = new Random(rounds)
    // Users who have most items, so that many tries fail.
    const problem = bprProblem(random, { users: 43, items: 7, entries: 500, rounds, power })
    for (let round = 0; round < rounds; round++) {
      const at = roundOf(random, round, rounds)
      expect(await runSharded(problem, at, usersHere)).toEqual(await run(problem, at))
    }
  })

  it('bring each entry once an epoch, and the row as the negative as often as the host expects', async () => {
    const random = new Random(5)
    const rounds = 60
    const problem = bprProblem(random, { users: 20, items: 30, entries: 300, rounds })
    const { orderKey } = roundOf(random, 0, rounds)
    const rows = listRows(problem.items)
    const met: number[][] = rows.map(() => [])
    const negatives = rows.map(() => 0)
    for (let round = 0; round < rounds; round++) {
      for (const [place, samples] of (await run(problem, { ...roundOf(random, round, rounds), orderKey })).entries()) {
        met[place]!.push(...samples.filter(({ asNegative }) => !asNegative).map(({ partner }) => partner))
        negatives[place]! += samples.filter(({ asNegative }) => asNegative).length
      }
    }
    const { usersOf } = problem.positives
    expect(met.map(list => list.sort((a, b) => a - b))).toEqual(
      rows.map(({ first, entries }) => [...usersOf.subarray(first, first + entries)]),
    )
    for (const [place, { row }] of rows.entries()) {
      // A sum of roundings, each with a variance of a quarter at most; five deviations.
      const difference = negatives[place]! - problem.negatives.expected[row]!
      expect(Math.abs(difference)).toBeLessThan(5 * Math.sqrt(rounds / 4))
    }
  })

  it.each([0, 1])('are the negatives that the entries would have drawn, by popularity to the power %i', async power => {
    // Each pair stands 300 times, so that one epoch has many samples.
    const few = skewedRatings(new Random(3), 16, 6, 7)
    const positives = packPositives(few.select(Uint32Array.from({ length: 300 * 16 }, (_, at) => at % 16)))
    const problem = problemOf(positives, 1, power)
    const { userStart, itemsOf, itemStart } = positives
    const rows = await run(problem, roundOf(new Random(4), 0, 1))
    const hits = new Array(42).fill(0)
    const entries = new Map<string, number>()
    for (const [place, { row }] of listRows(problem.items).entries()) {
      for (const { partner, other, asNegative } of rows[place]!) {
        if (!asNegative || other === undefined) continue
        hits[partner * 7 + row]++
        entries.set(`${partner} ${other}`, (entries.get(`${partner} ${other}`) ?? 0) + 1)
      }
    }
    const weights = Array.from({ length: 7 }, (_, j) => (itemStart[j + 1]! - itemStart[j]!) ** power)
    const lists = Array.from({ length: 6 }, (_, u) => [...itemsOf.subarray(userStart[u]!, userStart[u + 1]!)])
    const expected = lists.flatMap(own => {
      const left = weights.map((weight, j) => (own.includes(j) ? 0 : weight))
      const sum = left.reduce((a, b) => a + b, 0)
      return left.map(weight => (sum === 0 ? 0 : (own.length * weight) / sum))
    })
    expect(Math.max(...expected)).toBeGreaterThan(100)
    const { value, bound } = chiSquare(hits, expected)
    expect(value).toBeLessThan(bound)
    // And among a user's entries each is drawn alike.
    const pairs = lists.flatMap((own, u) => [...new Set(own)].map(i => [u, i] as const))
    const shares = pairs.map(([u, i]) => {
      const draws = hits.slice(7 * u, 7 * u + 7).reduce((a, b) => a + b, 0)
      return (draws * lists[u]!.filter(item => item === i).length) / lists[u]!.length
    })
    const pairSquare = chiSquare(
      pairs.map(([u, i]) => entries.get(`${u} ${i}`) ?? 0),
      shares,
    )
    expect(pairSquare.value).toBeLessThan(pairSquare.bound)
  })

  it('mix both kinds of a row', async () => {
    const problem = bprProblem(new Random(8), { users: 60, items: 6, entries: 300, rounds: 1 })
    const negativesOf = (row: ReferenceSample[]) => row.filter(({ asNegative }) => asNegative).length
    const rows = await run(problem, roundOf(new Random(9), 0, 1))
    const samples = rows.reduce((most, row) => (negativesOf(row) > negativesOf(most) ? row : most))
    const turns = samples.filter((sample, at) => at > 0 && sample.asNegative !== samples[at - 1]!.asNegative).length
    const negatives = negativesOf(samples)
    const count = samples.length
    // In a random order neighbours differ with probability 2 share (1 - share).
    const expected = (2 * negatives * (count - negatives)) / count
    expect(negatives).toBeGreaterThan(20)
    expect(Math.abs(turns - expected)).toBeLessThan(5 * Math.sqrt(expected))
  })
})

const plain = (sample: ReferenceSample) => sampleOfWords(...wordsOfSample(sample))

import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { bprUsers } from '../../src/kernels/bpr_users.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { type ReferenceSample, shareOf } from '../reference/bpr_draw.ts'
import { bprUsers as twin } from '../reference/bpr_users.ts'
import {
  bprProblem,
  bprSteps,
  listRows,
  packBpr,
  packRound,
  packWalk,
  pickRows,
  randomBpr,
  roundOf,
  sampleLength,
  tight,
  walkCases,
  walkRate,
  walkVariant,
  wordsOfSample,
} from '../support/bpr.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { normals } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const [users, items] = [23, 19]

type Case = (typeof walkCases)[number]

/** A round over random samples, a fifth of which found no negative. */
function phase(one: Case, round: number, staged = false) {
  const random = new Random(one.factors + round)
  const problem = bprProblem(random, { users, items, entries: 300, rounds: 3 })
  const at = roundOf(random, round, 3)
  const rows = listRows(problem.users)
  const model = randomBpr(random, users, items, one.factors)
  const samples = Array.from(problem.users.slotRows, (): ReferenceSample => {
    const other = random.uniform() < 0.2 ? undefined : random.below(items)
    return { partner: random.below(items), other, asNegative: false }
  })
  const before = normals(random, 2 * rows.length)
  const run = async () => {
    const packed = packBpr(model)
    const result = await runKernel(device.gpu, bprUsers(walkVariant(one), staged), {
      constants: { FACTOR_BLOCKS: factorBlocks(one.factors), SLICES: one.slices },
      workgroups: Math.ceil(rows.length / one.slices),
      buffers: {
        rows: problem.users.words,
        batch: packRound(at, walkRate),
        samples: Uint32Array.from(samples.flatMap(wordsOfSample)),
        ...packed,
        ...(staged ? stagedItems(packed, samples) : {}),
        // Nothing is read in the first round.
        partials: round === 0 ? { words: before.length } : before,
        walk: packWalk(rows.length, one.slices, bprSteps()),
      },
    })
    return { factors: result.floats('user_factors'), partials: result.floats('partials') }
  }
  return { at, rows, model, samples, before, run }
}

/** The items' rows by samples, each one's positive before its negative; any row where there is none. */
function stagedItems(packed: ReturnType<typeof packBpr>, samples: readonly ReferenceSample[]) {
  const rows = samples.flatMap(({ partner, other }) => [partner, other ?? 0])
  return {
    item_factors: pickRows(packed.item_factors, items, rows),
    item_bias: pickRows(packed.item_bias, items, rows),
  }
}

describe('bpr_users', () => {
  it.each(walkCases.map(one => [JSON.stringify(one), one] as const))('agree with the reference: %s', async (_, one) => {
    const { factors: k } = one
    for (const round of [0, 2]) {
      const { at, rows, model, samples, before, run } = phase(one, round)
      const { factors, partials } = await run()
      const sums: number[] = []
      const updates = new Uint32Array(users)
      for (const [place, row] of rows.entries()) {
        const count = shareOf(row, at).positives
        const { loss, count: passed } = twin(row.row, samples.slice(row.slot, row.slot + count), model, bprSteps())
        updates[row.row] = passed
        const earlier = round === 0 ? [0, 0] : [before[2 * place]!, before[2 * place + 1]!]
        sums.push(earlier[0]! + loss, earlier[1]! + passed)
      }
      expect(Math.max(...updates)).toBeGreaterThan(3)
      // Rows without a sample stay as they are, bit for bit.
      expectClose('user factors', tight(factors, k), model.userFactors, index =>
        updates[Math.floor(index / k)] === 0
          ? 0
          : tolerance(updates[Math.floor(index / k)]! * sampleLength(k), 1 + Math.abs(model.userFactors[index]!)),
      )
      expectClose('partials', partials, sums, index =>
        tolerance((1 + updates[rows[index >> 1]!.row]!) * sampleLength(k), 3 + 2 * Math.abs(sums[index]!)),
      )
    }
  })

  it('have the same bits each time, whether rows are read ahead or in time, and whatever the slices', async () => {
    const one = walkCases[6]
    const bits = async (change: object) => {
      const { factors, partials } = await phase({ ...one, ...change } as Case, 1).run()
      return [...new Uint32Array(factors.slice().buffer), ...new Uint32Array(partials.slice().buffer)]
    }
    const expected = await bits({})
    expect(await bits({})).toEqual(expected)
    expect(await bits({ prefetch: false })).toEqual(expected)
    expect(await bits({ slices: 1 })).toEqual(expected)
  })

  it.each(walkCases.slice(0, 8))('have the same bits where rows lie by samples: $factors, $lanes', async one => {
    const bits = async (staged: boolean) => {
      const { factors, partials } = await phase(one, 1, staged).run()
      return [...new Uint32Array(factors.slice().buffer), ...new Uint32Array(partials.slice().buffer)]
    }
    expect(await bits(true)).toEqual(await bits(false))
  })

  it.each([100, -100, 300, -300])('have the loss of scores that lie %i apart, without overflow', async x => {
    const { rows, model, samples, at, run } = phase(walkCases[3], 0)
    model.userFactors.fill(0)
    model.itemFactors.fill(0)
    for (let item = 0; item < items; item++) model.itemBias[item] = item === 0 ? x : 0
    for (const sample of samples) Object.assign(sample, { partner: 0, other: 1 })
    const { partials } = await run()
    const sums = rows.flatMap(row => {
      const count = shareOf(row, at).positives
      return [count * Math.max(0, -x), count]
    })
    expectClose('partials', partials, sums, index => tolerance(300, 1 + sums[index]!))
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('have no finite loss where a factor is %f', async broken => {
    const { rows, model, samples, at, run } = phase(walkCases[3], 0)
    model.itemFactors[5 * walkCases[3].factors + 2] = broken
    for (const sample of samples) Object.assign(sample, { partner: 5, other: 1 })
    const { partials } = await run()
    const place = rows.findIndex(row => shareOf(row, at).positives > 1)
    expect(partials[2 * place]).not.toSatisfy(Number.isFinite)
  })
})

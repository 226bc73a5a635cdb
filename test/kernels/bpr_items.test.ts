import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { bprItems } from '../../src/kernels/bpr_items.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { type ReferenceSample, shareOf } from '../reference/bpr_draw.ts'
import { bprItems as twin } from '../reference/bpr_items.ts'
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
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { normals } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const [users, items] = [23, 19]

type Case = (typeof walkCases)[number]

const neither = { users: false, items: false }

/** A round over random samples of both kinds, a fifth of which found no partner; the last two items are no phase's. */
function phase(one: Case, round: number, { biases = true, staged = neither } = {}) {
  const random = new Random(one.factors + round)
  const problem = bprProblem(random, { users, items: items - 2, entries: 300, rounds: 3 })
  const at = roundOf(random, round, 3)
  const rows = listRows(problem.items)
  const model = randomBpr(random, users, items, one.factors)
  const samples = Array.from(problem.items.slotRows, (): ReferenceSample => {
    const other = random.uniform() < 0.2 ? undefined : random.below(items)
    return { partner: random.below(users), other, asNegative: random.uniform() < 0.4 }
  })
  const before = normals(random, 2 * rows.length)
  const run = async () => {
    const packed = packBpr(model)
    const result = await runKernel(device.gpu, bprItems(walkVariant(one), staged), {
      constants: { FACTOR_BLOCKS: factorBlocks(one.factors), SLICES: one.slices, BIASES: Number(biases) },
      workgroups: Math.ceil(rows.length / one.slices),
      buffers: {
        rows: problem.items.words,
        batch: packRound(at, walkRate),
        samples: Uint32Array.from(samples.flatMap(wordsOfSample)),
        ...packed,
        ...(staged.users ? stagedUsers(packed, samples) : {}),
        ...(staged.items ? stagedItems(packed, rows, samples) : {}),
        new_factors: { words: items * 4 * factorBlocks(one.factors) },
        new_bias: { words: items },
        // Nothing is read in the first round.
        partials: round === 0 ? { words: before.length } : before,
        walk: packWalk(rows.length, one.slices, bprSteps(biases), staged.items ? rows.length : 0),
      },
    })
    return {
      factors: result.floats('new_factors'),
      bias: result.floats('new_bias'),
      partials: result.floats('partials'),
    }
  }
  return { at, rows, model, samples, before, run }
}

/** The users' rows by samples. */
function stagedUsers(packed: ReturnType<typeof packBpr>, samples: readonly ReferenceSample[]) {
  const rows = samples.map(({ partner }) => partner)
  return { user_factors: pickRows(packed.user_factors, users, rows) }
}

/** The rows that walk, then the other items' by samples; any row where there is none. */
function stagedItems(
  packed: ReturnType<typeof packBpr>,
  own: readonly { row: number }[],
  samples: readonly ReferenceSample[],
) {
  const rows = [...own.map(({ row }) => row), ...samples.map(({ other }) => other ?? 0)]
  return {
    item_factors: pickRows(packed.item_factors, items, rows),
    item_bias: pickRows(packed.item_bias, items, rows),
  }
}

const bitsOf = (floats: Float32Array) => new Uint32Array(floats.slice().buffer)

describe('bpr_items', () => {
  it.each(walkCases.map(one => [JSON.stringify(one), one] as const))('agree with the reference: %s', async (_, one) => {
    const { factors: k } = one
    for (const [round, biases] of [
      [0, true],
      [2, false],
    ] as const) {
      const { at, rows, model, samples, before, run } = phase(one, round, { biases })
      const { factors, bias, partials } = await run()
      const sums: number[] = []
      const updates = new Uint32Array(items)
      const newFactors = model.itemFactors.slice()
      const newBias = model.itemBias.slice()
      for (const [place, row] of rows.entries()) {
        const share = shareOf(row, at)
        const own = samples.slice(row.slot, row.slot + share.positives + share.negatives)
        const expected = twin(row.row, own, model, bprSteps(biases))
        newFactors.set(expected.row, row.row * k)
        newBias[row.row] = expected.bias
        updates[row.row] = own.filter(({ other }) => other !== undefined).length
        const earlier = round === 0 ? [0, 0] : [before[2 * place]!, before[2 * place + 1]!]
        sums.push(earlier[0]! + expected.loss, earlier[1]! + expected.count)
      }
      expect(rows.length).toBe(items - 2)
      expect(Math.max(...updates)).toBeGreaterThan(3)
      // Rows without a sample are copied, bit for bit; those of no phase are left alone.
      const within = (row: number, value: number) =>
        updates[row] === 0 ? 0 : tolerance(updates[row]! * sampleLength(k), 1 + Math.abs(value))
      const walked = (items - 2) * k
      expectClose('item factors', tight(factors, k).subarray(0, walked), newFactors.subarray(0, walked), index =>
        within(Math.floor(index / k), newFactors[index]!),
      )
      expectClose('item biases', bias.subarray(0, items - 2), newBias.subarray(0, items - 2), index =>
        within(index, newBias[index]!),
      )
      expectPoison(bitsOf(factors).subarray((items - 2) * 4 * factorBlocks(k)))
      expectPoison(bitsOf(bias).subarray(items - 2))
      expectClose('partials', partials, sums, index =>
        tolerance((1 + updates[rows[index >> 1]!.row]!) * sampleLength(k), 3 + 2 * Math.abs(sums[index]!)),
      )
    }
  })

  it('have the same bits each time, whether rows are read ahead or in time, and whatever the slices', async () => {
    const one = walkCases[6]
    const bits = async (change: object) => {
      const { factors, bias, partials } = await phase({ ...one, ...change } as Case, 1).run()
      return [factors, bias, partials].flatMap(floats => [...bitsOf(floats)])
    }
    const expected = await bits({})
    expect(await bits({})).toEqual(expected)
    expect(await bits({ prefetch: false })).toEqual(expected)
    expect(await bits({ slices: 1 })).toEqual(expected)
  })

  it.each(walkCases.slice(0, 8))('have the same bits where rows lie by samples: $factors, $lanes', async one => {
    const bits = async (staged: typeof neither) => {
      const { factors, bias, partials } = await phase(one, 1, { staged }).run()
      return [factors, bias, partials].flatMap(floats => [...bitsOf(floats)])
    }
    const expected = await bits(neither)
    expect(await bits({ users: true, items: true })).toEqual(expected)
    expect(await bits({ users: true, items: false })).toEqual(expected)
    expect(await bits({ users: false, items: true })).toEqual(expected)
  })
})

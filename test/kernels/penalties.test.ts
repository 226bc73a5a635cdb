import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { penalties, penaltySpan } from '../../src/kernels/penalties.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { padRows } from '../../src/layout/padding.ts'
import { type PenalizedSide, penaltySum } from '../reference/penalties.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { normals, rowVariants } from '../support/scoring.ts'
import { packSide } from '../support/steps.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const spare = 6

function randomSide(random: Random, count: number, factors: number, biases: boolean): PenalizedSide {
  return {
    factors,
    rows: normals(random, count * factors),
    bias: biases ? normals(random, count) : undefined,
    // Every fifth row is empty.
    weight: Float32Array.from({ length: count }, (_, row) => (row % 5 === 4 ? 0 : 1 + 9 * random.uniform())),
    factorPenalty: Math.fround(0.3),
    biasPenalty: Math.fround(0.07),
  }
}

/** The partial sums, one a workgroup. */
async function run({ factors, rows, bias, weight, factorPenalty, biasPenalty }: PenalizedSide) {
  const blocks = factorBlocks(factors)
  const parameterBlocks = blocks + Number(bias !== undefined)
  const count = weight.length
  const workgroups = Math.ceil((count * parameterBlocks) / penaltySpan)
  const result = await runKernel(device.gpu, penalties, {
    constants: { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: parameterBlocks },
    workgroups,
    buffers: {
      factors: padRows(Float32Array.from(rows), count, factors),
      bias: Float32Array.from(bias ?? new Float32Array(count).fill(Number.NaN)),
      // What an entry pays is the steps' affair.
      weights: Float32Array.from({ length: 2 * count }, (_, at) => (at % 2 === 1 ? weight[(at - 1) / 2]! : Number.NaN)),
      partials: { words: 2 * workgroups + spare },
      side: packSide({ factor_penalty: factorPenalty, bias_penalty: biasPenalty, rows: count }),
    },
  })
  expectPoison(result.words('partials').subarray(2 * workgroups))
  const partials = result.floats('partials').subarray(0, 2 * workgroups)
  return {
    partials,
    total: partials.filter((_, at) => at % 2 === 0).reduce((sum, partial) => sum + partial, 0),
    rest: partials.filter((_, at) => at % 2 === 1),
  }
}

async function expectPenalty(side: PenalizedSide): Promise<void> {
  const { total, rest } = await run(side)
  const expected = penaltySum(side)
  // Four squares and four products, 32 of them a lane, then six additions take a workgroup's 64 sums to one.
  expectClose('penalty', [total], [expected], () => tolerance(8 + 32 + 6, expected))
  expect(rest.every(value => value === 0)).toBe(true)
}

describe('penalties', () => {
  it.each([...rowVariants, { factors: 512, biases: true }])(
    'agree with the reference at rank $factors, biases $biases',
    async ({ factors, biases }) => {
      await expectPenalty(randomSide(new Random(factors), 61, factors, biases))
    },
  )

  it.each([1, 31, 32, 33, 5000])('agree with the reference for %i rows', async count => {
    await expectPenalty(randomSide(new Random(count), count, 4, true))
  })

  it.each([4, 100])('are not finite where row %i holds a number that is not', async broken => {
    const side = randomSide(new Random(1), 101, 6, true)
    const rows = Float32Array.from(side.rows)
    rows[6 * broken + 5] = Number.POSITIVE_INFINITY
    expect((await run({ ...side, rows, factorPenalty: 0, biasPenalty: 0 })).total).not.toSatisfy(Number.isFinite)
    const bias = Float32Array.from(side.bias!)
    bias[broken] = Number.NaN
    expect((await run({ ...side, bias, factorPenalty: 0, biasPenalty: 0 })).total).not.toSatisfy(Number.isFinite)
  })

  it('have the same bits each time', async () => {
    const side = randomSide(new Random(2), 3000, 18, true)
    expect((await run(side)).partials).toEqual((await run(side)).partials)
  })
})

import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { stageRows, stagingStruct } from '../../src/kernels/stage_rows.ts'
import { padRows } from '../../src/layout/padding.ts'
import { stageRows as twin } from '../reference/stage_rows.ts'
import { packFactors, packState } from '../support/fused.ts'
import { useGpu } from '../support/gpu.ts'
import { halfStep, unpackHalves } from '../support/half.ts'
import { runKernel } from '../support/run-kernel.ts'
import { normals, ranks } from '../support/scoring.ts'

const device = useGpu()

/** (row, slot) of each slot, in no order. */
const movesOf = (rowOf: Uint32Array) =>
  Uint32Array.from(new Random(9).permutation(rowOf.length)).reduce(
    (moves, slot, at) => {
      moves.set([rowOf[slot]!, slot], 2 * at)
      return moves
    },
    new Uint32Array(2 * rowOf.length),
  )

function problem(random: Random, rows: number, slots: number, factors: number, sd = 1) {
  const table = {
    factors: normals(random, rows * factors, sd),
    bias: normals(random, rows),
    weight: normals(random, rows),
  }
  const rowOf = Uint32Array.from({ length: slots }, () => random.below(rows))
  const squares = { factors: Math.fround(1.7), bias: Math.fround(0.3) }
  const run = (words: number) => ({
    constants: { FACTOR_BLOCKS: factorBlocks(factors) },
    workgroups: Math.ceil((slots * (factorBlocks(factors) + 1)) / workgroupSize),
    buffers: {
      factors: padRows(table.factors, rows, factors),
      bias: table.bias,
      // The whole row's penalty is not the solver's affair.
      weights: Float32Array.from({ length: 2 * rows }, (_, at) => (at % 2 === 0 ? table.weight[at / 2]! : Number.NaN)),
      moves: movesOf(rowOf),
      staged: { words: slots * factorBlocks(factors) * words },
      state: { words: 4 * slots },
      staging: stagingStruct.pack({
        moves: slots,
        first_row: 0,
        factor_squares: squares.factors,
        bias_squares: squares.bias,
      }),
    },
  })
  return { expected: twin(table, rowOf, factors, squares), run, rowOf }
}

describe('stage_rows', () => {
  it.each(ranks)('copies rows to slots at rank %i', async factors => {
    const { expected, run } = problem(new Random(factors), 23, 40, factors)
    const result = await runKernel(device.gpu, stageRows.f32, run(4))
    expect(result.floats('staged')).toEqual(packFactors(expected, factors))
    expect(result.floats('state')).toEqual(packState(expected))
  })

  it('rounds to one of the two neighbouring halves, and to neither more often', async () => {
    const factors = 64
    const { expected, run, rowOf } = problem(new Random(1), 400, 500, factors)
    const result = await runKernel(device.gpu, stageRows.f16, run(2))
    const actual = unpackHalves(result.words('staged'), factors)
    const byRow = new Map<number, number[]>()
    let sum = 0
    expected.factors.forEach((exact, at) => {
      const off = (actual[at]! - exact) / halfStep(exact)
      expect(Math.abs(off)).toBeLessThanOrEqual(1)
      sum += off
    })
    // Off by a share of a step, uniformly drawn where to cut: variance at most 1/4 a number, so 5 sigma of the mean.
    expect(Math.abs(sum / actual.length)).toBeLessThan((5 * 0.5) / Math.sqrt(400 * factors))
    // Replicas of a row start from the same bits.
    rowOf.forEach((row, slot) => {
      const bits = actual.slice(slot * factors, (slot + 1) * factors)
      expect(byRow.get(row) ?? bits).toEqual(bits)
      byRow.set(row, bits)
    })
  })

  it('keeps halves that are exact, small ones and zeros', async () => {
    const { run } = problem(new Random(2), 8, 8, 4)
    const given = run(2)
    const values = [0, 1, -1, 0.5, 2 ** -14, -(2 ** -14), 2 ** -24, 65504]
    const rows = Float32Array.from({ length: 32 }, (_, at) => values[(at + Math.floor(at / 4)) % 8]!)
    const rowOf = Uint32Array.from({ length: 8 }, (_, slot) => slot)
    const buffers = { ...given.buffers, factors: rows, moves: movesOf(rowOf) }
    const result = await runKernel(device.gpu, stageRows.f16, { ...given, buffers })
    expect(unpackHalves(result.words('staged'), 4)).toEqual([...rows])
  })
})

import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { alsCholesky } from '../../src/kernels/als_cholesky.ts'
import { alsNormal } from '../../src/kernels/als_normal.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { padRows } from '../../src/layout/padding.ts'
import type { RowBlock } from '../../src/layout/row-blocks.ts'
import type { ReferenceSide } from '../reference/als.ts'
import { type NormalEquations, normalEquations, alsCholesky as twin } from '../reference/als_cholesky.ts'
import { alsConstant, alsNormal as normalTwin } from '../reference/als_normal.ts'
import { gram as gramTwin } from '../reference/gram.ts'
import {
  alsProblem,
  blockStruct,
  fixedBuffers,
  type NormalCase,
  normalVariants,
  oneBlock,
  optionsStruct,
  readSlot,
  targetsOf,
  tilePlaces,
} from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { epsilon, expectClose } from '../support/tolerance.ts'

const device = useGpu()
const rates = { penalty: Math.fround(0.3), biasPenalty: Math.fround(0.6), unobserved: Math.fround(0.2) }
const lengths = [1, 40, 17, 0, 70]
const pairStart = 3

interface Solved {
  x: number[]
  objective: number
}

/** Solves the rows of a block, whole or through the parts of their segments. */
async function run(variant: NormalCase, fixed: ReferenceSide, block: RowBlock, given = rates): Promise<Solved[]> {
  const { factors, biases, implicit, tiles } = variant
  const blocks = factorBlocks(factors)
  const constants = { FACTOR_BLOCKS: blocks }
  const segments = block.segments.length / 4
  const tables = fixedBuffers(fixed)
  const parts =
    segments === 0
      ? undefined
      : await runKernel(device.gpu, alsNormal(tiles, implicit), {
          constants,
          workgroups: segments,
          buffers: {
            ...tables,
            entries: block.entries,
            segments: block.segments,
            normal_parts: { words: segments * tilePlaces(tiles.rowBlocks).length * 16 },
            row_block: blockStruct(block),
          },
        })
  const result = await runKernel(device.gpu, alsCholesky(tiles, { implicit, split: segments > 0 }), {
    constants,
    workgroups: block.slots,
    buffers: {
      ...tables,
      entries: block.entries,
      gram_matrix: padRows(Float32Array.from(gramOf(fixed).flat()), factors, factors),
      rows: block.rows,
      normal_parts: parts?.floats('normal_parts').slice() ?? new Float32Array(16),
      directions: { words: block.slots * 4 * (blocks + 1) },
      sums: { words: 2 * (pairStart + block.slots) },
      options: optionsStruct({ factors, ...given }),
      row_block: blockStruct(block, pairStart),
    },
  })
  expectPoison(result.words('sums').subarray(0, 2 * pairStart))
  return Array.from({ length: block.slots }, (_, slot) => {
    const { factors: x, rest } = readSlot(result.floats('directions'), slot, factors)
    return { x: biases ? [...x, rest[0]!] : x, objective: result.floats('sums')[2 * (pairStart + slot)]! }
  })
}

const gramOf = (fixed: ReferenceSide) => gramTwin(fixed, 0, fixed.bias.length).map(row => row.map(Math.fround))

/** A slot's system in double precision. */
function systemOf(
  variant: NormalCase,
  fixed: ReferenceSide,
  block: RowBlock,
  slot: number,
  given = rates,
): NormalEquations {
  const { factors, implicit } = variant
  const split = block.segments.length > 0
  const [first, count] = [block.rows[4 * slot + 1]!, block.rows[4 * slot + 2]!]
  const own = Array.from({ length: block.segments.length / 4 }, (_, s) =>
    block.segments.subarray(4 * s, 4 * s + 4),
  ).filter(segment => segment[2] === slot)
  const entries = split
    ? own.flatMap(segment => targetsOf(block, segment[0]!, segment[1]!))
    : targetsOf(block, first, first + count)
  const weight = new Float32Array(block.rows.buffer)[4 * slot + 3]!
  return normalEquations(
    normalTwin(fixed, entries, variant),
    alsConstant(fixed, entries, variant),
    implicit ? gramOf(fixed) : undefined,
    {
      factors,
      penalty: given.penalty * weight,
      biasPenalty: given.biasPenalty * weight,
      unobserved: given.unobserved,
    },
  )
}

const norm = (values: readonly number[]) => Math.hypot(...values)

/**
 * Cholesky's method is backward stable: |b - A x| <= c k eps (|A| |x| + |b|) (Higham, 2002, theorem 10.4), with A itself
 * made from `entries` products a sum.
 */
function expectSolved({ a, b }: NormalEquations, x: readonly number[], entries: number): void {
  const residual = a.map((row, i) => b[i]! - row.reduce((sum, value, j) => sum + value * x[j]!, 0))
  const size = norm(a.flat()) * norm(x) + norm(b)
  expect(norm(residual)).toBeLessThanOrEqual((4 * b.length + entries) * epsilon * size)
}

describe.each(normalVariants)('als_cholesky at rank $factors, biases $biases, implicit $implicit', variant => {
  it.each([
    { title: 'whole rows', segment: undefined },
    { title: 'rows in segments', segment: 16 },
  ])('solves $title', async ({ segment }) => {
    const { factors, biases, implicit } = variant
    const { fixed, entries } = alsProblem(new Random(factors), factors, lengths, { implicit, biases })
    const block = oneBlock(entries, segment ?? 1, segment === undefined)
    const solved = await run(variant, fixed, block)
    expect(solved.length).toBe(4)
    solved.forEach(({ x, objective }, slot) => {
      const system = systemOf(variant, fixed, block, slot)
      const expected = twin(system)
      expectSolved(system, x, 70)
      expectClose('objective', [objective], [expected.objective], () => 2000 * epsilon * system.constant)
      expect(norm(x)).toBeGreaterThan(0)
    })
  })
})

describe('als_cholesky', () => {
  const variant = normalVariants[2]!
  const { factors, biases, implicit } = variant

  it('solves ill-conditioned rows as well as single precision allows', async () => {
    const { fixed, entries } = alsProblem(new Random(1), factors, [200, 100], { biases, implicit })
    // Columns of very different lengths, two of them nearly the same.
    const rows = Array.from(fixed.rows, (value, at) => Math.fround(value * 10 ** -((at % factors) % 4)))
    for (let row = 0; row < fixed.bias.length; row++)
      rows[row * factors + 4] = Math.fround(rows[row * factors]! * 1.001)
    const given = { ...rates, penalty: Math.fround(1e-3), biasPenalty: Math.fround(1e-3) }
    const side = { ...fixed, rows }
    const block = oneBlock(entries, 1, true)
    const solved = await run(variant, side, block, given)
    solved.forEach(({ x }, slot) => {
      expectSolved(systemOf(variant, side, block, slot, given), x, 200)
    })
  })

  it('solves equations that have no single solution, and rows of which nothing is known', async () => {
    const { fixed, entries } = alsProblem(new Random(2), factors, [60, factors - 5, 90], { biases: false, implicit })
    // A component that no row has.
    const rows = Array.from(fixed.rows, (value, at) => (at % factors === 3 ? 0 : value))
    const side = { ...fixed, rows }
    const given = { ...rates, penalty: 0, biasPenalty: 0 }
    const plain = { ...variant, biases: false, tiles: { ...variant.tiles, rowBlocks: variant.tiles.rowBlocks - 1 } }
    const block = oneBlock(entries, 1, true)
    const solved = await run(plain, side, block, given)
    solved.forEach(({ x }, slot) => {
      expect(x[3]).toBe(0)
      // Pivots of rounding errors stand for as much as those, hence the larger bound.
      expectSolved(systemOf(plain, side, block, slot, given), x, 64 * 90)
    })
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('makes a row NaN that holds %f', async wrong => {
    const { fixed, entries } = alsProblem(new Random(2), factors, [40, 20, 30], { biases, implicit })
    const block = oneBlock(entries, 1, true)
    const numbers = new Float32Array(block.entries.buffer)
    numbers[3 * (block.rows[4 + 1]! + 2) + 2] = wrong
    const solved = await run(variant, fixed, block)
    expect(solved.map(({ objective }) => Number.isFinite(objective))).toEqual([true, false, true])
  })

  it('has the same bits each time', async () => {
    const { fixed, entries } = alsProblem(new Random(3), factors, lengths, { biases, implicit })
    const block = oneBlock(entries, 16)
    expect(await run(variant, fixed, block)).toEqual(await run(variant, fixed, block))
  })
})

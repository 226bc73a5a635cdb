import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { itemGradients, userGradients } from '../../src/kernels/gradients.ts'
import { residuals, residualsBatch } from '../../src/kernels/residuals.ts'
import { factorBlocks, scoreWorkgroups, workgroupSize } from '../../src/kernels/shared.ts'
import { type BatchLayout, packBatches, segmentCount, segmentLength } from '../../src/layout/batches.ts'
import { padRows } from '../../src/layout/padding.ts'
import { rowGradient } from '../reference/gradients.ts'
import { type ReferenceEntry, residual } from '../reference/residuals.ts'
import type { ReferenceModel } from '../reference/score.ts'
import { entriesOf, ratingsOfEntries, type SideName, segmentsOf, sideBatch, skewedEntries } from '../support/batches.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import {
  modelBuffers,
  normals,
  predictionConstants,
  randomModel,
  residualTolerance,
  rowVariants,
} from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const spare = 8

interface Problem {
  layout: BatchLayout
  batch: number
  /** k */
  factors: number
  biases: boolean
  userFactors: Float32Array
  itemFactors: Float32Array
  /** Of the batch's entries. */
  residual: Float32Array<ArrayBuffer>
}

const users = 30
const items = 40

/** The middle one of three batches of `count` entries in all. */
function problem(random: Random, count: number, factors: number, biases: boolean): Problem {
  const ratings = ratingsOfEntries(skewedEntries(random, count, users, items), users, items)
  const layout = packBatches(ratings, Math.ceil(count / 3), 5)
  const batch = Math.min(1, layout.batchCount - 1)
  return {
    layout,
    batch,
    factors,
    biases,
    userFactors: normals(random, users * factors),
    itemFactors: normals(random, items * factors),
    residual: normals(random, layout.entryStart[batch + 1]! - layout.entryStart[batch]!),
  }
}

/** One row of floats for each segment of the batch, and the padded rows that they come from. */
async function run({ layout, batch, factors, biases, ...tables }: Problem, side: SideName) {
  const blocks = factorBlocks(factors)
  const parameterBlocks = blocks + Number(biases)
  const segments = segmentCount(layout[side], batch)
  const other = side === 'users' ? tables.itemFactors : tables.userFactors
  const words = 4 * parameterBlocks * segments
  const common = {
    entries: layout.entries,
    segments: layout[side].segments,
    residual: tables.residual,
    factors: padRows(other, other.length / factors, factors),
    gradient: { words: words + spare },
    batch: sideBatch(layout, batch, side),
  }
  const shape = {
    constants: { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: parameterBlocks },
    workgroups: Math.ceil((segments * parameterBlocks) / workgroupSize),
  }
  const result =
    side === 'users'
      ? await runKernel(device.gpu, userGradients, { ...shape, buffers: common })
      : await runKernel(device.gpu, itemGradients, { ...shape, buffers: { ...common, order: layout.itemOrder } })
  expectPoison(result.words('gradient').subarray(words))
  return result.floats('gradient').subarray(0, words)
}

/** k + 1 numbers to a row of the kernel's: factors, zeros up to whole vec4s, and with biases (b, 0, 0, 0). */
function padGradient(row: ArrayLike<number>, factors: number, biases: boolean): number[] {
  const blocks = factorBlocks(factors)
  const padded = new Array<number>(4 * (blocks + Number(biases))).fill(0)
  for (let j = 0; j < factors; j++) padded[j] = row[j]!
  if (biases) padded[4 * blocks] = row[factors]!
  return padded
}

/** What the twin makes of each segment; `Math.abs` on all inputs gives the magnitudes of the sums. */
function expectedGradients(p: Problem, side: SideName, map: (x: number) => number = x => x): number[] {
  const entries = entriesOf(p.layout, p.batch)
  const other = Float64Array.from(side === 'users' ? p.itemFactors : p.userFactors).map(map)
  return segmentsOf(entries, side).flatMap(({ positions }) => {
    const own = positions.map(at => ({
      other: side === 'users' ? entries[at]!.item : entries[at]!.user,
      residual: map(p.residual[at]!),
    }))
    return padGradient(rowGradient(own, other, p.factors), p.factors, p.biases)
  })
}

describe.each(['users', 'items'] as const)('gradients of %s', side => {
  const expectGradients = async (p: Problem) => {
    const magnitudes = expectedGradients(p, side, Math.abs)
    expectClose('gradient', await run(p, side), expectedGradients(p, side), at =>
      tolerance(segmentLength + 1, Math.abs(magnitudes[at]!)),
    )
  }

  it.each(rowVariants)('agree with the reference at rank $factors, biases $biases', async ({ factors, biases }) => {
    await expectGradients(problem(new Random(factors), 600, factors, biases))
  })

  it.each([1, 2, 5, 95, 97])('agree with the reference for %i entries', async count => {
    await expectGradients(problem(new Random(count), count, 5, true))
  })

  it('agree with the reference where a row has thousands of entries', async () => {
    const heavy = problem(new Random(1), 20_000, 7, true)
    const segments = segmentsOf(entriesOf(heavy.layout, heavy.batch), side)
    const mostSegments = Math.max(...[0, 1, 2].map(row => segments.filter(segment => segment.row === row).length))
    expect(mostSegments).toBeGreaterThan(60)
    await expectGradients(heavy)
  })

  it('have the same bits each time', async () => {
    const p = problem(new Random(2), 3000, 18, true)
    expect(await run(p, side)).toEqual(await run(p, side))
  })
})

describe('gradients', () => {
  it('of users do not depend on how users are numbered, to the bit', async () => {
    const random = new Random(3)
    const p = problem(random, 300, 6, true)
    // One batch, so that the same entries meet whatever their numbers.
    const entries = entriesOf(p.layout, p.batch)
    const renamed = random.permutation(users)
    const packed = (list: ReferenceEntry[]) => packBatches(ratingsOfEntries(list, users, items), list.length, 0)
    const one = { ...p, batch: 0, layout: packed(entries) }
    const two = { ...p, batch: 0, layout: packed(entries.map(e => ({ ...e, user: renamed[e.user]! }))) }
    // Residuals belong to entries; here each is a function of its entry, since both layouts sort them differently.
    const own = (problem: Problem, name: (user: number) => number) => ({
      ...problem,
      residual: Float32Array.from(entriesOf(problem.layout, 0), e => name(e.user) + e.value),
    })
    const [straight, permuted] = [own(one, user => renamed[user]!), own(two, user => user)]
    const byRow = async (problem: Problem, name: (user: number) => number) => {
      const rows = await run(problem, 'users')
      const width = rows.length / segmentsOf(entriesOf(problem.layout, 0), 'users').length
      return segmentsOf(entriesOf(problem.layout, 0), 'users')
        .map((segment, s) => [name(segment.row), s, ...rows.subarray(s * width, (s + 1) * width)])
        .sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
        .map(([row, , ...values]) => [row, ...values])
    }
    expect(await byRow(permuted, row => row)).toEqual(await byRow(straight, row => renamed[row]!))
  })

  it.each([false, true])('are the finite differences of half the squared error, bounded %s', async bounded => {
    const random = new Random(4)
    const factors = 3
    const model = randomModel(random, { users, items, factors, bounded })
    const layout = packBatches(ratingsOfEntries(skewedEntries(random, 150, users, items), users, items), 150, 1)
    const entries = entriesOf(layout, 0)
    const computed = await runKernel(device.gpu, residuals, {
      constants: predictionConstants(model, 1),
      workgroups: scoreWorkgroups(entries.length, 1),
      buffers: {
        ...modelBuffers(model),
        entries: layout.entries,
        residual: { words: entries.length },
        partials: { words: 2 * scoreWorkgroups(entries.length, 1) },
        batch: residualsBatch.pack({ entry_start: 0, entry_count: entries.length, partial_start: 0 }),
      },
    })
    const tables = {
      userFactors: Float32Array.from(model.userFactors),
      itemFactors: Float32Array.from(model.itemFactors),
    }
    const p: Problem = {
      layout,
      batch: 0,
      factors,
      biases: true,
      residual: computed.floats('residual').slice(),
      ...tables,
    }

    for (const side of ['users', 'items'] as const) {
      // The kernel leaves a row for each segment; a row's gradient is their sum.
      const rows = await run(p, side)
      const width = 4 * (factorBlocks(factors) + 1)
      const actual = new Map<number, number[]>()
      segmentsOf(entries, side).forEach(({ row }, s) => {
        const own = [0, 1, 2, 4].map(j => rows[s * width + j]!)
        actual.set(
          row,
          own.map((value, j) => value + (actual.get(row)?.[j] ?? 0)),
        )
      })
      const list = [...actual.keys()].flatMap(row => [0, 1, 2, 3].map(parameter => ({ row, parameter })))
      const own = (row: number) => entries.filter(entry => (side === 'users' ? entry.user : entry.item) === row)
      expectClose(
        `gradients of ${side}`,
        list.map(({ row, parameter }) => actual.get(row)![parameter]!),
        list.map(({ row, parameter }) => slope(model, own(row), side, row, parameter)),
        at => {
          const { row } = list[at]!
          const other = (entry: ReferenceEntry) => (side === 'users' ? entry.item : entry.user)
          const table = side === 'users' ? model.itemFactors : model.userFactors
          let bound = 0
          for (const entry of own(row)) {
            const largest = Math.max(1, ...[0, 1, 2].map(j => Math.abs(table[other(entry) * factors + j]!)))
            const ofSum = tolerance(
              segmentLength + own(row).length / segmentLength,
              Math.abs(residual(model, entry).residual),
            )
            bound += largest * (residualTolerance(model, entry) + ofSum)
          }
          return bound
        },
      )
    }
  })
})

/** Central difference of 1/2 sum (r - r_hat)^2 in one parameter of a row; parameter k is the bias. */
function slope(
  model: ReferenceModel,
  entries: readonly ReferenceEntry[],
  side: SideName,
  row: number,
  parameter: number,
): number {
  const isBias = parameter === model.factors
  const name = side === 'users' ? (isBias ? 'userBias' : 'userFactors') : isBias ? 'itemBias' : 'itemFactors'
  const at = isBias ? row : row * model.factors + parameter
  const half = (step: number) => {
    const moved = Float64Array.from(model[name])
    moved[at]! += step
    let sum = 0
    for (const entry of entries) sum += residual({ ...model, [name]: moved }, entry).squaredError / 2
    return sum
  }
  const h = 1e-5
  return (half(h) - half(-h)) / (2 * h)
}

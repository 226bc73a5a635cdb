import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { fusedSgd, type SliceVariant } from '../../src/kernels/fused_sgd.ts'
import { gridOf, type TileShape } from '../../src/layout/tile-grid.ts'
import { fusedSgd as twin } from '../reference/fused_sgd.ts'
import { cloneSlots, expectStratum, fusedProblem, fusedRun, stratumEntries, updateLength } from '../support/fused.ts'
import { useGpu } from '../support/gpu.ts'
import { halfStep, halfValue, packHalves, randomHalves, unpackHalves } from '../support/half.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { stepsOf } from '../support/tiles.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()

const flat = (workers: number, slices: number): TileShape => ({ workers, strata: workers, slices, nested: false })
const nested = (workers: number, slices: number): TileShape => ({ workers, strata: workers, slices, nested: true })

interface Case {
  factors: number
  lanes: number
  shape: TileShape
  subgroups?: boolean
  prefetch?: boolean
  adagrad?: boolean
  biases?: boolean
  bounded?: boolean
}

/** Every rank, lanes from one to a whole subgroup, both grids, sums by shuffles and through memory, with and without prefetch. */
const cases: Case[] = [
  { factors: 1, lanes: 1, shape: flat(3, 4) },
  { factors: 3, lanes: 1, shape: nested(2, 4), prefetch: true },
  { factors: 4, lanes: 2, shape: flat(5, 2), adagrad: false },
  { factors: 10, lanes: 4, shape: flat(4, 2), bounded: true },
  { factors: 17, lanes: 4, shape: nested(2, 2), prefetch: true, biases: false },
  { factors: 17, lanes: 8, shape: flat(3, 1), subgroups: false },
  { factors: 20, lanes: 8, shape: nested(3, 4), subgroups: false, prefetch: true, bounded: true },
  { factors: 32, lanes: 4, shape: flat(7, 2) },
  { factors: 32, lanes: 8, shape: nested(2, 4), prefetch: true },
  { factors: 32, lanes: 8, shape: flat(2, 1), adagrad: false, prefetch: true },
  { factors: 64, lanes: 8, shape: flat(4, 1), bounded: true, adagrad: false },
  { factors: 64, lanes: 2, shape: flat(4, 4), subgroups: false, adagrad: false },
  { factors: 100, lanes: 8, shape: flat(2, 1) },
  { factors: 64, lanes: 8, shape: nested(1, 8), prefetch: true },
  { factors: 128, lanes: 8, shape: flat(3, 1) },
  { factors: 512, lanes: 8, shape: flat(2, 1) },
]

function variantOf(
  { factors, lanes, shape, subgroups = lanes > 1, prefetch = false }: Case,
  f16 = false,
): SliceVariant {
  return { lanes, vecs: Math.ceil(factors / 4 / lanes), nested: shape.nested, subgroups, prefetch, f16 }
}

const title = ({ factors, lanes, shape, ...rest }: Case) =>
  `rank ${factors}, ${lanes} lanes, ${shape.workers} x ${shape.slices} ${shape.nested ? 'nested' : 'flat'}, ${JSON.stringify(rest)}`

describe('fused_sgd', () => {
  it.each(cases.map(one => [title(one), one] as const))('agrees with the reference: %s', async (_, one) => {
    for (const seed of [1, 2]) {
      const problem = fusedProblem(new Random(seed, one.factors), one)
      const result = await runKernel(device.gpu, fusedSgd(variantOf(one)), fusedRun(problem))
      expectStratum(result, problem)
    }
  })

  it.each([0, 1, 2, 17])('agrees with the reference for %i entries in the stratum', async entries => {
    const one: Case = { factors: 5, lanes: 2, shape: flat(1, 4) }
    // One worker: all entries lie in its one stratum; slices without a tile do nothing.
    const problem = fusedProblem(new Random(entries), { ...one, entries: Math.max(1, entries) })
    if (entries === 0) problem.layout.tiles.fill(0)
    const result = await runKernel(device.gpu, fusedSgd(variantOf(one)), fusedRun(problem))
    expectStratum(result, problem)
  })

  it.each([
    [false, flat(3, 2)],
    [true, nested(2, 4)],
  ])('leaves the sums of each slice, and those of other strata alone (nested %s)', async (_, shape) => {
    const one: Case = { factors: 6, lanes: 2, shape }
    const problem = fusedProblem(new Random(4), one)
    const { layout, stratum, options } = problem
    const result = await runKernel(device.gpu, fusedSgd(variantOf(one)), fusedRun(problem))
    const { heldBlocks } = gridOf(shape)
    const words = result.words('partials')
    const [from, to] = [2 * stratum * heldBlocks, 2 * (stratum + 1) * heldBlocks]
    expectPoison(words.subarray(0, from))
    expectPoison(words.subarray(to))
    const held = cloneSlots(problem.held)
    const streamed = cloneSlots(problem.streamed)
    const expected = new Float64Array(2 * heldBlocks)
    for (const step of stepsOf(layout).filter(s => s.stratum === stratum)) {
      for (const { heldBlock, entries } of step.tiles) {
        const sums = twin(entries, held, streamed, options)
        expected[2 * heldBlock]! += sums.squared
        expected[2 * heldBlock + 1]! += sums.absolute
      }
    }
    const longest = Math.max(...stepsOf(layout).map(s => s.longest))
    expectClose('partials', result.floats('partials').subarray(from, to), expected, at =>
      tolerance(longest * updateLength(6) + shape.slices, 1 + 4 * expected[at]!),
    )
  })

  it.each([true, false])('has the same bits each time (prefetch %s)', async prefetch => {
    const one: Case = { factors: 18, lanes: 4, shape: nested(4, 2), prefetch }
    const problem = fusedProblem(new Random(5), one)
    const bits = async () => {
      const result = await runKernel(device.gpu, fusedSgd(variantOf(one)), fusedRun(problem))
      return [...result.words('held_factors'), ...result.words('streamed_state')]
    }
    expect(await bits()).toEqual(await bits())
  })

  it.each([true, false])('keeps halves that lie beside the exact result (subgroups %s)', async subgroups => {
    const one: Case = { factors: 7, lanes: 2, shape: flat(2, 2), subgroups }
    const problem = fusedProblem(new Random(6), { ...one, entries: 60 })
    const { layout, options, stratum } = problem
    const [random, k] = [new Random(7), options.factors]
    const halves = (slots: typeof problem.held) => {
      const rows = Array.from({ length: slots.bias.length }, () => randomHalves(random, k))
      slots.factors.set(rows.flat().map(halfValue))
      return packHalves(rows, k)
    }
    const stored = { held: halves(problem.held), streamed: halves(problem.streamed) }
    // Rows that one update has changed, and none before it.
    const entries = stratumEntries(layout, stratum)
    const once = (side: 'held' | 'streamed') => (slot: number) => entries.filter(e => e[side] === slot).length === 1
    const single = entries.filter(e => once('held')(e.held) && once('streamed')(e.streamed))
    expect(single.length).toBeGreaterThan(2)
    const result = await runKernel(device.gpu, fusedSgd(variantOf(one, true)), fusedRun(problem, stored))
    const held = cloneSlots(problem.held)
    const streamed = cloneSlots(problem.streamed)
    twin(single, held, streamed, options)
    const actual = {
      held: unpackHalves(result.words('held_factors'), k),
      streamed: unpackHalves(result.words('streamed_factors'), k),
    }
    for (const entry of single) {
      for (const [side, slots] of [['held', held] as const, ['streamed', streamed] as const]) {
        const at = entry[side] * k
        expectClose(side, actual[side].slice(at, at + k), slots.factors.subarray(at, at + k), j => {
          const exact = slots.factors[at + j]!
          return halfStep(exact) + tolerance(updateLength(k), 1 + Math.abs(exact))
        })
      }
    }
  })
})

import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { alsStep } from '../../src/kernels/als_step.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { padRows, trimRows } from '../../src/layout/padding.ts'
import { dot, type Unknowns } from '../reference/als.ts'
import { alsStart, type StepState, alsStep as twin } from '../reference/als_step.ts'
import {
  alsProblem,
  blockStruct,
  oneBlock,
  optionsStruct,
  randomUnknowns,
  readSlot,
  rowSlices,
  type SliceCase,
  sliceVariants,
  slotTable,
} from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { normals } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const lengths = [1, 5, 40, 7, 0, 1, 23, 90, 3]
const pairStart = 2
const rates = { penalty: Math.fround(0.3), biasPenalty: Math.fround(0.6), unobserved: Math.fround(0.2) }

interface Partial extends Unknowns {
  objective: number
  squares: number
  weight: number
}

interface Problem {
  block: ReturnType<typeof oneBlock>
  /** In order of their places: several for a long row. */
  partials: Partial[]
  products: number[][]
  states: StepState[]
}

function problem(random: Random, factors: number, done: (slot: number) => boolean): Problem {
  const block = oneBlock(alsProblem(random, factors, lengths).entries, 32)
  const positive = () => Math.fround(1 + random.uniform())
  return {
    block,
    partials: Array.from({ length: block.segments.length / 4 }, () => ({
      ...randomUnknowns(random, factors),
      objective: positive(),
      squares: positive(),
      weight: positive(),
    })),
    products: Array.from({ length: block.slots }, () => Array.from(normals(random, factors))),
    states: Array.from({ length: block.slots }, (_, slot) => ({
      x: randomUnknowns(random, factors),
      direction: { ...randomUnknowns(random, factors), done: done(slot) },
      residual: randomUnknowns(random, factors),
      rho: positive(),
      firstRho: positive(),
      objective: 10 * positive(),
      scale: positive(),
    })),
  }
}

async function run(
  variant: SliceCase,
  initial: boolean,
  biases: boolean,
  { block, partials, products, states }: Problem,
  tolerance = 0,
) {
  const { factors } = variant
  const blocks = factorBlocks(factors)
  // Rows of the tables are in the order of their numbers, slots in that of their lengths.
  const x = { factors: new Float32Array(lengths.length * factors), bias: new Float32Array(lengths.length) }
  states.forEach((state, slot) => {
    const row = block.rows[4 * slot]!
    x.factors.set(state.x.factors, row * factors)
    x.bias[row] = state.x.bias
  })
  const directions = states.map(({ x, direction, firstRho }) =>
    initial ? x : { ...direction, rest: [Number(direction.done), firstRho, 0] },
  )
  const result = await runKernel(device.gpu, alsStep(rowSlices(variant), { initial, implicit: true }), {
    constants: { FACTOR_BLOCKS: blocks, SLICES: variant.slices, BIASES: Number(biases) },
    workgroups: Math.ceil(block.slots / variant.slices),
    buffers: {
      solved_factors: padRows(x.factors, lengths.length, factors),
      solved_bias: x.bias,
      partials: slotTable(
        partials.map(({ objective, squares, weight, ...sum }) => ({ ...sum, rest: [objective, squares, weight] })),
        factors,
      ),
      products: padRows(Float32Array.from(products.flat()), block.slots, factors),
      directions: slotTable(
        directions.map(one => (biases ? one : { ...one, bias: 0 })),
        factors,
      ),
      residuals: slotTable(
        states.map(({ residual, rho, objective, scale }) => ({
          factors: residual.factors,
          bias: biases ? residual.bias : 0,
          rest: [rho, objective, biases ? scale : 0],
        })),
        factors,
      ),
      sums: { words: 2 * (pairStart + block.slots) },
      options: optionsStruct({ factors, ...rates, tolerance }),
      rows: block.rows,
      row_block: blockStruct(block, pairStart),
    },
  })
  return {
    result,
    x: trimRows(result.floats('solved_factors'), lengths.length, factors),
    bias: result.floats('solved_bias'),
    directions: result.floats('directions'),
    residuals: result.floats('residuals'),
    sums: result.floats('sums'),
  }
}

function expectedOf(
  { block, partials, products, states }: Problem,
  slot: number,
  initial: boolean,
  biases: boolean,
  stop = 0,
) {
  const [first, count] = [block.rows[4 * slot + 1]!, block.rows[4 * slot + 2]!]
  const weight = new Float32Array(block.rows.buffer)[4 * slot + 3]!
  const own = partials.slice(first, first + count)
  const total = (of: (partial: Partial) => number) => own.reduce((sum, partial) => sum + of(partial), 0)
  const applied = {
    factors: own[0]!.factors.map((_, j) => total(partial => partial.factors[j]!)),
    bias: total(partial => partial.bias),
    objective: total(partial => partial.objective),
    squares: total(partial => partial.squares),
    weight: total(partial => partial.weight),
  }
  const options = {
    biases,
    penalty: rates.penalty * weight,
    biasPenalty: rates.biasPenalty * weight,
    unobserved: rates.unobserved,
    tolerance: stop,
  }
  const bare = <State extends Unknowns>(one: State): State => (biases ? one : { ...one, bias: 0 })
  const state = states[slot]!
  if (initial) return { applied, next: alsStart(bare(state.x), applied, products[slot]!, options) }
  const known = {
    ...state,
    x: state.x,
    direction: bare(state.direction),
    residual: bare(state.residual),
    scale: biases ? state.scale : 0,
  }
  const next = twin(known, applied, products[slot]!, options)
  return { applied, next: biases ? next : { ...next, x: { ...next.x, bias: state.x.bias } } }
}

/** Makes A p lie about p: a direction that A turns by more than a right angle is none that a training meets. */
function alongDirections({ block, partials, products, states }: Problem): void {
  partials.forEach((partial, place) => {
    const segment = block.segments.findIndex((word, at) => at % 4 === 3 && word === place)
    const { direction } = states[block.segments[segment - 1]!]!
    partial.factors = direction.factors.map((value, j) => Math.fround(2 * value + 0.1 * partial.factors[j]!))
    partial.bias = Math.fround(2 * direction.bias)
  })
  products.forEach((product, slot) => {
    states[slot]!.direction.factors.forEach((value, j) => {
      product[j] = Math.fround(value + 0.1 * product[j]!)
    })
  })
}

// Sums of k products of numbers of the size of 1, and quotients of such sums that are far from 0.
const within = (factors: number, size: number) => tolerance(8 * (factors + 8), size)

describe.each(sliceVariants)(
  'als_step at rank $factors, $lanes lanes, $slices slices, subgroups $subgroups',
  variant => {
    const { factors } = variant
    it.each([true, false])('starts as the reference, biases %s', async biases => {
      const given = problem(new Random(factors), factors, () => false)
      const { result, directions, residuals, sums } = await run(variant, true, biases, given)
      for (let slot = 0; slot < given.block.slots; slot++) {
        const { next } = expectedOf(given, slot, true, biases)
        const size = Math.max(next.rho, next.objective, 4)
        const direction = readSlot(directions, slot, factors)
        const residual = readSlot(residuals, slot, factors)
        expectClose('direction', direction.factors, next.direction.factors, () => within(factors, 4))
        expectClose(
          'its bias',
          direction.rest,
          [next.direction.bias, Number(next.direction.done), next.firstRho, 0],
          () => within(factors, size),
        )
        expectClose('residual', residual.factors, next.residual.factors, () => within(factors, 4))
        const state = [next.residual.bias, next.rho, next.objective, next.scale]
        expectClose('state', residual.rest, state, () => within(factors, size))
        expectClose(
          'sums',
          sums.subarray(2 * (pairStart + slot), 2 * (pairStart + slot) + 2),
          [next.objective, 0],
          () => within(factors, size),
        )
      }
      expectPoison(result.words('sums').subarray(0, 2 * pairStart))
    })

    it.each([true, false])('steps as the reference, biases %s, and leaves rows alone that are done', async biases => {
      const given = problem(new Random(factors + 1), factors, slot => slot % 3 === 2)
      alongDirections(given)
      const { result, x, bias, directions, residuals, sums } = await run(variant, false, biases, given)
      for (let slot = 0; slot < given.block.slots; slot++) {
        const row = given.block.rows[4 * slot]!
        const { next } = expectedOf(given, slot, false, biases)
        const own = x.subarray(row * factors, (row + 1) * factors)
        if (given.states[slot]!.direction.done) {
          expect(Array.from(own)).toEqual(given.states[slot]!.x.factors)
          expectPoison(result.words('sums').subarray(2 * (pairStart + slot), 2 * (pairStart + slot) + 2))
          continue
        }
        const size = 4 + Math.abs(next.objective) + dot(next.direction.factors, next.direction.factors) + next.rho ** 2
        expectClose('x', own, next.x.factors, () => within(factors, size))
        expectClose('its bias', [bias[row]!], [next.x.bias], () => within(factors, size))
        const direction = readSlot(directions, slot, factors)
        expectClose('direction', direction.factors, next.direction.factors, () => within(factors, size))
        expectClose(
          'its bias',
          direction.rest,
          [next.direction.bias, Number(next.direction.done), next.firstRho, 0],
          () => within(factors, size),
        )
        const residual = readSlot(residuals, slot, factors)
        expectClose('residual', residual.factors, next.residual.factors, () => within(factors, size))
        const state = [next.residual.bias, next.rho, next.objective, next.scale]
        expectClose('state', residual.rest, state, () => within(factors, size))
        expectClose('objective', [sums[2 * (pairStart + slot)]!], [next.objective], () => within(factors, size))
      }
    })
  },
)

describe('als_step', () => {
  const variant = sliceVariants[3]

  it('marks a row as done whose step lowers its objective by too small a share', async () => {
    const given = problem(new Random(5), variant.factors, () => false)
    alongDirections(given)
    const shares = given.states.map(({ objective }, slot) => {
      const { next } = expectedOf(given, slot, false, true)
      return (objective - next.objective) / Math.abs(next.objective)
    })
    const [middle, above] = shares.toSorted((a, b) => a - b).slice(3, 5) as [number, number]
    const stop = Math.fround((middle + above) / 2)
    const { directions } = await run(variant, false, true, given, stop)
    const flags = shares.map((_, slot) => readSlot(directions, slot, variant.factors).rest[1])
    expect(flags).toEqual(shares.map(share => Number(share <= stop)))
    expect(flags.filter(Boolean).length).toBe(4)
  })

  it('leaves a row alone whose curvature is not positive, and is done with it', async () => {
    const given = problem(new Random(6), variant.factors, () => false)
    alongDirections(given)
    const { direction } = given.states[1]!
    given.products[1] = direction.factors.map(value => Math.fround(-100 * value))
    const { x, directions, sums } = await run(variant, false, false, given)
    given.states.forEach(({ objective }, slot) => {
      const row = given.block.rows[4 * slot]!
      const own = Array.from(x.subarray(row * variant.factors, (row + 1) * variant.factors))
      const moved = own.some((value, j) => value !== given.states[slot]!.x.factors[j])
      const done = readSlot(directions, slot, variant.factors).rest[1]
      expect({ slot, moved, done }).toEqual({ slot, moved: slot !== 1, done: Number(slot === 1) })
      if (slot === 1) expect(sums[2 * (pairStart + slot)]).toBe(Math.fround(objective))
    })
  })

  it('is done with a row whose residual is down to rounding errors of where it started', async () => {
    const given = problem(new Random(7), variant.factors, () => false)
    alongDirections(given)
    given.states[2]!.firstRho = 2 ** 45
    const { directions } = await run(variant, false, true, given)
    const flags = given.states.map((_, slot) => readSlot(directions, slot, variant.factors).rest[1])
    expect(flags).toEqual(given.states.map((_, slot) => Number(slot === 2)))
  })

  it('makes a row NaN that holds what is not finite', async () => {
    const given = problem(new Random(8), variant.factors, () => false)
    alongDirections(given)
    given.products[1]![0] = Number.POSITIVE_INFINITY
    given.products[3]![0] = Number.NaN
    const { sums } = await run(variant, false, false, given)
    given.states.forEach((_, slot) => {
      expect(Number.isFinite(sums[2 * (pairStart + slot)])).toBe(slot !== 1 && slot !== 3)
    })
  })
})

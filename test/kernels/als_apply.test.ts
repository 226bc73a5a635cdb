import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { type AlsPass, alsApply } from '../../src/kernels/als_apply.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import type { RowBlock } from '../../src/layout/row-blocks.ts'
import type { ReferenceSide, Unknowns } from '../reference/als.ts'
import { alsApply as twin } from '../reference/als_apply.ts'
import {
  absolute,
  alsProblem,
  blockStruct,
  fixedBuffers,
  oneBlock,
  passes,
  randomUnknowns,
  readSlot,
  rowSlices,
  type SliceCase,
  sliceVariants,
  slotTable,
  targetsOf,
} from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const lengths = [1, 5, 40, 7, 0, 1, 23, 90, 3]
const segment = 32

async function run(variant: SliceCase, pass: AlsPass, fixed: ReferenceSide, block: RowBlock, directions: Float32Array) {
  const blocks = factorBlocks(variant.factors)
  const segments = block.segments.length / 4
  return await runKernel(device.gpu, alsApply(rowSlices(variant), pass), {
    constants: { FACTOR_BLOCKS: blocks, SLICES: variant.slices },
    workgroups: Math.ceil(segments / variant.slices),
    buffers: {
      ...fixedBuffers(fixed),
      directions: Float32Array.from(directions),
      partials: { words: segments * 4 * (blocks + 1) },
      entries: block.entries,
      segments: block.segments,
      row_block: blockStruct(block),
    },
  })
}

/** A segment's sums, and those of the absolute terms: the same over absolute numbers, with targets on the other side. */
function expectedOf(fixed: ReferenceSide, block: RowBlock, p: Unknowns, s: number, pass: AlsPass) {
  const [first, end] = [block.segments[4 * s]!, block.segments[4 * s + 1]!]
  const entries = targetsOf(block, first, end)
  const sums = twin(fixed, entries, p, pass)
  const magnitude = twin(
    { factors: fixed.factors, rows: absolute(fixed.rows), bias: absolute(fixed.bias) },
    entries.map(entry => ({ ...entry, target: -Math.abs(entry.target) })),
    { factors: absolute(p.factors), bias: Math.abs(p.bias) },
    pass,
  )
  const targets = entries.reduce((sum, { target }) => sum + 2 * Math.abs(target), 0)
  return { sums, magnitude: { ...magnitude, objective: magnitude.objective + targets }, length: end - first }
}

describe.each(sliceVariants)(
  'als_apply at rank $factors, $lanes lanes, $slices slices, subgroups $subgroups',
  variant => {
    it.each(passes)('agrees with the reference, initial $initial, implicit $implicit', async pass => {
      const { factors } = variant
      const random = new Random(factors + variant.lanes)
      const { fixed, entries } = alsProblem(random, factors, lengths, { implicit: pass.implicit })
      const block = oneBlock(entries, segment)
      const slots = Array.from({ length: block.slots }, () => randomUnknowns(random, factors))
      const result = await run(variant, pass, fixed, block, slotTable(slots, factors))
      for (let s = 0; s < block.segments.length / 4; s++) {
        const [slot, place] = [block.segments[4 * s + 2]!, block.segments[4 * s + 3]!]
        const { sums, magnitude, length } = expectedOf(fixed, block, slots[slot]!, s, pass)
        const actual = readSlot(result.floats('partials'), place, factors)
        const roundings = factors + length + 8
        expectClose('sum', actual.factors, sums.factors, j => tolerance(roundings, Math.abs(magnitude.factors[j]!)))
        const rest = pass.initial ? (['bias', 'objective', 'squares', 'weight'] as const) : (['bias'] as const)
        expectClose(
          'rest',
          actual.rest.slice(0, rest.length),
          rest.map(name => sums[name]),
          at => tolerance(2 * roundings, Math.abs(magnitude[rest[at]!])),
        )
        expect(sums.factors.some(value => Math.abs(value) > 1e-3)).toBe(true)
      }
    })

    it('leaves rows alone that are done', async () => {
      const { factors } = variant
      const random = new Random(7)
      const { fixed, entries } = alsProblem(random, factors, lengths)
      const block = oneBlock(entries, segment)
      const slots = Array.from({ length: block.slots }, (_, slot) => ({
        ...randomUnknowns(random, factors),
        rest: [slot % 2, 0, 0],
      }))
      const pass = { initial: false, implicit: false }
      const result = await run(variant, pass, fixed, block, slotTable(slots, factors))
      const width = 4 * (factorBlocks(factors) + 1)
      for (let s = 0; s < block.segments.length / 4; s++) {
        const [slot, place] = [block.segments[4 * s + 2]!, block.segments[4 * s + 3]!]
        const words = result.words('partials').subarray(place * width, (place + 1) * width)
        if (slot % 2 === 1) expectPoison(words)
        else expect(readSlot(result.floats('partials'), place, factors).factors.every(Number.isFinite)).toBe(true)
      }
    })
  },
)

describe('als_apply', () => {
  it('has the same bits each time', async () => {
    const random = new Random(3)
    const { fixed, entries } = alsProblem(random, 17, lengths)
    const block = oneBlock(entries, segment)
    const table = slotTable(
      Array.from({ length: block.slots }, () => randomUnknowns(random, 17)),
      17,
    )
    const once = async () => (await run(sliceVariants[2], passes[0]!, fixed, block, table)).words('partials')
    expect(await once()).toEqual(await once())
  })
})

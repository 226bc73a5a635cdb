import { expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { alsPublish } from '../../src/kernels/als_publish.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { padRows, trimRows } from '../../src/layout/padding.ts'
import type { ReferenceSide } from '../reference/als.ts'
import { alsPublish as twin } from '../reference/als_publish.ts'
import { alsProblem, blockStruct, oneBlock, randomUnknowns, slotTable } from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { normals } from '../support/scoring.ts'

const device = useGpu()

it.each([
  { factors: 1, biases: true },
  { factors: 17, biases: false },
  { factors: 64, biases: true },
])('als_publish writes the solved rows and no others at rank $factors, biases $biases', async ({ factors, biases }) => {
  const random = new Random(factors)
  const lengths = [3, 0, 9, 1, 0, 4, 4]
  const block = oneBlock(alsProblem(random, factors, lengths).entries, 8)
  const solved = { factors, rows: normals(random, lengths.length * factors), bias: normals(random, lengths.length) }
  const slots = Array.from({ length: block.slots }, () => randomUnknowns(random, factors))
  const blocks = factorBlocks(factors)
  const result = await runKernel(device.gpu, alsPublish, {
    constants: { FACTOR_BLOCKS: blocks, BIASES: Number(biases) },
    workgroups: Math.ceil((block.slots * (blocks + 1)) / workgroupSize),
    buffers: {
      directions: slotTable(slots, factors),
      solved_factors: padRows(solved.rows, lengths.length, factors),
      solved_bias: solved.bias,
      rows: block.rows,
      row_block: blockStruct(block),
    },
  })
  const expected = slots.reduce<ReferenceSide>(
    (side, slot, at) => twin(side, block.rows[4 * at]!, slot, biases),
    solved,
  )
  expect(trimRows(result.floats('solved_factors'), lengths.length, factors)).toEqual(Float32Array.from(expected.rows))
  expect(result.floats('solved_bias')).toEqual(Float32Array.from(expected.bias))
})

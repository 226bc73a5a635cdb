import { expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { alsBegin } from '../../src/kernels/als_begin.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { padRows } from '../../src/layout/padding.ts'
import { alsBegin as twin } from '../reference/als_begin.ts'
import { alsProblem, blockStruct, oneBlock, readSlot } from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { normals } from '../support/scoring.ts'

const device = useGpu()

it.each([
  { factors: 1, biases: true },
  { factors: 17, biases: false },
  { factors: 64, biases: true },
])('als_begin takes rows to their slots at rank $factors, biases $biases', async ({ factors, biases }) => {
  const random = new Random(factors)
  const lengths = [3, 0, 9, 1, 0, 4, 4]
  const block = oneBlock(alsProblem(random, factors, lengths).entries, 8)
  const solved = {
    factors,
    rows: normals(random, lengths.length * factors),
    bias: normals(random, lengths.length),
  }
  const blocks = factorBlocks(factors)
  const result = await runKernel(device.gpu, alsBegin, {
    constants: { FACTOR_BLOCKS: blocks, BIASES: Number(biases) },
    workgroups: Math.ceil((block.slots * (blocks + 1)) / workgroupSize),
    buffers: {
      solved_factors: padRows(solved.rows, lengths.length, factors),
      solved_bias: solved.bias,
      directions: { words: block.slots * 4 * (blocks + 1) },
      rows: block.rows,
      row_block: blockStruct(block),
    },
  })
  expect(block.slots).toBe(5)
  for (let slot = 0; slot < block.slots; slot++) {
    const expected = twin(solved, block.rows[4 * slot]!, biases)
    expect(readSlot(result.floats('directions'), slot, factors)).toEqual({
      factors: expected.factors,
      rest: [expected.bias, 0, 0, 0],
    })
  }
})

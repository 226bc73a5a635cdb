import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { publishingStruct, publishRows } from '../../src/kernels/publish_rows.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { padRows } from '../../src/layout/padding.ts'
import { publishRows as twin } from '../reference/publish_rows.ts'
import { packFactors, packState, randomSlots } from '../support/fused.ts'
import { useGpu } from '../support/gpu.ts'
import { halfValue, packHalves, randomHalves } from '../support/half.ts'
import { runKernel } from '../support/run-kernel.ts'
import { normals, ranks } from '../support/scoring.ts'

const device = useGpu()
const [rows, slots] = [45, 38]

function problem(random: Random, factors: number) {
  const side = randomSlots(random, slots, factors)
  const order = random.permutation(slots)
  // Every sixth row has no slot.
  const slotOf = Array.from({ length: rows }, (_, row) => (row % 6 === 5 ? undefined : order[row % slots]))
  const before = { factors: normals(random, rows * factors), bias: normals(random, rows) }
  const expect = () => {
    const after = { factors: Float64Array.from(before.factors), bias: Float64Array.from(before.bias) }
    twin(side, slotOf, factors, after)
    return { factors: padRows(Float32Array.from(after.factors), rows, factors), bias: Float32Array.from(after.bias) }
  }
  const moves = Uint32Array.from(slotOf.flatMap((slot, row) => (slot === undefined ? [] : [row, slot])))
  const run = (staged: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>) => ({
    constants: { FACTOR_BLOCKS: factorBlocks(factors) },
    workgroups: Math.ceil(((moves.length / 2) * (factorBlocks(factors) + 1)) / workgroupSize),
    buffers: {
      staged,
      state: packState(side),
      moves,
      factors: padRows(before.factors, rows, factors),
      bias: before.bias,
      publishing: publishingStruct.pack({ moves: moves.length / 2 }),
    },
  })
  return { side, expect, run }
}

describe('publish_rows', () => {
  it.each(ranks)('copies slots to rows at rank %i, and leaves rows without one alone', async factors => {
    const given = problem(new Random(factors), factors)
    const result = await runKernel(device.gpu, publishRows.f32, given.run(packFactors(given.side, factors)))
    expect(result.floats('factors')).toEqual(given.expect().factors)
    expect(result.floats('bias')).toEqual(given.expect().bias)
  })

  it('unpacks halves exactly', async () => {
    const factors = 11
    const random = new Random(2)
    const given = problem(random, factors)
    const halves = Array.from({ length: slots }, () => randomHalves(random, factors))
    given.side.factors.set(halves.flat().map(halfValue))
    const result = await runKernel(device.gpu, publishRows.f16, given.run(packHalves(halves, factors)))
    expect(result.floats('factors')).toEqual(given.expect().factors)
  })
})

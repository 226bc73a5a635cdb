import { expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { alsNormal } from '../../src/kernels/als_normal.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { alsConstant, alsNormal as twin } from '../reference/als_normal.ts'
import {
  absolute,
  alsProblem,
  blockStruct,
  fixedBuffers,
  normalVariants,
  oneBlock,
  targetsOf,
  tilePlaces,
} from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()

it.each(normalVariants)(
  'als_normal agrees with the reference at rank $factors, biases $biases, implicit $implicit',
  async variant => {
    const { factors, biases, implicit, tiles } = variant
    const random = new Random(factors)
    const { fixed, entries } = alsProblem(random, factors, [1, 40, 17, 0, 70], { implicit, biases })
    const block = oneBlock(entries, 33)
    const places = tilePlaces(tiles.rowBlocks)
    const segments = block.segments.length / 4
    const result = await runKernel(device.gpu, alsNormal(tiles, implicit), {
      constants: { FACTOR_BLOCKS: factorBlocks(factors) },
      workgroups: segments,
      buffers: {
        ...fixedBuffers(fixed),
        entries: block.entries,
        segments: block.segments,
        normal_parts: { words: segments * places.length * 16 },
        row_block: blockStruct(block),
      },
    })
    // Where a component of z lies among the padded ones: the factors, then a block each for the bias and the target.
    const blocks = factorBlocks(factors)
    const at = [
      ...Array.from({ length: factors }, (_, j) => j),
      ...(biases ? [4 * blocks] : []),
      4 * (blocks + Number(biases)),
    ]
    for (let s = 0; s < segments; s++) {
      const [first, end, , place] = block.segments.subarray(4 * s, 4 * s + 4) as unknown as [
        number,
        number,
        number,
        number,
      ]
      const list = targetsOf(block, first, end)
      const expected = twin(fixed, list, { biases, implicit })
      const magnitude = twin(
        { factors, rows: absolute(fixed.rows), bias: Array.from(fixed.bias, value => -Math.abs(value)) },
        list.map(entry => ({ ...entry, target: Math.abs(entry.target) })),
        { biases, implicit },
      )
      const own = result.floats('normal_parts').subarray(place * places.length * 16, (place + 1) * places.length * 16)
      const actual = Array.from({ length: 4 * tiles.rowBlocks }, () => new Float64Array(4 * tiles.rowBlocks))
      places.forEach(([row, column], tile) => {
        for (let c = 0; c < 4; c++)
          for (let r = 0; r < 4; r++) actual[4 * row + r]![4 * column + c] = own[16 * tile + 4 * c + r]!
      })
      at.forEach((row, i) => {
        // The lower triangle; a root of the weight goes into each factor of a product.
        const columns = at.slice(0, i + 1)
        expectClose(
          `row ${i} of segment ${s}`,
          columns.map(column => actual[row]![column]!),
          expected[i]!.slice(0, i + 1),
          j => tolerance(end - first + 12, magnitude[i]![j]!),
        )
      })
      expect(Math.abs(expected[factors]![0]!)).toBeGreaterThan(1e-6)
      const last = 4 * (blocks + Number(biases)) + 1
      expectClose('constant', [actual[last]![last]!], [alsConstant(fixed, list, { implicit })], () =>
        tolerance(
          end - first + 12,
          magnitude.at(-1)!.at(-1)! + list.reduce((sum, { target }) => sum + Math.abs(target), 0),
        ),
      )
    }
  },
)

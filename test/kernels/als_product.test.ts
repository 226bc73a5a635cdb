import { expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { alsProduct, productColumns, productRows } from '../../src/kernels/als_product.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { alsBlockStruct } from '../../src/kernels/structs.ts'
import { padRows } from '../../src/layout/padding.ts'
import { alsProduct as twin } from '../reference/als_product.ts'
import { gram as gramTwin } from '../reference/gram.ts'
import { absolute, optionsStruct, randomUnknowns, slotTable } from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { normals, ranks } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()

it.each([...ranks, 20, 256].map(factors => ({ factors, slots: factors === 17 ? 531 : 170 })))(
  'als_product agrees with the reference at rank $factors for $slots rows',
  async ({ factors, slots }) => {
    const random = new Random(factors)
    const gram = gramTwin({ factors, rows: normals(random, 9 * factors), bias: [] }, 0, 9).map(row =>
      row.map(Math.fround),
    )
    const vectors = Array.from({ length: slots }, () => randomUnknowns(random, factors))
    const blocks = factorBlocks(factors)
    const tiles = Math.ceil((4 * blocks) / productColumns)
    const matrix = new Float32Array(productColumns * tiles * 4 * blocks)
    matrix.set(padRows(Float32Array.from(gram.flat()), factors, factors))
    const result = await runKernel(device.gpu, alsProduct, {
      constants: { FACTOR_BLOCKS: blocks },
      workgroups: Math.ceil(slots / productRows) * tiles,
      buffers: {
        directions: slotTable(vectors, factors),
        gram_matrix: matrix,
        products: { words: slots * 4 * blocks },
        options: optionsStruct({ factors }),
        row_block: alsBlockStruct.pack({ slots, segments: 0, pair_start: 0 }),
      },
    })
    const products = result.floats('products')
    vectors.forEach(({ factors: p }, slot) => {
      const magnitude = twin(
        gram.map(row => absolute(row)),
        absolute(p),
      )
      const own = products.subarray(slot * 4 * blocks, (slot + 1) * 4 * blocks)
      expectClose('product', own.subarray(0, factors), twin(gram, p), j => tolerance(factors + 1, magnitude[j]!))
      expect(own.subarray(factors).every(value => value === 0)).toBe(true)
    })
  },
)

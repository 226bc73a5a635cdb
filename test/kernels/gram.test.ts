import { expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { gram, gramRows } from '../../src/kernels/gram.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { gramShapeStruct } from '../../src/kernels/structs.ts'
import { padRows } from '../../src/layout/padding.ts'
import { gram as twin } from '../reference/gram.ts'
import { absolute } from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { normals, ranks } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()

it.each([
  ...ranks.map(factors => ({ factors, rows: 50, chunk: 17, first: factors === 17 ? 2 : 0 })),
  { factors: 20, rows: 3, chunk: 2, first: 0 },
  { factors: 260, rows: 9, chunk: 5, first: 1 },
])(
  'gram agrees with the reference at rank $factors for $rows rows in chunks of $chunk, from chunk $first on',
  async ({ factors, rows, chunk, first }) => {
    const side = { factors, rows: normals(new Random(factors), rows * factors), bias: [] }
    const blocks = factorBlocks(factors)
    const chunks = Math.ceil(rows / chunk)
    const width = 4 * blocks
    const result = await runKernel(device.gpu, gram, {
      workgroups: (chunks - first) * Math.ceil(width / gramRows) * Math.ceil(blocks / workgroupSize),
      buffers: {
        table: padRows(side.rows, rows, factors),
        parts: { words: chunks * width * width },
        shape: gramShapeStruct.pack({ table_rows: rows, chunk, chunks, first_chunk: first, blocks, first_row: 0 }),
      },
    })
    expectPoison(result.words('parts').subarray(0, first * width * width))
    for (let c = first; c < chunks; c++) {
      const [start, end] = [c * chunk, Math.min(rows, (c + 1) * chunk)]
      const expected = twin(side, start, end)
      const magnitude = twin({ ...side, rows: absolute(side.rows) }, start, end)
      for (let i = 0; i < width; i++) {
        const row = result.floats('parts').subarray((c * width + i) * width, (c * width + i + 1) * width)
        const wanted = expected[i] ?? new Array<number>(factors).fill(0)
        expectClose(`row ${i}`, row.subarray(0, factors), wanted, j =>
          tolerance(end - start + 1, magnitude[i]?.[j] ?? 0),
        )
        expect(row.subarray(factors).every(value => value === 0)).toBe(true)
      }
    }
  },
)

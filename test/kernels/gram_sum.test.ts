import { it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { gramSum } from '../../src/kernels/gram_sum.ts'
import { workgroupSize } from '../../src/kernels/shared.ts'
import { gramShapeStruct } from '../../src/kernels/structs.ts'
import { gramSum as twin } from '../reference/gram_sum.ts'
import { absolute } from '../support/als.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { normals } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()

it.each([
  { blocks: 1, chunks: 1 },
  { blocks: 5, chunks: 7 },
  { blocks: 16, chunks: 33 },
])('gram_sum adds $chunks parts of $blocks blocks', async ({ blocks, chunks }) => {
  const width = 4 * blocks
  const parts = normals(new Random(blocks), chunks * width * width)
  const matrices = (numbers: ArrayLike<number>) =>
    Array.from({ length: chunks }, (_, c) =>
      Array.from({ length: width }, (_, i) =>
        Array.from({ length: width }, (_, j) => numbers[(c * width + i) * width + j]!),
      ),
    )
  const result = await runKernel(device.gpu, gramSum, {
    workgroups: Math.ceil((4 * blocks * blocks) / workgroupSize),
    buffers: {
      parts,
      gram_matrix: { words: width * width },
      shape: gramShapeStruct.pack({ table_rows: 0, chunk: 0, chunks, first_chunk: 0, blocks, first_row: 0 }),
    },
  })
  const magnitude = twin(matrices(absolute(parts))).flat()
  expectClose('sum', result.floats('gram_matrix'), twin(matrices(parts)).flat(), at =>
    tolerance(chunks, magnitude[at]!),
  )
})

import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { gatherRows, movingStruct, scatterRows } from '../../src/kernels/move_rows.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { moveRows } from '../reference/move_rows.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { ranks } from '../support/scoring.ts'

const device = useGpu()
const [rows, chosen] = [40, 25]

/** Rows of random bits, those of NaNs among them. */
const randomRows = (random: Random, count: number, words: number) =>
  Array.from({ length: count }, () => Array.from({ length: words }, () => random.uint32()))

const flat = (table: readonly (readonly number[])[]) => Uint32Array.from(table.flat())

describe.each(['model', 'f32', 'f16'] as const)('move_rows of %s', kind => {
  it.each(ranks)('copies bits to where they belong and nothing else at rank %i', async factors => {
    const random = new Random(factors)
    const words = factorBlocks(factors) * (kind === 'f16' ? 2 : 4)
    const besideWords = kind === 'model' ? 1 : 4
    const places = random.permutation(chosen)
    const moves = [...random.permutation(rows).subarray(0, 17)].map((row, at) => [row, places[at]!] as const)
    const others = Array.from({ length: 3 }, () => [random.below(rows), random.below(chosen)])
    const tables = {
      factors: randomRows(random, rows, words),
      beside: randomRows(random, rows, besideWords),
      gathered: randomRows(random, chosen, words),
      gathered_beside: randomRows(random, chosen, besideWords),
    }
    for (const way of ['gather', 'scatter'] as const) {
      const kernel = (way === 'gather' ? gatherRows : scatterRows)[kind]
      const result = await runKernel(device.gpu, kernel, {
        constants: { FACTOR_BLOCKS: factorBlocks(factors) },
        workgroups: Math.ceil((moves.length * (factorBlocks(factors) + 1)) / workgroupSize),
        buffers: {
          factors: flat(tables.factors),
          beside: flat(tables.beside),
          gathered: flat(tables.gathered),
          gathered_beside: flat(tables.gathered_beside),
          // Others' moves before and after.
          moves: flat([...others, ...moves, ...others]),
          moving: movingStruct.pack({ moves: moves.length, first: others.length }),
        },
      })
      const expected = Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, [...table]]))
      moveRows(expected.factors!, expected.gathered!, moves, way)
      moveRows(expected.beside!, expected.gathered_beside!, moves, way)
      for (const name of ['factors', 'beside', 'gathered', 'gathered_beside'] as const) {
        expect(result.words(name)).toEqual(flat(expected[name]!))
      }
    }
  })
})

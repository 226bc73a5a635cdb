import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { gatherReplicas, movingStruct, scatterReplicas } from '../../src/kernels/move_replicas.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { moveReplicas } from '../reference/move_replicas.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { ranks } from '../support/scoring.ts'

const device = useGpu()
const [slots, replicas] = [40, 25]

/** Rows of random bits, those of NaNs among them. */
const randomRows = (random: Random, rows: number, words: number) =>
  Array.from({ length: rows }, () => Array.from({ length: words }, () => random.uint32()))

const flat = (rows: readonly (readonly number[])[]) => Uint32Array.from(rows.flat())

describe.each(['f32', 'f16'] as const)('move_replicas of %s', precision => {
  it.each(ranks)('copies bits to where they belong and nothing else at rank %i', async factors => {
    const random = new Random(factors)
    const words = factorBlocks(factors) * (precision === 'f16' ? 2 : 4)
    const places = random.permutation(replicas)
    const moves = [...random.permutation(slots).subarray(0, 17)].map((slot, at) => [slot, places[at]!] as const)
    const tables = {
      factors: randomRows(random, slots, words),
      state: randomRows(random, slots, 4),
      gathered: randomRows(random, replicas, words),
      gathered_state: randomRows(random, replicas, 4),
    }
    for (const way of ['gather', 'scatter'] as const) {
      const kernel = (way === 'gather' ? gatherReplicas : scatterReplicas)[precision]
      const result = await runKernel(device.gpu, kernel, {
        constants: { FACTOR_BLOCKS: factorBlocks(factors) },
        workgroups: Math.ceil((moves.length * (factorBlocks(factors) + 1)) / workgroupSize),
        buffers: {
          factors: flat(tables.factors),
          state: flat(tables.state),
          gathered: flat(tables.gathered),
          gathered_state: flat(tables.gathered_state),
          moves: flat(moves),
          moving: movingStruct.pack({ replicas: moves.length }),
        },
      })
      const expected = Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, [...rows]]))
      moveReplicas(expected.factors!, expected.gathered!, moves, way)
      moveReplicas(expected.state!, expected.gathered_state!, moves, way)
      for (const name of ['factors', 'state', 'gathered', 'gathered_state'] as const) {
        expect(result.words(name)).toEqual(flat(expected[name]!))
      }
    }
  })
})

import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { sampleStagingStruct, stageSamples } from '../../src/kernels/stage_samples.ts'
import { stageSamples as twin } from '../reference/stage_samples.ts'
import { negativeBit, noItem } from '../support/bpr.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { ranks } from '../support/scoring.ts'

const device = useGpu()

/** Rows of random bits, those of NaNs among them. */
const randomRows = (random: Random, count: number, words: number) =>
  Array.from({ length: count }, () => Array.from({ length: words }, () => random.uint32()))

const flat = (table: readonly (readonly number[])[]) => Uint32Array.from(table.flat())

describe('stage_samples', () => {
  it.each(ranks)(
    'copies the rows of a shard to the places of their samples and nothing else at rank %i',
    async factors => {
      const random = new Random(factors)
      const [first, rows, samples] = [9, 14, 31]
      const words = 4 * factorBlocks(factors)
      const pairs = Array.from({ length: samples }, () => {
        const flag = random.uniform() < 0.3 ? negativeBit : 0
        return [(random.below(40) | flag) >>> 0, random.uniform() < 0.2 ? noItem : random.below(40)] as const
      })
      // At the bounds of the shard.
      pairs.splice(0, 4, [first, first], [first - 1, first - 1], [22, 22], [23, 23])
      for (const [word, start, stride] of [
        [0, 0, 2],
        [1, 1, 2],
        [1, 5, 1],
      ] as const) {
        const places = start + stride * samples
        const tables = {
          factors: randomRows(random, rows, words),
          bias: randomRows(random, rows, 1),
          staged: randomRows(random, places, words),
          staged_bias: randomRows(random, places, 1),
        }
        const result = await runKernel(device.gpu, stageSamples, {
          constants: { FACTOR_BLOCKS: factorBlocks(factors) },
          workgroups: Math.ceil((samples * (factorBlocks(factors) + 1)) / workgroupSize),
          buffers: {
            samples: flat(pairs),
            factors: flat(tables.factors),
            bias: flat(tables.bias),
            staged: flat(tables.staged),
            staged_bias: flat(tables.staged_bias),
            staging: sampleStagingStruct.pack({ first, rows, samples, word, start, stride }),
          },
        })
        const named = pairs.map(pair => (word === 0 ? (pair[0] & ~negativeBit) >>> 0 : pair[1]))
        const expected = { staged: [...tables.staged], staged_bias: [...tables.staged_bias] }
        twin(tables.factors, first, named, expected.staged, { start, stride })
        twin(tables.bias, first, named, expected.staged_bias, { start, stride })
        expect(result.words('staged')).toEqual(flat(expected.staged))
        expect(result.words('staged_bias')).toEqual(flat(expected.staged_bias))
      }
    },
  )
})

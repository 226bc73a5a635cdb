import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { gatherRuns } from '../../src/kernels/gather_runs.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { sideBatchStruct } from '../../src/kernels/structs.ts'
import { gatherRuns as referenceRuns } from '../reference/gather_runs.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { ranks } from '../support/scoring.ts'

const device = useGpu()
const [rows, places] = [40, 30]

/** Rows of random bits, those of NaNs among them. */
const randomRows = (random: Random, count: number, words: number) =>
  Array.from({ length: count }, () => Array.from({ length: words }, () => random.uint32()))

const flat = (table: readonly (readonly number[])[]) => Uint32Array.from(table.flat())

describe('gather_runs', () => {
  it.each(ranks)('copies the bits of a shard of a batch to their places and nothing else at rank %i', async factors => {
    const random = new Random(factors)
    const words = 4 * factorBlocks(factors)
    // The batch's runs begin at 11, those of the shard at 16.
    const [firstRun, start, count] = [11, 16, 17]
    const runs = [...random.permutation(rows)].map((row, run) => ({ run, row }))
    const tables = {
      factors: randomRows(random, rows, words),
      bias: randomRows(random, rows, 1),
      gathered: randomRows(random, places, words),
      gathered_bias: randomRows(random, places, 1),
    }
    const result = await runKernel(device.gpu, gatherRuns, {
      constants: { FACTOR_BLOCKS: factorBlocks(factors) },
      workgroups: Math.ceil((count * (factorBlocks(factors) + 1)) / workgroupSize),
      buffers: {
        runs: Uint32Array.from(runs.flatMap(({ row }) => [row, random.uint32()])),
        factors: flat(tables.factors),
        bias: flat(tables.bias),
        gathered: flat(tables.gathered),
        gathered_bias: flat(tables.gathered_bias),
        batch: sideBatchStruct.pack({
          run_start: start,
          run_count: count,
          first_run: firstRun,
          segment_start: 3,
          segment_count: 5,
          entry_start: 7,
          gradient_scale: 1,
          rate: 1,
          correction_1: 1,
          correction_2: 1,
        }),
      },
    })
    const own = runs.slice(start, start + count)
    const expected = { gathered: [...tables.gathered], gathered_bias: [...tables.gathered_bias] }
    referenceRuns(tables.factors, own, firstRun, expected.gathered)
    referenceRuns(tables.bias, own, firstRun, expected.gathered_bias)
    expect(result.words('gathered')).toEqual(flat(expected.gathered))
    expect(result.words('gathered_bias')).toEqual(flat(expected.gathered_bias))
  })
})

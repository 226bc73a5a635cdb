import { describe, expect, it } from 'vitest'
import { stepSgd as kernel } from '../../src/kernels/steps.ts'
import { sideBatchStruct } from '../../src/kernels/structs.ts'
import { stepSgd } from '../reference/step_sgd.ts'
import { useGpu } from '../support/gpu.ts'
import { runKernel } from '../support/run-kernel.ts'
import { rowVariants } from '../support/scoring.ts'
import { expectStep, packSide, runStep, type StepTwin, stepProblem } from '../support/steps.ts'

const device = useGpu()

const twin: StepTwin = {
  kernel,
  states: [],
  step: parameter => ({ theta: stepSgd(parameter), state: [] }),
}

describe('step_sgd', () => {
  it.each(rowVariants)('agrees with the reference at rank $factors, biases $biases', async shape => {
    await expectStep(device.gpu, twin, { ...shape, side: shape.factors === 17 ? 'items' : 'users' })
  })

  it.each([1, 2, 31, 65])('agrees with the reference for a batch of %i', async entries => {
    for (const seed of [1, 2]) await expectStep(device.gpu, twin, { factors: 5, biases: true, entries, seed })
  })

  it('agrees with the reference where a row has thousands of entries', async () => {
    await expectStep(device.gpu, twin, { factors: 6, biases: true, side: 'items', entries: 9000 })
  })

  it('has the same bits each time', async () => {
    const problem = stepProblem(twin, { factors: 18, biases: true, entries: 500 })
    expect(await runStep(device.gpu, twin, problem)).toEqual(await runStep(device.gpu, twin, problem))
  })

  it('reaches past 65,535 workgroups', async () => {
    // 32 vec4s a row, 64 invocations a workgroup: two rows a workgroup. Each row is a run of one segment of one entry.
    const rows = 2 * (device.gpu.capabilities.limits.maxComputeWorkgroupsPerDimension + 1) + 1
    const width = 128
    const size = rows * width
    const numberAt = (index: number) => index % 1013
    const result = await runKernel(device.gpu, kernel, {
      constants: { FACTOR_BLOCKS: width / 4, PARAMETER_BLOCKS: width / 4 },
      workgroups: Math.ceil(rows / 2),
      buffers: {
        runs: Uint32Array.from({ length: 2 * (rows + 1) }, (_, at) => at >> 1),
        segments: Uint32Array.from({ length: rows + 1 }, (_, at) => at),
        gradient: new Float32Array(size).map((_, index) => numberAt(index)),
        weights: new Float32Array(2 * rows),
        factors: new Float32Array(size).map((_, index) => 7 * numberAt(index)),
        bias: { words: rows },
        batch: sideBatchStruct.pack({
          run_start: 0,
          run_count: rows,
          first_run: 0,
          segment_start: 0,
          segment_count: rows,
          entry_start: 0,
          gradient_scale: 1,
          rate: 1,
          correction_1: 1,
          correction_2: 1,
        }),
        side: packSide({ factor_rate: 2, bias_rate: 0, factor_penalty: 0, bias_penalty: 0, rows }),
      },
    })
    // Whole numbers, and so exact: theta - 2 g = 7 n - 2 n.
    expect(result.floats('factors').findIndex((value, index) => value !== 5 * numberAt(index))).toBe(-1)
  })
})

import { describe, expect, it } from 'vitest'
import { stepAdam as denseKernel, stepSparseAdam as sparseKernel } from '../../src/kernels/steps.ts'
import { stepAdam } from '../reference/step_adam.ts'
import { useGpu } from '../support/gpu.ts'
import { rowVariants } from '../support/scoring.ts'
import { expectStep, runStep, type StepTwin, stepProblem } from '../support/steps.ts'

const device = useGpu()

const step: StepTwin['step'] = (parameter, [first, second], { step: t, ...constants }) => {
  const next = stepAdam(parameter, { first: first!, second: second! }, constants, t)
  return { theta: next.theta, state: [next.first, next.second] }
}
const states = ['first_moment', 'second_moment']

const dense: StepTwin = { kernel: denseKernel, states, dense: true, step }
const sparse: StepTwin = { kernel: sparseKernel, states, step }

describe.each([
  { name: 'dense', twin: dense },
  { name: 'sparse', twin: sparse },
])('step_adam, $name', ({ twin }) => {
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
})

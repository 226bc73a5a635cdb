import { describe, expect, it } from 'vitest'
import { stepAdagrad as kernel } from '../../src/kernels/steps.ts'
import { stepAdagrad } from '../reference/step_adagrad.ts'
import { useGpu } from '../support/gpu.ts'
import { rowVariants } from '../support/scoring.ts'
import { expectStep, runStep, type StepTwin, stepProblem } from '../support/steps.ts'

const device = useGpu()

const twin: StepTwin = {
  kernel,
  states: ['squares'],
  step(parameter, [squares], { epsilon }) {
    const next = stepAdagrad(parameter, squares!, epsilon)
    return { theta: next.theta, state: [next.squares] }
  },
}

describe('step_adagrad', () => {
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

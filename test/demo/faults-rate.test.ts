import { expect, it } from 'vitest'
import { faultOf } from '../../demo/engine/faults.ts'
import { trainOptions, usualRate } from '../../demo/engine/trainer.ts'
import { DivergedError } from '../../src/index.ts'

const diverged = (suggestedRate: number) => new DivergedError(0, Number.NaN, { suggestedRate }, undefined)

it("proposes no learning rate above the solver's own after a divergence", () => {
  expect(faultOf(diverged(30), { usualRate: () => 0.1 })).toMatchObject({ kind: 'diverged', suggestedRate: 0.1 })
  expect(faultOf(diverged(0.02), { usualRate: () => 0.1 })).toMatchObject({ suggestedRate: 0.02 })
  expect(faultOf(diverged(30))).toMatchObject({ suggestedRate: 30 })
})

it('knows the rate of a solver whatever rate was set', () => {
  const settings = { solver: 'adam', model: 'explicit', factors: 8, epochs: 3, seed: 1, rate: 100 } as const
  expect(usualRate(settings)).toBe(usualRate({ ...settings, rate: undefined }))
  expect(usualRate(settings)).toBeLessThan(1)
  expect(trainOptions(settings).learningRate).toBe(100)
})

import type { Kernel } from '../gpu/kernel.ts'
import { defineKernel } from './sources.ts'

const rowBindings = {
  runs: 'read',
  segments: 'read',
  gradient: 'read',
  weights: 'read',
  factors: 'read-write',
  bias: 'read-write',
  batch: 'batch',
  side: 'uniform',
} as const

/** One optimizer step on one side: group 1 is the optimizer's state, a table shaped like the gradients for each binding. */
export type StepKernel = Kernel<readonly [typeof rowBindings, Readonly<Record<string, 'read-write'>>]>

const moments = { first_moment: 'read-write', second_moment: 'read-write' } as const

// See `shaders/step_*.wgsl` and `shaders/lib/step.wgsl`.
export const stepSgd: StepKernel = defineKernel('step_sgd', [rowBindings, {}])
export const stepMomentum: StepKernel = defineKernel('step_momentum', [rowBindings, { velocity: 'read-write' }])
export const stepAdagrad: StepKernel = defineKernel('step_adagrad', [rowBindings, { squares: 'read-write' }])
export const stepAdam: StepKernel = defineKernel('step_adam', [rowBindings, moments], { dense: true })
export const stepSparseAdam: StepKernel = defineKernel('step_adam', [rowBindings, moments], { dense: false })

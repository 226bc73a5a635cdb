import { type StepKernel, stepAdagrad, stepAdam, stepMomentum, stepSgd, stepSparseAdam } from '../kernels/steps.ts'

export interface Optimizer {
  kernel: StepKernel
  /**
   * Dense: every row steps in every batch, on the gradient of the batch's mean squared error plus lambda * theta, as in
   * a framework's training loop. Otherwise the rows of the batch step, on the sum of their entries' gradients of half
   * the squared error plus their penalties' share.
   */
  dense: boolean
}

export const optimizers = {
  sgd: { kernel: stepSgd, dense: false },
  momentum: { kernel: stepMomentum, dense: false },
  adagrad: { kernel: stepAdagrad, dense: false },
  adam: { kernel: stepAdam, dense: true },
  'sparse-adam': { kernel: stepSparseAdam, dense: false },
} as const satisfies Record<string, Optimizer>

export type OptimizerName = keyof typeof optimizers

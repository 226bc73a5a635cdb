import { sideStruct } from '../kernels/structs.ts'
import type { Penalty } from './penalty.ts'

/** What both sides of the matrix have of their own, and what they share. */
export interface SideOptions {
  penalty: Penalty
  userRegularization: number
  itemRegularization: number
  biasRegularization: number
  userLearningRate: number
  itemLearningRate: number
  biasLearningRate: number
  momentum: number
  beta1: number
  beta2: number
  epsilon: number
}

/** The `Side` uniform. */
export function packSide(options: SideOptions, rows: number, side: 'users' | 'items'): ArrayBuffer {
  const ofUsers = side === 'users'
  return sideStruct.pack({
    factor_rate: ofUsers ? options.userLearningRate : options.itemLearningRate,
    bias_rate: options.biasLearningRate,
    factor_penalty: ofUsers ? options.userRegularization : options.itemRegularization,
    bias_penalty: options.biasRegularization,
    momentum: options.momentum,
    beta_1: options.beta1,
    beta_2: options.beta2,
    epsilon: options.epsilon,
    rows,
  })
}

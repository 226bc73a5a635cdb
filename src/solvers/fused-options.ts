import type { SideOptions } from './side-options.ts'

export interface FusedOptions extends SideOptions {
  optimizer: 'sgd' | 'adagrad'
  factors: number
  biases: boolean
  seed: number
  precision: 'f32' | 'f16'
  workers?: number | undefined
  strata?: number | undefined
}

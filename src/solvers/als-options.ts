import type { SideOptions } from './side-options.ts'

export type RowSolver = 'cg' | 'exact'

/** What alternating least squares takes of a training's options. */
export interface AlsOptions
  extends Pick<SideOptions, 'penalty' | 'userRegularization' | 'itemRegularization' | 'biasRegularization'> {
  factors: number
  biases: boolean
  rowSolver: RowSolver
  /** Steps of conjugate gradient a row and half an iteration. */
  cgSteps: number
  /** A row is done when a step lowers its objective by less than this share of it. */
  cgTolerance: number
  /** Set where the entries are implicit feedback. */
  implicit?: ImplicitOptions | undefined
}

/**
 * How implicit feedback is weighed: by confidence, 1 + alpha r on observed cells and 1 elsewhere (Hu, Koren, Volinsky,
 * Collaborative filtering for implicit feedback datasets, 2008); or by 1 on observed cells and `unobservedWeight` on all
 * (Rendle et al., Revisiting the performance of iALS on item recommendation benchmarks, 2021).
 */
export type ImplicitOptions = { alpha: number } | { unobservedWeight: number }

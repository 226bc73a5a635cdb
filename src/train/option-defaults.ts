import type { ErrorScale } from '../solvers/error-scale.ts'
import type { optimizers } from '../solvers/optimizers.ts'
import type { DataScale, Parsed, Trainer } from './options-schema.ts'

/** Default learning rate and regularization of each optimizer of mini-batches. Rates of sum gradients are a step an entry. */
export const optimizerDefaults = {
  sgd: { learningRate: 0.01, regularization: 0.1 },
  momentum: { learningRate: 0.001, regularization: 0.1 },
  adagrad: { learningRate: 0.05, regularization: 0.1 },
  adam: { learningRate: 0.002, regularization: 1e-5 },
  'sparse-adam': { learningRate: 0.005, regularization: 0.1 },
} as const satisfies Record<keyof typeof optimizers, { learningRate: number; regularization: number }>

/** Default learning rates of the solver sgd; adagrad's is LIBMF's. */
export const fusedRates = { sgd: 0.01, adagrad: 0.1 } as const

/** Defaults of alternating least squares. */
export const alsDefaults = { epochs: 12, rowSolver: 'cg', cgSteps: 3, cgTolerance: 0 } as const

/** Defaults of implicit models, by how they weigh. */
export const implicitDefaults = {
  alpha: { penalty: 'frobenius', regularization: 0.01 },
  unobservedWeight: { penalty: 'weighted', regularization: 0.005 },
} as const

/** Defaults of Bayesian personalized ranking. */
export const bprDefaults = {
  epochs: 50,
  learningRate: 0.05,
  regularization: 0.01,
  negativePower: 0,
  initStd: 0.01,
} as const

/** Scores of explicit models are products of two factors, whose size is the root of theirs; sigmoids take scores without a unit. */
export function initStdOf({ model, link, factors }: Parsed, { score }: DataScale): number {
  if (model === 'bpr') return bprDefaults.initStd
  if (model === 'implicit') return 0.1 / Math.sqrt(factors)
  return link === 'bounded' ? 0.1 : Number((0.1 * Math.sqrt(score)).toPrecision(3))
}

export function defaultSolver({ model, optimizer, batchSize }: Parsed): 'sgd' | 'minibatch' | 'als' {
  if (model === 'implicit') return 'als'
  return model === 'bpr' || (isFused(optimizer) && batchSize === undefined) ? 'sgd' : 'minibatch'
}

interface Defaults {
  epochs: number
  learningRate: number
  regularization: number
  biasRegularization?: number
  penalty: NonNullable<Parsed['penalty']>
}

export function defaultsOf(trainer: Trainer, parsed: Parsed, data: DataScale): Defaults {
  const { optimizer } = parsed
  if (trainer === 'bpr') return { ...bprDefaults, penalty: 'weighted' }
  if (trainer === 'als') {
    const rates = { epochs: alsDefaults.epochs, learningRate: optimizerDefaults.sgd.learningRate }
    if (parsed.model === 'explicit') return { ...rates, ...scaledPenalties(data), penalty: 'sqrt' }
    return { ...rates, ...implicitDefaults[parsed.alpha === undefined ? 'unobservedWeight' : 'alpha'] }
  }
  if (trainer === 'sgd' && isFused(optimizer)) {
    return { epochs: 20, learningRate: fusedRates[optimizer], ...scaledPenalties(data), penalty: 'sqrt' }
  }
  return { epochs: 20, ...optimizerDefaults[optimizer], penalty: optimizer === 'adam' ? 'frobenius' : 'weighted' }
}

/** The options that only alternating least squares knows. */
export function alsOptions(parsed: Parsed, { density }: DataScale) {
  const { model, alpha, unobservedWeight } = parsed
  const weight = unobservedWeight ?? Number(Math.sqrt(density).toPrecision(2))
  return {
    rowSolver: parsed.rowSolver ?? alsDefaults.rowSolver,
    cgSteps: parsed.cgSteps ?? alsDefaults.cgSteps,
    cgTolerance: parsed.cgTolerance ?? alsDefaults.cgTolerance,
    ...(model === 'implicit' && alpha === undefined ? { unobservedWeight: weight } : {}),
  }
}

/** Penalties that weigh as much, against errors of the ratings' size, as 1 does where that size is 1. */
function scaledPenalties({ score, derivative }: ErrorScale) {
  return {
    regularization: Number(derivative.toPrecision(3)),
    biasRegularization: Number((derivative / score).toPrecision(3)),
  }
}

/** Whether the solver sgd knows an optimizer. */
export const isFused = (optimizer: string): optimizer is keyof typeof fusedRates => optimizer in fusedRates

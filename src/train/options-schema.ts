import * as v from 'valibot'
import type { ErrorScale } from '../solvers/error-scale.ts'
import { optimizers } from '../solvers/optimizers.ts'
import { penaltyExponents } from '../solvers/penalty.ts'

// The one schema of a training's options: types, checks, defaults, command-line flags and the table in the docs all
// come from it. A description is the flag's help; `value` names what it takes.

const option = <const Schema extends v.GenericSchema>(schema: Schema, description: string, value?: string) =>
  v.pipe(
    schema,
    v.description<v.InferOutput<Schema>, string>(description),
    v.metadata<v.InferOutput<Schema>, { value: string | undefined }>({ value }),
  )

const integer = (least: number, most: number) =>
  v.pipe(
    v.number(`must be an integer from ${least} to ${most}`),
    v.integer(`must be an integer from ${least} to ${most}`),
    v.minValue(least, `must be an integer from ${least} to ${most}`),
    v.maxValue(most, `must be an integer from ${least} to ${most}`),
  )

const real = (least: number, most = Number.MAX_VALUE) => {
  const words =
    most === Number.MAX_VALUE ? `must be a number of at least ${least}` : `must be a number from ${least} to ${most}`
  return v.pipe(v.number(words), v.finite(words), v.minValue(least, words), v.maxValue(most, words))
}

const positive = () => {
  const words = 'must be a positive number'
  return v.pipe(v.number(words), v.finite(words), v.gtValue(0, words))
}

const oneOf = <const Names extends readonly string[]>(...names: Names) =>
  v.picklist(names, `must be one of ${names.join(', ')}`)

const optimizerNames = Object.keys(optimizers) as (keyof typeof optimizers)[]
const penaltyNames = Object.keys(penaltyExponents) as (keyof typeof penaltyExponents)[]
const penaltyWords = `must be ${penaltyNames.join(', ')} or an exponent from 0 to 2`

export const optionsSchema = v.strictObject({
  model: v.optional(
    option(
      oneOf('explicit', 'implicit', 'bpr'),
      'what the entries mean: explicit = ratings on a scale; implicit = counts or strengths of use, over all cells of the matrix; bpr = use alone, items of a user ranked before others (Bayesian personalized ranking)',
    ),
    'explicit',
  ),
  solver: v.optional(
    option(
      oneOf('sgd', 'minibatch', 'als'),
      'how the factors are found: sgd = entry by entry, in parallel without races (default; the only one of bpr); minibatch = by batches (default where the optimizer or a batch size asks for it); als = alternating least squares (the only one of implicit)',
    ),
  ),
  optimizer: v.optional(
    option(oneOf(...optimizerNames), 'step rule; the solver sgd knows sgd and adagrad, als and bpr have none'),
    'adagrad',
  ),
  factors: v.optional(option(integer(1, 512), 'rank k: latent factors a user and an item', 'k'), 32),
  epochs: v.optional(
    option(integer(0, 1_000_000), 'passes over the training entries (default: 20; als: 12; bpr: 50)', 'n'),
  ),
  batchSize: v.optional(option(integer(1, 2 ** 24), 'minibatch: entries in a batch (default: 4096)', 'n')),
  workers: v.optional(
    option(integer(1, 65_535), 'sgd: tiles trained side by side (default: by the device and the data)', 'n'),
  ),
  strata: v.optional(
    option(
      integer(1, 65_535),
      'sgd: steps that an epoch is cut into (default: as many as workers); with fewer, workers race (Hogwild): not reproducible',
      'n',
    ),
  ),
  rowSolver: v.optional(
    option(
      oneOf('cg', 'exact'),
      'als: how a row is solved: cg = some steps of conjugate gradient from where it is (default); exact = normal equations and Cholesky up to k = 128 or so, beyond by converged conjugate gradient',
    ),
  ),
  cgSteps: v.optional(option(integer(1, 1000), 'als, cg: steps a row (default: 3)', 'n')),
  cgTolerance: v.optional(
    option(
      real(0, 1),
      'als, cg: a row is done when a step lowers its objective by less than this share (default: 0)',
      'share',
    ),
  ),
  alpha: v.optional(
    option(
      positive(),
      'implicit: confidence 1 + alpha * |value| on observed cells, 1 elsewhere (the library "implicit" has alpha * value in all); values of 0 and below are of preference 0',
      'alpha',
    ),
  ),
  unobservedWeight: v.optional(
    option(
      positive(),
      "implicit: weight of all cells beside 1 for an observed one (iALS); values count by their sign only: 0 and below are dislikes of weight 1 (default, without alpha: the root of the observed cells' share)",
      'weight',
    ),
  ),
  negativePower: v.optional(
    option(
      real(0, 2),
      'bpr: items are drawn as negatives by their count to this power: 0 = evenly (default), 1 = by popularity',
      'power',
    ),
  ),
  learningRate: v.optional(option(positive(), 'step size', 'rate')),
  userLearningRate: v.optional(option(real(0), 'step size of user factors (default: the learning rate)', 'rate')),
  itemLearningRate: v.optional(option(real(0), 'step size of item factors (default: the learning rate)', 'rate')),
  biasLearningRate: v.optional(option(real(0), 'step size of biases (default: the learning rate)', 'rate')),
  schedule: v.optional(
    option(
      oneOf('constant', 'inverse', 'cosine', 'bold'),
      'how the learning rate changes from epoch to epoch; not with als',
    ),
    'constant',
  ),
  onDivergence: v.optional(
    option(
      oneOf('stop', 'halve-rate'),
      'where the loss is no longer finite or grows without bound: stop with the last good state, or go back to it, halve the learning rates and go on, 10 times at most; not with als',
    ),
    'stop',
  ),
  rateDecay: v.optional(option(real(0), 'inverse schedule: rate / (1 + decay * epoch)', 'decay'), 0.1),
  regularization: v.optional(option(real(0), 'lambda, the weight of the penalty', 'lambda')),
  userRegularization: v.optional(option(real(0), 'lambda of user factors (default: the regularization)', 'lambda')),
  itemRegularization: v.optional(option(real(0), 'lambda of item factors (default: the regularization)', 'lambda')),
  biasRegularization: v.optional(
    option(real(0), 'lambda of biases (default: the regularization where it is given)', 'lambda'),
  ),
  penalty: v.optional(
    option(
      v.union(
        [v.picklist(penaltyNames), v.pipe(v.number(), v.minValue(0, penaltyWords), v.maxValue(2, penaltyWords))],
        penaltyWords,
      ),

      "a row's penalty is lambda * count^nu: weighted (nu = 1), sqrt (1/2), frobenius (0), or nu itself (default: sqrt; minibatch, bpr and implicit: weighted; alpha: frobenius; adam knows weight decay only). With an unobserved weight w: lambda * (count + w * rows of the other side)^nu",
      'weighted|sqrt|frobenius|exponent',
    ),
  ),
  link: v.optional(
    option(oneOf('linear', 'bounded'), 'prediction = score, or min + (max - min) * sigmoid(score)'),
    'linear',
  ),
  biases: v.optional(option(v.boolean('must be true or false'), 'user and item biases; bpr: item biases')),
  globalMean: v.optional(option(v.boolean('must be true or false'), "start from the ratings' mean")),
  clip: v.optional(option(v.boolean('must be true or false'), "clip predictions to the ratings' range")),
  initStd: v.optional(
    option(
      real(0),
      "standard deviation of the initial factors (default: 0.1 * sqrt(the ratings' root mean square about their mean); bounded link: 0.1; implicit: 0.1 / sqrt(k); bpr: 0.01)",
      'sd',
    ),
  ),
  biasInitStd: v.optional(option(real(0), 'standard deviation of the initial biases', 'sd'), 0),
  momentum: v.optional(option(real(0, 0.9999), 'momentum: share of the velocity that stays', 'share'), 0.9),
  beta1: v.optional(option(real(0, 0.9999), 'adam: decay of the first moment', 'beta'), 0.9),
  beta2: v.optional(option(real(0, 0.999999), 'adam: decay of the second moment', 'beta'), 0.999),
  epsilon: v.optional(
    option(real(1e-30), 'adagrad, adam: keeps the denominator from zero, in f32 too', 'epsilon'),
    1e-8,
  ),
  validationRatio: v.optional(
    option(real(0, 0.9), 'share of the training entries kept for validation; the best epoch is restored', 'ratio'),
    0,
  ),
  patience: v.optional(
    option(
      integer(0, 1_000_000),
      'epochs without a better validation RMSE (implicit, bpr: NDCG@10) before stopping; 0: never stop',
      'n',
    ),
    0,
  ),
  seed: v.optional(option(integer(0, 2 ** 32 - 1), 'fixes every random draw', 'n'), 0),
  precision: v.optional(
    option(oneOf('f32', 'f16'), 'storage of the factors while training; f16: the solver sgd only'),
    'f32',
  ),
})

/** Options as a caller gives them: all optional. */
export type TrainOptions = v.InferInput<typeof optionsSchema>

/** Options as they are checked, before defaults that depend on others. */
export type Parsed = v.InferOutput<typeof optionsSchema>

/** Options whose default depends on another option or on the data. */
type Derived =
  | 'solver'
  | 'epochs'
  | 'batchSize'
  | 'learningRate'
  | `${'user' | 'item' | 'bias'}LearningRate`
  | 'regularization'
  | `${'user' | 'item' | 'bias'}Regularization`
  | 'penalty'
  | 'biases'
  | 'globalMean'
  | 'clip'
  | 'initStd'

/** Options with every default filled in; those that only some trainings know are absent from others. */
export type ResolvedOptions = Omit<Parsed, Derived> & { [Name in Derived]: NonNullable<Parsed[Name]> }

/** What defaults depend on beside the options. */
export interface DataScale extends ErrorScale {
  /** Share of the cells of the matrix that are observed. */
  density: number
}

/** What finds the factors: the solver, or the model where it has one of its own. */
export type Trainer = 'sgd' | 'minibatch' | 'als' | 'bpr'

export const trainerOf = ({ model, solver }: Pick<ResolvedOptions, 'model' | 'solver'>): Trainer =>
  model === 'bpr' ? 'bpr' : solver

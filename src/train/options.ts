import { closest } from 'fastest-levenshtein'
import * as v from 'valibot'
import { OptionError } from '../errors.ts'
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
  model: v.optional(option(oneOf('explicit'), 'what the ratings mean: explicit = ratings on a scale'), 'explicit'),
  solver: v.optional(
    option(
      oneOf('sgd', 'minibatch'),
      'how the factors are found: sgd = entry by entry, in parallel without races (default); minibatch = by batches (default where the optimizer or a batch size asks for it)',
    ),
  ),
  optimizer: v.optional(option(oneOf(...optimizerNames), 'step rule; the solver sgd knows sgd and adagrad'), 'adagrad'),
  factors: v.optional(option(integer(1, 512), 'rank k: latent factors a user and an item', 'k'), 32),
  epochs: v.optional(option(integer(0, 1_000_000), 'passes over the training entries', 'n'), 20),
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
  learningRate: v.optional(option(positive(), 'step size', 'rate')),
  userLearningRate: v.optional(option(real(0), 'step size of user factors (default: the learning rate)', 'rate')),
  itemLearningRate: v.optional(option(real(0), 'step size of item factors (default: the learning rate)', 'rate')),
  biasLearningRate: v.optional(option(real(0), 'step size of biases (default: the learning rate)', 'rate')),
  schedule: v.optional(
    option(oneOf('constant', 'inverse', 'cosine', 'bold'), 'how the learning rate changes from epoch to epoch'),
    'constant',
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

      "a row's penalty is lambda * count^nu: weighted (nu = 1), sqrt (1/2), frobenius (0), or nu itself (default: sqrt; minibatch: weighted, of which adam knows weight decay only)",
      'weighted|sqrt|frobenius|exponent',
    ),
  ),
  link: v.optional(
    option(oneOf('linear', 'bounded'), 'prediction = score, or min + (max - min) * sigmoid(score)'),
    'linear',
  ),
  biases: v.optional(option(v.boolean('must be true or false'), 'user and item biases'), true),
  globalMean: v.optional(option(v.boolean('must be true or false'), "start from the ratings' mean"), true),
  clip: v.optional(option(v.boolean('must be true or false'), "clip predictions to the ratings' range"), true),
  initStd: v.optional(option(real(0), 'standard deviation of the initial factors', 'sd'), 0.1),
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
    option(integer(0, 1_000_000), 'epochs without a better validation RMSE before stopping; 0: never stop', 'n'),
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

type Parsed = v.InferOutput<typeof optionsSchema>

/** Options whose default depends on another option. */
type Derived =
  | 'solver'
  | 'batchSize'
  | 'learningRate'
  | `${'user' | 'item' | 'bias'}LearningRate`
  | 'regularization'
  | `${'user' | 'item' | 'bias'}Regularization`
  | 'penalty'

/** Options with every default filled in. */
export type ResolvedOptions = Omit<Parsed, Derived> & { [Name in Derived]: NonNullable<Parsed[Name]> }

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

/**
 * Checks options and fills in the defaults.
 * @param units of the ratings: the default regularization of the solver sgd follows them, so that ratings in other units
 *   are trained alike. A training knows them from its ratings.
 * @throws OptionError that names the option, what it takes, and for an unknown one the nearest known one.
 */
export function resolveOptions(
  options: TrainOptions = {},
  units: ErrorScale = { score: 1, derivative: 1 },
): ResolvedOptions {
  const result = v.safeParse(optionsSchema, options, { abortEarly: true })
  if (!result.success) throw optionError(result.issues[0])
  const parsed = result.output
  const solver = parsed.solver ?? (isFused(parsed.optimizer) && parsed.batchSize === undefined ? 'sgd' : 'minibatch')
  checkSolver(solver, parsed)
  const fused = solver === 'sgd' && isFused(parsed.optimizer) ? fusedDefaults(parsed.optimizer, units) : undefined
  const defaults = fused ?? optimizerDefaults[parsed.optimizer]
  const learningRate = parsed.learningRate ?? defaults.learningRate
  const regularization = parsed.regularization ?? defaults.regularization
  if (parsed.optimizer === 'adam' && parsed.penalty !== undefined && parsed.penalty !== 'frobenius') {
    throw new OptionError(
      'penalty',
      '"penalty" does not go with the optimizer adam, whose penalty is weight decay on all rows (frobenius); take sparse-adam, or leave it out',
    )
  }
  return {
    ...parsed,
    solver,
    batchSize: parsed.batchSize ?? 4096,
    learningRate,
    userLearningRate: parsed.userLearningRate ?? learningRate,
    itemLearningRate: parsed.itemLearningRate ?? learningRate,
    biasLearningRate: parsed.biasLearningRate ?? learningRate,
    regularization,
    userRegularization: parsed.userRegularization ?? regularization,
    itemRegularization: parsed.itemRegularization ?? regularization,
    biasRegularization:
      parsed.biasRegularization ?? parsed.regularization ?? fused?.biasRegularization ?? regularization,
    penalty: parsed.penalty ?? (solver === 'sgd' ? 'sqrt' : parsed.optimizer === 'adam' ? 'frobenius' : 'weighted'),
  }
}

/** Penalties that weigh as much, against errors of the ratings' size, as 1 does where that size is 1. */
function fusedDefaults(optimizer: keyof typeof fusedRates, { score, derivative }: ErrorScale) {
  return {
    learningRate: fusedRates[optimizer],
    regularization: Number(derivative.toPrecision(3)),
    biasRegularization: Number((derivative / score).toPrecision(3)),
  }
}

const isFused = (optimizer: string): optimizer is keyof typeof fusedRates => optimizer in fusedRates

function checkSolver(solver: 'sgd' | 'minibatch', { optimizer, precision, workers, strata }: Parsed): void {
  if (solver === 'sgd' && !isFused(optimizer)) {
    const names = Object.keys(fusedRates).join(' and ')
    throw new OptionError(
      'optimizer',
      `"optimizer" ${optimizer} does not go with the solver sgd, which knows ${names}; take the solver minibatch`,
    )
  }
  if (solver === 'sgd') return
  if (precision !== 'f32') {
    throw new OptionError('precision', `"precision" ${precision} goes with the solver sgd only, not with minibatch`)
  }
  for (const [option, value] of Object.entries({ workers, strata })) {
    if (value !== undefined)
      throw new OptionError(option, `"${option}" goes with the solver sgd only, not with minibatch`)
  }
}

function optionError(issue: v.BaseIssue<unknown>): OptionError {
  const name = String(issue.path?.[0]?.key ?? 'options')
  const known = Object.keys(optionsSchema.entries)
  if (issue.path !== undefined && !known.includes(name)) {
    const nearest = closest(name, known)
    return new OptionError(name, `unknown option "${name}"; did you mean "${nearest}"?`, nearest)
  }
  if (issue.path === undefined) return new OptionError('options', 'options must be an object')
  return new OptionError(name, `"${name}" ${issue.message}, not ${JSON.stringify(issue.input)}`)
}

import { closest } from 'fastest-levenshtein'
import * as v from 'valibot'
import { OptionError } from '../errors.ts'
import type { ImplicitOptions } from '../solvers/als-options.ts'
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

type Parsed = v.InferOutput<typeof optionsSchema>

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
export const alsDefaults = { epochs: 12, rowSolver: 'cg', cgSteps: 3, cgTolerance: 0, regularization: 1 } as const

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

/** What finds the factors: the solver, or the model where it has one of its own. */
type Trainer = 'sgd' | 'minibatch' | 'als' | 'bpr'

const trainerOf = ({ model, solver }: Pick<ResolvedOptions, 'model' | 'solver'>): Trainer =>
  model === 'bpr' ? 'bpr' : solver

/**
 * Checks options and fills in the defaults.
 * @param data units and density of the ratings: default penalties, weights and initial factors follow them, so that
 *   ratings in other units are trained alike. A training knows them from its ratings.
 * @throws OptionError that names the option, what it takes, and for an unknown one the nearest known one.
 */
export function resolveOptions(
  options: TrainOptions = {},
  data: DataScale = { score: 1, derivative: 1, density: 0.01 },
): ResolvedOptions {
  const result = v.safeParse(optionsSchema, options, { abortEarly: true })
  if (!result.success) throw optionError(result.issues[0])
  const parsed = result.output
  const solver = parsed.solver ?? defaultSolver(parsed)
  const trainer = trainerOf({ model: parsed.model, solver })
  checkTrainer(trainer, solver, parsed)
  const defaults = defaultsOf(trainer, parsed, data)
  const learningRate = parsed.learningRate ?? defaults.learningRate
  const regularization = parsed.regularization ?? defaults.regularization
  const explicit = parsed.model === 'explicit'
  return {
    ...parsed,
    ...(trainer === 'als' ? alsOptions(parsed, data) : {}),
    ...(trainer === 'bpr' ? { negativePower: parsed.negativePower ?? bprDefaults.negativePower } : {}),
    solver,
    epochs: parsed.epochs ?? defaults.epochs,
    batchSize: parsed.batchSize ?? 4096,
    learningRate,
    userLearningRate: parsed.userLearningRate ?? learningRate,
    itemLearningRate: parsed.itemLearningRate ?? learningRate,
    biasLearningRate: parsed.biasLearningRate ?? learningRate,
    regularization,
    userRegularization: parsed.userRegularization ?? regularization,
    itemRegularization: parsed.itemRegularization ?? regularization,
    biasRegularization:
      parsed.biasRegularization ?? parsed.regularization ?? defaults.biasRegularization ?? regularization,
    penalty: parsed.penalty ?? defaults.penalty,
    biases: parsed.biases ?? parsed.model !== 'implicit',
    globalMean: parsed.globalMean ?? explicit,
    clip: parsed.clip ?? explicit,
    initStd: parsed.initStd ?? initStdOf(parsed, data),
  }
}

/** Scores of explicit models are products of two factors, whose size is the root of theirs; sigmoids take scores without a unit. */
function initStdOf({ model, link, factors }: Parsed, { score }: DataScale): number {
  if (model === 'bpr') return bprDefaults.initStd
  if (model === 'implicit') return 0.1 / Math.sqrt(factors)
  return link === 'bounded' ? 0.1 : Number((0.1 * Math.sqrt(score)).toPrecision(3))
}

function defaultSolver({ model, optimizer, batchSize }: Parsed): 'sgd' | 'minibatch' | 'als' {
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

function defaultsOf(trainer: Trainer, parsed: Parsed, data: DataScale): Defaults {
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
function alsOptions(parsed: Parsed, { density }: DataScale) {
  const { model, alpha, unobservedWeight } = parsed
  const weight = unobservedWeight ?? Number(Math.sqrt(density).toPrecision(2))
  return {
    rowSolver: parsed.rowSolver ?? alsDefaults.rowSolver,
    cgSteps: parsed.cgSteps ?? alsDefaults.cgSteps,
    cgTolerance: parsed.cgTolerance ?? alsDefaults.cgTolerance,
    ...(model === 'implicit' && alpha === undefined ? { unobservedWeight: weight } : {}),
  }
}

/** How an implicit model weighs its cells; undefined in other models. */
export function implicitOptions({
  model,
  alpha,
  unobservedWeight,
}: Pick<ResolvedOptions, 'model' | 'alpha' | 'unobservedWeight'>): ImplicitOptions | undefined {
  if (model !== 'implicit') return undefined
  return alpha === undefined ? { unobservedWeight: unobservedWeight! } : { alpha }
}

/** Penalties that weigh as much, against errors of the ratings' size, as 1 does where that size is 1. */
function scaledPenalties({ score, derivative }: ErrorScale) {
  return {
    regularization: Number(derivative.toPrecision(3)),
    biasRegularization: Number((derivative / score).toPrecision(3)),
  }
}

const isFused = (optimizer: string): optimizer is keyof typeof fusedRates => optimizer in fusedRates

/** Options that only one kind of training knows. */
const onlyWith = {
  workers: 'the solver sgd',
  strata: 'the solver sgd',
  rowSolver: 'the solver als',
  cgSteps: 'the solver als',
  cgTolerance: 'the solver als',
  alpha: 'the model implicit',
  unobservedWeight: 'the model implicit',
  negativePower: 'the model bpr',
} as const satisfies { [Name in keyof Parsed]?: string }

function checkTrainer(trainer: Trainer, solver: 'sgd' | 'minibatch' | 'als', parsed: Parsed): void {
  const { model, optimizer, precision, penalty } = parsed
  if ((model === 'implicit') !== (solver === 'als') && model !== 'explicit') {
    const own = model === 'implicit' ? 'als' : 'sgd'
    throw new OptionError('solver', `"solver" ${solver} does not go with the model ${model}, which knows ${own} only`)
  }
  if (trainer === 'sgd' && !isFused(optimizer)) {
    const names = Object.keys(fusedRates).join(' and ')
    throw new OptionError(
      'optimizer',
      `"optimizer" ${optimizer} does not go with the solver sgd, which knows ${names}; take the solver minibatch`,
    )
  }
  const what = trainer === 'bpr' || model === 'implicit' ? `the model ${model}` : `the solver ${solver}`
  checkSteps(trainer, what, parsed)
  if (precision !== 'f32' && trainer !== 'sgd') {
    throw new OptionError(
      'precision',
      `"precision" ${precision} goes with the solver sgd only, not with ${nameOf(what)}`,
    )
  }
  for (const [option, owner] of Object.entries(onlyWith)) {
    const kinds = [`the solver ${trainer}`, `the model ${model}`]
    if (parsed[option as keyof typeof onlyWith] !== undefined && !kinds.includes(owner)) {
      const other = owner.startsWith('the model') ? `the model ${model}` : nameOf(what)
      throw new OptionError(option, `"${option}" goes with ${owner} only, not with ${other}`)
    }
  }
  if (parsed.alpha !== undefined && parsed.unobservedWeight !== undefined) {
    throw new OptionError('alpha', '"alpha" and "unobservedWeight" are two ways to weigh cells: take one of them')
  }
  if (parsed.link === 'bounded' && (trainer === 'als' || trainer === 'bpr')) {
    throw new OptionError('link', `"link" bounded does not go with ${what}, whose scores are linear`)
  }
  for (const option of ['globalMean', 'clip', ...(model === 'implicit' ? ['biases'] : [])] as const) {
    if (model !== 'explicit' && parsed[option as 'clip'] === true) {
      throw new OptionError(option, `"${option}" does not go with the model ${model}, which has none`)
    }
  }
  if (trainer === 'minibatch' && optimizer === 'adam' && penalty !== undefined && penalty !== 'frobenius') {
    throw new OptionError(
      'penalty',
      '"penalty" does not go with the optimizer adam, whose penalty is weight decay on all rows (frobenius); take sparse-adam, or leave it out',
    )
  }
}

/** Refuses rules of steps that a training would pass over; what options resolve to by default is no such rule. */
function checkSteps(trainer: Trainer, what: string, { optimizer, schedule, penalty }: Parsed): void {
  if (trainer !== 'als' && trainer !== 'bpr') return
  if (optimizer !== v.getDefault(optionsSchema.entries.optimizer)) {
    const own = trainer === 'als' ? 'solves whole rows' : 'takes plain steps'
    throw new OptionError('optimizer', `"optimizer" ${optimizer} does not go with ${what}, which ${own}; leave it out`)
  }
  if (trainer === 'als' && schedule !== 'constant') {
    throw new OptionError('schedule', `"schedule" ${schedule} does not go with ${what}, which has no learning rate`)
  }
  if (trainer === 'bpr' && penalty !== undefined && penalty !== 'weighted') {
    throw new OptionError('penalty', `"penalty" ${penalty} does not go with the model bpr, which knows weighted only`)
  }
}

const nameOf = (what: string) => what.replace(/^the solver /, '')

function optionError(issue: v.BaseIssue<unknown>): OptionError {
  const name = String(issue.path?.[0]?.key ?? 'options')
  const known = Object.keys(optionsSchema.entries)
  if (issue.path !== undefined && !known.includes(name)) return unknownOption(name, known)
  if (issue.path === undefined) return new OptionError('options', 'options must be an object')
  return new OptionError(name, `"${name}" ${issue.message}, not ${JSON.stringify(issue.input)}`)
}

/** Names the nearest option that there is. */
export function unknownOption(name: string, known: readonly string[]): OptionError {
  const nearest = closest(name, known)
  return new OptionError(name, `unknown option "${name}"; did you mean "${nearest}"?`, nearest)
}

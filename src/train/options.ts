import { closest } from 'fastest-levenshtein'
import * as v from 'valibot'
import { OptionError } from '../errors.ts'
import type { ImplicitOptions } from '../solvers/als-options.ts'
import { checkTrainer } from './option-checks.ts'
import { alsOptions, bprDefaults, defaultSolver, defaultsOf, initStdOf } from './option-defaults.ts'
import { type DataScale, optionsSchema, type ResolvedOptions, type TrainOptions, trainerOf } from './options-schema.ts'

export { bprDefaults, fusedRates, implicitDefaults, optimizerDefaults } from './option-defaults.ts'
export { type DataScale, optionsSchema, type ResolvedOptions, type TrainOptions } from './options-schema.ts'

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

/** How an implicit model weighs its cells; undefined in other models. */
export function implicitOptions({
  model,
  alpha,
  unobservedWeight,
}: Pick<ResolvedOptions, 'model' | 'alpha' | 'unobservedWeight'>): ImplicitOptions | undefined {
  if (model !== 'implicit') return undefined
  return alpha === undefined ? { unobservedWeight: unobservedWeight! } : { alpha }
}

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

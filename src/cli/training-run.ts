import type { Ratings } from '../data/ratings.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { biasOnlyErrors, globalMeanErrors } from '../metrics/baselines.ts'
import type { RatingErrors } from '../model/scorer.ts'
import type { TrainOptions } from '../train/options.ts'
import { type FitResult, Training, type TrainingExtras } from '../train/training.ts'
import { adapterName } from './adapter.ts'
import { facts, score, table } from './format.ts'
import { EpochProgress } from './progress.ts'
import type { Session } from './session.ts'
import { kebab } from './train-flags.ts'

export interface TrainingRun extends FitResult {
  entries: { train: number; validation: number }
  /** Training entries times epochs, by the seconds that these took. */
  updatesPerSecond: number
}

/** Trains and shows each epoch. */
export async function runTraining(
  { terminal, signal }: Session,
  gpu: Gpu,
  ratings: Ratings,
  options: TrainOptions & Pick<TrainingExtras, 'from'>,
  { keepSeen = true, verbose = false } = {},
): Promise<TrainingRun> {
  const training = new Training(gpu, ratings, { ...options, signal, keepSeen })
  const { entries } = training
  if (verbose) terminal.say(await details(training, gpu))
  const progress = new EpochProgress(terminal, training.options.epochs, entries.train, verbose)
  try {
    for await (const report of training) progress.show(report)
  } finally {
    progress.stop()
  }
  const result = await training.finish()
  signal.throwIfAborted()
  const { reproducible, workers, strata } = result.plan
  if (!reproducible) {
    terminal.warn(`${workers} workers raced in ${strata} strata: the same seed will not give the same model again`)
  }
  const updates = entries.train * result.epochs.length
  return { ...result, entries, updatesPerSecond: updates === 0 ? 0 : updates / result.seconds.train }
}

export interface Baselines {
  globalMean: RatingErrors
  biasOnly: RatingErrors
}

/** What is reached on the test entries without factors. */
export function baselines(train: Ratings, test: Ratings): Baselines {
  return { globalMean: globalMeanErrors(train, test), biasOnly: biasOnlyErrors(train, test) }
}

/** The test errors of the model beside those of the yardsticks. */
export function errorTable(model: RatingErrors, { globalMean, biasOnly }: Baselines, floor?: number): string {
  const row = (name: string, { rmse, mae }: RatingErrors) => [name, score(rmse), score(mae)]
  const rows = [row('this model', model), row('biases only', biasOnly), row('global mean', globalMean)]
  if (floor !== undefined) rows.push(['noise floor', score(floor), ''])
  return table(['on test entries', 'RMSE', 'MAE'], rows)
}

/** Options, device, and how the solver cut the work for it. */
async function details(training: Training, gpu: Gpu): Promise<string> {
  const { adapter, limits, features, subgroupMinSize } = gpu.capabilities
  const plan = await training.prepare()
  const named = (values: object) => Object.entries(values).map(([name, value]) => [name, String(value)] as const)
  return facts([
    ...Object.entries(training.options).map(([name, value]) => [`--${kebab(name)}`, String(value)] as const),
    ['adapter', adapterName(adapter)],
    ...named({ ...limits, ...features, subgroupMinSize }),
    ...named(plan).map(([name, value]) => [`plan: ${name}`, value] as const),
  ])
}

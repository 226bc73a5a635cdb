import type { Ratings } from '../data/ratings.ts'
import { AbortedError, DeviceLostError, DivergedError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { biasOnlyErrors, globalMeanErrors } from '../metrics/baselines.ts'
import type { Model } from '../model/model.ts'
import type { RatingErrors } from '../model/scorer.ts'
import type { TrainOptions } from '../train/options.ts'
import { planTraining } from '../train/plan-training.ts'
import { type EpochReport, type FitResult, Training, type TrainingExtras } from '../train/training.ts'
import { adapterName, type Reopen } from './adapter.ts'
import type { Checkpoints } from './checkpoints.ts'
import { facts, score, table } from './format.ts'
import { planText } from './plan-text.ts'
import { EpochProgress } from './progress.ts'
import type { Session } from './session.ts'
import type { Terminal } from './terminal.ts'
import { kebab } from './train-flags.ts'

export interface TrainingRun extends FitResult {
  entries: { train: number; validation: number }
  /** Training entries times epochs, by the seconds that these took. */
  updatesPerSecond: number
}

export interface RunSettings {
  keepSeen?: boolean
  verbose?: boolean
  checkpoints?: Checkpoints | undefined
  reopen?: Reopen
  /** Entries that are tested on afterwards. */
  tested?: number
}

/** Trains, shows each epoch and writes checkpoints where they are wanted. */
export async function runTraining(
  { terminal, signal }: Session,
  gpu: Gpu,
  ratings: Ratings,
  options: TrainOptions & Pick<TrainingExtras, 'from' | 'memory'>,
  { keepSeen = true, verbose = false, checkpoints, reopen, tested = 0 }: RunSettings = {},
): Promise<TrainingRun> {
  const resume = checkpoints?.resume
  const resumable = checkpoints !== undefined
  const training = new Training(gpu, ratings, { ...options, signal, keepSeen, resume, resumable, reopen })
  const { entries } = training
  if (verbose) {
    const planned = await planTraining(gpu, ratings, { ...options, signal, keepSeen, resumable })
    terminal.say(planText(planned, gpu.capabilities.adapter.software, tested))
    terminal.say(await details(training, gpu))
  }
  const progress = new EpochProgress(terminal, training.options.epochs, entries.train, verbose)
  checkpoints?.begin(gpu.capabilities.adapter)
  const warnOfHalving = halvingWarner(terminal, resume?.state.mark.halvings ?? 0)
  try {
    for await (const report of training) {
      progress.show(report)
      warnOfHalving(report)
      await checkpoints?.afterEpoch(training)
    }
    await checkpoints?.write(training)
  } catch (error) {
    progress.stop()
    if (endedEarly.some(type => error instanceof type)) await checkpoints?.rescue(training)
    throw error
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

/** What ends a training that has something left. */
const endedEarly = [AbortedError, DivergedError, DeviceLostError] as const

/** Says of each epoch that did well only at a lower rate. */
function halvingWarner(terminal: Terminal, before: number): (report: EpochReport) => void {
  return ({ epoch, halvings = 0 }) => {
    if (halvings > before) {
      const share = `1/${2 ** halvings}`
      terminal.warn(
        `epoch ${epoch} diverged: gone back to the state before it, with ${share} of the learning rates from here`,
      )
    }
    before = halvings
  }
}

export interface Baselines {
  globalMean: RatingErrors
  biasOnly: RatingErrors
}

/** What is reached on the test entries without factors. */
export function baselines({ parts }: Pick<Model, 'parts'>, train: Ratings, test: Ratings): Baselines {
  const isOfTraining = parts.userIds === train.userIds && parts.itemIds === train.itemIds
  const seen = isOfTraining ? parts.seen : undefined
  return { globalMean: globalMeanErrors(train, test), biasOnly: biasOnlyErrors(train, test, { seen }) }
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
    ...named(training.residency ?? {}).map(([name, value]) => [`entries: ${name}`, value] as const),
  ])
}

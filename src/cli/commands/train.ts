import { type Command, Option } from 'commander'
import type { Ratings } from '../../data/ratings.ts'
import { DeviceLostError, DivergedError } from '../../errors.ts'
import type { Gpu } from '../../gpu/gpu.ts'
import type { Evaluation, Model } from '../../model/model.ts'
import { readModel } from '../../node/model-file.ts'
import { resolveOptions, type TrainOptions } from '../../train/options.ts'
import type { FitResult, TrainingExtras } from '../../train/training.ts'
import { warmOptions } from '../../train/warm-start.ts'
import { withGpu } from '../adapter.ts'
import { addCheckpointFlags, type Checkpoints, type CheckpointWords, openCheckpoints } from '../checkpoints.ts'
import { elapsed } from '../clock.ts'
import { counted, rate, seconds } from '../format.ts'
import { saveModel } from '../model-file.ts'
import { checkWritable } from '../out-file.ts'
import { addRankingFlags, measureRanking, type RankingWords } from '../ranking-run.ts'
import { addReadFlags } from '../read-flags.ts'
import { perform, type Run, type Session } from '../session.ts'
import { addMemoryFlag, addTrainFlags, trainOptions } from '../train-flags.ts'
import { addDataFlags, checkSplit, type DataWords, type Parts, readParts } from '../training-data.ts'
import {
  type Baselines,
  baselines,
  errorTable,
  type RunSettings,
  runTraining,
  type TrainingRun,
} from '../training-run.ts'
import { warnOfUnknown } from '../unknown.ts'
import { fileValue } from '../values.ts'

interface Words extends RankingWords, CheckpointWords, DataWords {
  out?: string
  seen: boolean
  memory?: number
  verbose?: boolean
}

export function addTrain(program: Command, session: Session): void {
  const command = program
    .command('train')
    .argument(
      '<ratings>',
      'file, folder or quoted glob of user, item, rating and perhaps timestamp, or of users and their items',
    )
    .description('train a model on ratings, or on what users have used')
    .addOption(new Option('--out <file>', 'model file to write (safetensors)').argParser(fileValue('--out')))
    .option('--no-seen', 'leave out of the model which items each user has rated, which recommend leaves out')
  addDataFlags(command)
  addTrainFlags(command)
  addMemoryFlag(command)
  addCheckpointFlags(command)
  addRankingFlags(command)
  addReadFlags(command)
  command.option(
    '--verbose',
    'show the options, what the device can do, how the work is cut for it, and a line an epoch',
  )
  command.action(perform(session, train))
}

const train: Run = async (session, command) => {
  const began = performance.now()
  const words = command.opts<Words>()
  const options = trainOptions(command)
  const from = words.from === undefined ? undefined : await readModel(words.from)
  const { seed } = resolveOptions(from === undefined ? options : warmOptions(from, options))
  checkSplit(words)
  if (words.out !== undefined) await checkWritable(words.out)
  const checkpoints = await openCheckpoints(session.terminal, words)
  try {
    return await trainAndTest(session, command, { options, from, seed, began }, checkpoints)
  } finally {
    await checkpoints?.close()
  }
}

interface Wanted {
  options: TrainOptions
  from: Model | undefined
  seed: number
  /** When the command began. */
  began: number
}

async function trainAndTest(
  session: Session,
  command: Command,
  { options, from, seed, began }: Wanted,
  checkpoints: Checkpoints | undefined,
): Promise<object> {
  const words = command.opts<Words>()
  const { rows, ...split } = await readParts(session, command, words, seed)
  const read = elapsed(began)
  return await withGpu(session, async (gpu, reopen) => {
    const tested = split.test?.length ?? 0
    const settings = { keepSeen: words.seen, verbose: words.verbose === true, checkpoints, reopen, tested }
    const result = await trainOrKeep(
      session,
      gpu,
      split.train,
      { ...options, from, memory: words.memory },
      settings,
      words.out,
    )
    const evaluated = await evaluateOrKeep(session, result, split, words)
    const saving = performance.now()
    if (words.out !== undefined) await saveModel(session.terminal, words.out, result.model)
    const save = elapsed(saving)
    return {
      model: result.options.model,
      solver: result.options.solver,
      options: result.options,
      plan: result.plan,
      users: result.model.userCount,
      items: result.model.itemCount,
      entries: { ...result.entries, test: split.test?.length ?? 0 },
      rows,
      epochs: result.epochs,
      keptEpoch: result.epoch,
      metrics: evaluated.metrics,
      baselines: evaluated.baselines,
      updatesPerSecond: result.updatesPerSecond,
      seconds: { read, ...result.seconds, evaluate: evaluated.seconds, save, total: elapsed(began) },
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      checkpoint: checkpoints?.summary ?? null,
      adapter: gpu.capabilities.adapter,
      out: words.out ?? null,
    }
  })
}

/** Trains; where that fails after an epoch, the state from before is written first. */
async function trainOrKeep(
  session: Session,
  gpu: Gpu,
  ratings: Ratings,
  options: TrainOptions & Pick<TrainingExtras, 'from' | 'memory'>,
  settings: RunSettings,
  out: string | undefined,
): Promise<TrainingRun> {
  try {
    return await runTraining(session, gpu, ratings, options, settings)
  } catch (error) {
    const stopped = error instanceof DivergedError || error instanceof DeviceLostError
    const kept = stopped ? (error.result as FitResult | undefined) : undefined
    if (out !== undefined && kept !== undefined && kept.epoch > 0) {
      await saveModel(session.terminal, out, kept.model)
      session.terminal.warn(`${out} holds the model as of epoch ${kept.epoch}, the last good one`)
    }
    throw error
  }
}

/** Evaluates; where the device is lost over that, the model is written first. */
async function evaluateOrKeep(
  session: Session,
  result: TrainingRun,
  split: Omit<Parts, 'rows'>,
  words: Words,
): Promise<Evaluated> {
  try {
    return await evaluate(session, result, split, words)
  } catch (error) {
    if (error instanceof DeviceLostError && words.out !== undefined) {
      await saveModel(session.terminal, words.out, result.model)
    }
    throw error
  }
}

interface Evaluated {
  /** By name; those of a ranking with its counts. */
  metrics: { test?: Partial<Evaluation> | Record<string, unknown> }
  baselines?: Baselines
  seconds: number
}

async function evaluate(
  session: Session,
  result: TrainingRun,
  { train, test }: Omit<Parts, 'rows'>,
  words: Words,
): Promise<Evaluated> {
  const { terminal, signal } = session
  const began = performance.now()
  const { model, epochs, updatesPerSecond } = result
  terminal.say(
    `${counted(epochs.length, 'epoch')} in ${seconds(result.seconds.train)}, ${rate(updatesPerSecond)} entries/s`,
  )
  if (result.epoch < epochs.length) terminal.say(`kept: epoch ${result.epoch}, the best by validation`)
  if (test === undefined) return { metrics: {}, seconds: 0 }
  try {
    if (result.options.model !== 'explicit') {
      return { metrics: { test: await rank(session, model, test, words) }, seconds: elapsed(began) }
    }
    const errors = await model.evaluate(test)
    signal.throwIfAborted()
    const yardsticks = baselines(model, train, test)
    terminal.say(errorTable(errors, yardsticks))
    warnOfUnknown(terminal, errors)
    const ranked = isRanking(words) ? await rank(session, model, test, words) : {}
    return { metrics: { test: { ...errors, ...ranked } }, baselines: yardsticks, seconds: elapsed(began) }
  } finally {
    model.destroy()
  }
}

const isRanking = ({ at, relevantAt, auc }: Words): boolean => [at, relevantAt, auc].some(word => word !== undefined)

/** The metrics of a ranking, with what they are over. */
async function rank(session: Session, model: Model, test: Ratings, words: Words): Promise<Record<string, unknown>> {
  const { metrics, ...counts } = await measureRanking(session, model, test, words)
  return { ...metrics, ...counts }
}

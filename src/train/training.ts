import { mergeDuplicates } from '../data/duplicates.ts'
import { UNKNOWN } from '../data/ids.ts'
import type { Ratings } from '../data/ratings.ts'
import { type SeenItems, seenItems } from '../data/seen.ts'
import { splitRandom } from '../data/split.ts'
import { AbortedError, DeviceLostError, DivergedError, InputError, OptionError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Model } from '../model/model.ts'
import type { FactorTables, ModelScale, Parameters } from '../model/tables.ts'
import { errorScale } from '../solvers/error-scale.ts'
import type { EpochSums, Solver, SolverPlan } from '../solvers/solver.ts'
import { createSolver } from './create-solver.ts'
import { initialParameters } from './initialize.ts'
import { type ResolvedOptions, resolveOptions, type TrainOptions } from './options.ts'
import { divergedAbove, scaleOf } from './scale.ts'
import { Schedule } from './schedule.ts'
import { type KeptState, StateKeeper } from './state-keeper.ts'
import type { EpochReport, FitResult, TrainingExtras } from './training-types.ts'
import {
  type RankedEntries,
  rankedEntries,
  type ValidationMeter,
  validateErrors,
  validateRanking,
  validationScore,
} from './validation.ts'
import { growRatings, warmOptions, warmParameters, warmScale, warmSeen } from './warm-start.ts'

export type { EpochReport, FitResult, TrainingExtras } from './training-types.ts'

/** What lies on the GPU while a training runs. */
interface Run {
  solver: Solver
  keeper: StateKeeper
  meter: ValidationMeter | undefined
}

/**
 * A training, epoch by epoch: iterate over it, or call `step`, and take the result from `finish` whenever it is enough.
 * `fit` does all of that at once.
 */
export class Training implements AsyncIterable<EpochReport> {
  readonly options: ResolvedOptions
  readonly #gpu: Gpu
  readonly #ratings: Ratings
  readonly #train: Ratings
  readonly #validation: Ratings | undefined
  /** What a model that ranks is validated on. */
  readonly #ranked: RankedEntries | undefined
  readonly #extras: TrainingExtras
  readonly #scale: ModelScale
  readonly #divergedAbove: number
  readonly #schedule: Schedule
  readonly #epochs: EpochReport[] = []
  readonly #seconds = { pack: 0, train: 0 }
  #run: Run | undefined
  #best = Number.NEGATIVE_INFINITY
  #bestEpoch = 0
  #ended: FitResult | undefined
  #failure: { error: unknown } | undefined

  /** @throws OptionError, InputError; nothing is allocated on the GPU before the first epoch. */
  constructor(gpu: Gpu, ratings: Ratings, options: TrainOptions & TrainingExtras = {}) {
    const { signal, validation, keepSeen, from, ...own } = options
    const rest = from === undefined ? own : warmOptions(from, own)
    const given = resolveOptions(rest)
    checkTrainable(ratings)
    if (validation !== undefined && given.validationRatio > 0) {
      throw new OptionError('validationRatio', '"validationRatio" does not go with validation entries of your own')
    }
    this.#gpu = gpu
    // Implicit entries of one cell are parts of its count or strength; bpr takes each for a positive of its own.
    const entries = given.model === 'implicit' ? mergeDuplicates(ratings, 'sum') : ratings
    const grown = from === undefined ? entries : growRatings(entries, from)
    this.#ratings = grown
    this.#extras = { signal, validation, keepSeen, from }
    const { validationRatio, seed } = given
    const parts = validationRatio > 0 ? splitRandom(grown, { ratio: validationRatio, seed }) : undefined
    this.#train = parts?.train ?? grown
    this.#validation = parts?.test ?? validation?.alignTo(grown.userIds, grown.itemIds)
    if (this.#validation?.length === 0) throw new OptionError('validation', 'there are no entries to validate on')
    if (given.patience > 0 && this.#validation === undefined) {
      throw new OptionError('patience', '"patience" needs validation entries: give a "validationRatio"')
    }
    if (this.#validation !== undefined && given.model !== 'explicit') {
      const option = parts === undefined ? 'validation' : 'validationRatio'
      this.#ranked = rankedEntries(this.#train, this.#validation, { option, model: given.model })
    }
    const scale = scaleOf(this.#train, given)
    this.#scale = from === undefined ? scale : warmScale(from, scale)
    this.options = resolveOptions(rest, {
      ...errorScale(this.#train, this.#scale),
      density: this.#train.length / (grown.userCount * grown.itemCount),
    })
    this.#schedule = new Schedule(this.options)
    this.#divergedAbove = divergedAbove(this.#train, this.#scale, this.options)
  }

  /** Entries that are trained on, those of one cell of an implicit matrix counted once, and those held out for validation. */
  get entries(): { train: number; validation: number } {
    return { train: this.#train.length, validation: this.#validation?.length ?? 0 }
  }

  /**
   * Packs and uploads, which the first epoch would do otherwise; returns how the solver cut the work on this device.
   * @throws OptionError, LimitExceededError, OutOfMemoryError, DeviceLostError
   */
  async prepare(): Promise<SolverPlan> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#ended !== undefined) return this.#ended.plan
    this.#run ??= await this.#start()
    return this.#run.solver.plan
  }

  /**
   * Runs one more epoch; undefined when there is none left.
   * @throws DivergedError, AbortedError, DeviceLostError, each with the result so far; GPU errors
   */
  async step(): Promise<EpochReport | undefined> {
    if (this.#ended !== undefined || this.#failure !== undefined) return undefined
    const epoch = this.#epochs.length
    if (epoch >= this.options.epochs || this.#outOfPatience(epoch)) return undefined
    try {
      this.#run ??= await this.#start()
      return await this.#runEpoch(this.#run, epoch)
    } catch (error) {
      this.#failure = { error }
      try {
        this.#failure.error = await this.#explain(error, epoch)
      } finally {
        this.destroy()
      }
      throw this.#failure.error
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EpochReport, void, undefined> {
    for (;;) {
      const report = await this.step()
      if (report === undefined) return
      yield report
    }
  }

  /**
   * Ends the training here: the model of the best epoch so far by validation, else of the last; frees the GPU's part.
   * @throws what ended a training that failed
   */
  async finish(): Promise<FitResult> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#ended === undefined) {
      this.#run ??= await this.#start()
      try {
        this.#ended = this.#result(await this.#run.keeper.read(), this.#run.solver.plan)
      } finally {
        this.destroy()
      }
    }
    return this.#ended
  }

  async #start(): Promise<Run> {
    const began = performance.now()
    let drawn: Parameters | undefined
    const initial = () => {
      drawn ??= this.#initialParameters()
      return drawn
    }
    const solver = await createSolver(this.#gpu, this.#train, this.#scale, initial, this.options)
    const made: { destroy(): void }[] = [solver]
    try {
      const keeper = await StateKeeper.create(this.#gpu, solver.tables, initial())
      made.push(keeper)
      const meter = await this.#createMeter(solver.tables)
      if (meter !== undefined) made.push(meter)
      await this.#gpu.idle()
      return { solver, keeper, meter }
    } catch (error) {
      for (const part of made) part.destroy()
      throw error
    } finally {
      this.#seconds.pack = (performance.now() - began) / 1000
    }
  }

  #initialParameters(): Parameters {
    const { from } = this.#extras
    const drawn = initialParameters(this.#train, this.options)
    return from === undefined ? drawn : warmParameters(from, drawn)
  }

  async #createMeter(tables: FactorTables): Promise<ValidationMeter | undefined> {
    if (this.#ranked !== undefined) return validateRanking(this.#gpu, tables, this.#scale, this.#ranked)
    return this.#validation && (await validateErrors(this.#gpu, tables, this.#scale, this.#validation))
  }

  async #runEpoch(run: Run, epoch: number): Promise<EpochReport> {
    const began = performance.now()
    const rateScale = this.#schedule.scaleAt(epoch)
    const sums = await run.solver.runEpoch({ epoch, rateScale, signal: this.#extras.signal })
    const trainLoss = sums.squaredError / this.#train.length
    if (this.#diverged(sums, trainLoss)) throw new Divergence(trainLoss, sums.failure)
    const objective = trainLoss + sums.penalty / this.#train.length
    this.#schedule.observe(objective)
    const validation = await run.meter?.measure(this.#extras.signal)
    const score = validation && validationScore(validation)
    if (score === undefined || score > this.#best) {
      this.#best = score ?? this.#best
      this.#bestEpoch = epoch + 1
      await run.keeper.keep(run.solver.tables, epoch + 1)
    }
    const seconds = (performance.now() - began) / 1000
    this.#seconds.train += seconds
    const report: EpochReport = {
      epoch: epoch + 1,
      trainLoss,
      objective,
      ...validation,
      rateScale,
      seconds,
      ...(sums.gpuSeconds === undefined ? {} : { gpuSeconds: sums.gpuSeconds }),
      ...(sums.phases === undefined ? {} : { phases: sums.phases }),
    }
    this.#epochs.push(report)
    return report
  }

  #outOfPatience(epoch: number): boolean {
    const { patience } = this.options
    return patience > 0 && this.#validation !== undefined && epoch - this.#bestEpoch >= patience
  }

  #diverged(sums: EpochSums, trainLoss: number): boolean {
    return !Number.isFinite(trainLoss) || !Number.isFinite(sums.penalty) || trainLoss > this.#divergedAbove
  }

  /** Gives an error what the training still has. */
  async #explain(error: unknown, epoch: number): Promise<unknown> {
    const run = this.#run
    const result = (state: KeptState) => run && this.#result(state, run.solver.plan)
    const keeper = run?.keeper
    if (error instanceof DeviceLostError) {
      error.epoch = epoch
      error.result = keeper && result(keeper.mirror)
      return error
    }
    const { signal } = this.#extras
    const aborted = signal?.aborted === true && error === signal.reason
    if (!(error instanceof Divergence) && !aborted) return error
    const kept = keeper && result(await keeper.read())
    if (aborted) return new AbortedError(epoch, kept, { cause: error })
    return new DivergedError(epoch, (error as Divergence).loss, this.#adviceOn(error as Divergence, epoch), kept)
  }

  #adviceOn({ failure }: Divergence, epoch: number): ConstructorParameters<typeof DivergedError>[2] {
    if (failure !== undefined) {
      const { side, row } = failure
      const ids = side === 'users' ? this.#ratings.userIds : this.#ratings.itemIds
      return { row: { side, row, id: ids.at(row) } }
    }
    if (this.options.solver === 'als') return {}
    const rate = this.options.learningRate * this.#schedule.scaleAt(epoch)
    return { suggestedRate: Number((rate / 4).toPrecision(1)) }
  }

  #result(state: KeptState, plan: SolverPlan): FitResult {
    const { options } = this
    const { userFactors, itemFactors, userBias, itemBias } = state.parameters
    const model = new Model(
      {
        ...this.#scale,
        factors: options.factors,
        userFactors,
        itemFactors,
        ...(options.biases && options.model !== 'bpr' ? { userBias } : {}),
        ...(options.biases ? { itemBias } : {}),
        userIds: this.#ratings.userIds,
        itemIds: this.#ratings.itemIds,
        ...(this.#extras.keepSeen === false ? {} : { seen: this.#seen() }),
        options: { ...options },
        plan,
      },
      this.#gpu,
    )
    return { model, epochs: this.#epochs, epoch: state.epoch, options, plan, seconds: this.#seconds }
  }

  #seen(): SeenItems {
    const seen = seenItems(this.#ratings)
    return this.#extras.from === undefined ? seen : warmSeen(this.#extras.from, seen)
  }

  /** Frees what the training holds on the GPU; `finish` and a failure do so by themselves. */
  destroy(): void {
    this.#run?.meter?.destroy()
    this.#run?.keeper.destroy()
    this.#run?.solver.destroy()
    this.#run = undefined
  }
}

class Divergence extends Error {
  constructor(
    readonly loss: number,
    readonly failure: EpochSums['failure'],
  ) {
    super('diverged')
  }
}

function checkTrainable(ratings: Ratings): void {
  if (ratings.length === 0) throw new InputError('there are no ratings to train on')
  for (let e = 0; e < ratings.length; e++) {
    if (ratings.users[e] === UNKNOWN || ratings.items[e] === UNKNOWN) {
      throw new InputError(`entry ${e} names an unknown user or item; training needs entries whose ids are all known`)
    }
  }
}

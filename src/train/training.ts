import type { Ratings } from '../data/ratings.ts'
import { AbortedError, DeviceLostError, GpuUnavailableError, InputError, OutOfMemoryError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Residency } from '../solvers/entry-store.ts'
import type { SolverPlan } from '../solvers/solver.ts'
import { Checkpoint } from './checkpoint.ts'
import { checkConvergent, Divergence, divergedError } from './divergence.ts'
import type { EpochReport } from './epoch-report.ts'
import type { ResolvedOptions, TrainOptions } from './options.ts'
import { type Mark, Progress } from './progress.ts'
import { bytesOf } from './room.ts'
import { Run, type ShortMemory } from './run.ts'
import type { KeptState } from './state-keeper.ts'
import { checkData, checkOptions, checkPlan, deviceName, fingerprint, planDifference } from './training-identity.ts'
import { resultOf } from './training-result.ts'
import { setUp, type TrainingSetup } from './training-setup.ts'
import type { TrainingState } from './training-state.ts'
import type { FitResult, TrainingExtras } from './training-types.ts'

export type { EpochReport } from './epoch-report.ts'
export type { DeviceLoss, FitResult, TrainingExtras } from './training-types.ts'

/** Fresh devices asked for in one training. */
const mostReopenings = 3

/** Milliseconds from a vain attempt to get a device to the next one: a driver that starts anew takes its time. */
const reopeningPause = 1000

/** Halvings of the learning rate in one training: to about a thousandth. */
const mostHalvings = 10

/** The state is copied to the host again after this many times what that took. */
const holdingShare = 50

/**
 * A training, epoch by epoch: iterate over it, or call `step`, and take the result from `finish` whenever it is enough.
 * `fit` does all of that at once.
 */
export class Training implements AsyncIterable<EpochReport> {
  readonly options: ResolvedOptions
  #gpu: Gpu
  readonly #extras: TrainingExtras
  readonly #setup: TrainingSetup
  /** Bytes of buffers that there may be at once. */
  readonly #memory: number | undefined
  readonly #progress: Progress
  #packSeconds = 0
  #run: Run | undefined
  /** Where the GPU had no memory for a run. */
  #short: ShortMemory | undefined
  /** Of the run at hand, or of the last. */
  #plan: SolverPlan | undefined
  /** Where the snapshot was taken. */
  #mark: Mark
  /** The state on the host, from which a run starts; the initial one where there is none. */
  #held: TrainingState | undefined
  #holding = { at: 0, took: 0 }
  /** What a lost device has left of the result. */
  #mirror: KeptState | undefined
  /** Of the epochs up to that one. */
  #mirrorReports: EpochReport[] = []
  #lost: DeviceLostError | undefined
  #reopenings = 0
  #fingerprint: Promise<string> | undefined
  #ended: FitResult | undefined
  #failure: { error: unknown } | undefined

  /** @throws OptionError, InputError; nothing is allocated on the GPU before the first epoch. */
  constructor(gpu: Gpu, ratings: Ratings, options: TrainOptions & TrainingExtras = {}) {
    const { signal, validation, keepSeen, from, resume, resumable, reopen, memory, ...own } = options
    this.#gpu = gpu
    this.#extras = { signal, validation, keepSeen, from, resume, resumable, reopen }
    this.#memory = bytesOf(memory)
    this.#setup = setUp(ratings, own, this.#extras)
    this.options = this.#setup.options
    this.#progress = new Progress(this.options)
    if (resume !== undefined) {
      const { identity, state } = resume
      checkOptions(identity, state.mark, this.options)
      this.#held = state
      this.#progress.goTo(state.mark, state.reports)
    }
    this.#mark = this.#progress.mark()
  }

  /** Entries that are trained on, those of one cell of an implicit matrix counted once, and those held out for validation. */
  get entries(): { train: number; validation: number } {
    const { train, validation } = this.#setup
    return { train: train.length, validation: validation?.length ?? 0 }
  }

  /** Epochs that are done. */
  get epoch(): number {
    return this.#progress.epoch
  }

  /**
   * Packs and uploads, which the first epoch would do otherwise; returns how the solver cut the work on this device.
   * @throws OptionError, LimitExceededError, OutOfMemoryError, DeviceLostError; InputError for a checkpoint of other data
   */
  async prepare(): Promise<SolverPlan> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#ended !== undefined) return this.#ended.plan
    return await this.#surviving(async run => run.solver.plan)
  }

  /** How the entries lie on the GPU; undefined while nothing of the training does. */
  get residency(): Residency | undefined {
    return this.#run?.solver.residency
  }

  /**
   * Runs one more epoch; undefined when there is none left.
   * @throws DivergedError, AbortedError, DeviceLostError, each with the result so far; GPU errors; InputError for a
   *   checkpoint of other data
   */
  async step(): Promise<EpochReport | undefined> {
    if (this.#ended !== undefined || this.#failure !== undefined) return undefined
    if (this.#progress.epoch >= this.options.epochs || this.#progress.outOfPatience) return undefined
    return await this.#orFail(() => this.#surviving(run => this.#runEpoch(run)))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EpochReport, void, undefined> {
    for (;;) {
      const report = await this.step()
      if (report === undefined) return
      yield report
    }
  }

  /**
   * Where the training stands, with all that it needs to go on, copied to the host. After a training has ended early: its
   * last epoch where it was `resumable`, else the last state that was on the host.
   * @throws InputError where there is none, and after `finish`
   */
  async checkpoint(): Promise<Checkpoint> {
    const ended = this.#ended !== undefined || this.#failure !== undefined
    const state = ended ? this.#held : await this.#surviving(run => this.#read(run))
    if (state === undefined || this.#ended !== undefined) {
      throw new InputError('the training has ended: a checkpoint is taken before, or of one that is "resumable"')
    }
    const identity = {
      data: await this.#data(),
      options: this.options,
      plan: this.#plan!,
      adapter: deviceName(this.#gpu.capabilities.adapter),
    }
    return new Checkpoint(identity, state)
  }

  /**
   * Ends the training here: the model of the best epoch so far by validation, else of the last; frees the GPU's part.
   * @throws what ended a training that failed
   */
  async finish(): Promise<FitResult> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#ended === undefined) {
      await this.#orFail(async () => {
        this.#ended = this.#result(await this.#surviving(run => run.keeper.read()))
      })
      this.destroy()
    }
    return this.#ended!
  }

  /** Frees what the training holds on the GPU; `finish` and a failure do so by themselves. */
  destroy(): void {
    this.#run?.destroy()
    this.#run = undefined
  }

  /** What fails in `work` ends the training. */
  async #orFail<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.#failure = { error }
      try {
        this.#failure.error = await this.#explain(error)
      } finally {
        this.destroy()
      }
      throw this.#failure.error
    }
  }

  /**
   * `work` with the run at its last epoch; begun anew on a fresh device where one is lost and there is another, and in less
   * room where the GPU runs out of memory.
   */
  async #surviving<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const { epoch: reached, reports } = this.#progress
    for (;;) {
      try {
        this.#run ??= await this.#start()
        while (this.#progress.epoch < reached) await this.#runEpoch(this.#run)
        return await work(this.#run)
      } catch (error) {
        if (error instanceof OutOfMemoryError && this.#run !== undefined) {
          this.#short = { tried: this.#run.tried + 1, failure: error }
          this.destroy()
          continue
        }
        if (!(error instanceof DeviceLostError)) throw error
        await this.#reopen(error, reports.slice(0, reached))
      }
    }
  }

  async #start(): Promise<Run> {
    const began = performance.now()
    const { resume, from, resumable = false } = this.#extras
    if (resume !== undefined) checkData(resume.identity, await this.#data())
    const run = await Run.start(this.#gpu, this.#setup, {
      from,
      resumable,
      memory: this.#memory,
      short: this.#short,
    })
    try {
      this.#checkPlan(run.solver.plan)
      const held = this.#held
      if (held !== undefined) await run.restore(held)
      this.#progress.goTo(held?.mark ?? new Progress(this.options).mark(), held?.reports ?? [])
      this.#mark = this.#progress.mark()
      this.#holding = { at: performance.now(), took: 0 }
      return run
    } catch (error) {
      run.destroy()
      throw error
    } finally {
      this.#packSeconds = (performance.now() - began) / 1000
    }
  }

  /** Tables of one plan do not fit another. */
  #checkPlan(plan: SolverPlan): void {
    const { resume } = this.#extras
    if (this.#lost !== undefined && planDifference(this.#plan ?? plan, plan) !== undefined) throw this.#lost
    if (resume !== undefined) checkPlan(resume.identity, plan)
    this.#plan = plan
  }

  /** @param reports of the epochs that are done */
  async #reopen(lost: DeviceLostError, reports: EpochReport[]): Promise<void> {
    const { reopen, signal } = this.#extras
    const { length: epoch } = reports
    const mirror = this.#run?.keeper.mirror
    // A run that was to catch up may have been lost before it did.
    if (mirror !== undefined && mirror.epoch >= (this.#mirror?.epoch ?? 0)) {
      this.#mirror = mirror
      this.#mirrorReports = this.#progress.reports.slice(0, mirror.epoch)
    }
    this.#lost = lost
    lost.epoch = epoch
    this.destroy()
    while (reopen !== undefined && this.#reopenings < mostReopenings) {
      signal?.throwIfAborted()
      this.#reopenings++
      try {
        this.#gpu = await reopen({
          reason: lost.reason,
          attempt: this.#reopenings,
          attempts: mostReopenings,
          epoch,
          goesOnFrom: this.#held?.mark.epoch ?? 0,
        })
        return
      } catch (error) {
        if (!(error instanceof GpuUnavailableError)) throw error
        await new Promise(resolve => setTimeout(resolve, reopeningPause))
      }
    }
    // An epoch whose model was kept before the device went is finished.
    const last = this.#mirrorReports.length > epoch ? this.#mirrorReports : reports
    lost.epoch = last.length
    this.#progress.reports = last
    throw lost
  }

  /** Runs an epoch that does not diverge, at a lower rate where that is wanted and needed. */
  async #runEpoch(run: Run): Promise<EpochReport> {
    for (;;) {
      try {
        return await this.#tryEpoch(run)
      } catch (error) {
        const halves = this.options.onDivergence === 'halve-rate' && this.#progress.halvings < mostHalvings
        if (!(error instanceof Divergence) || !halves) throw error
        await run.snapshot!.restore()
        this.#progress.halveRate()
      }
    }
  }

  async #tryEpoch(run: Run): Promise<EpochReport> {
    const began = performance.now()
    const { signal } = this.#extras
    const { epoch, rateScale, halvings } = this.#progress
    const sums = await run.solver.runEpoch({ epoch, rateScale, signal })
    const { train } = this.#setup
    const trainLoss = sums.squaredError / train.length
    checkConvergent(sums, trainLoss, this.#setup)
    const objective = trainLoss + sums.penalty / train.length
    const validation = await run.meter?.measure(signal)
    if (this.#progress.observe(objective, validation)) await run.keeper.keep(run.solver.tables, epoch + 1)
    const elapsed = () => (performance.now() - began) / 1000
    const report: EpochReport = {
      epoch: epoch + 1,
      trainLoss,
      objective,
      ...validation,
      rateScale,
      ...(halvings === 0 ? {} : { halvings }),
      seconds: elapsed(),
      ...(sums.gpuSeconds === undefined ? {} : { gpuSeconds: sums.gpuSeconds }),
      ...(sums.phases === undefined ? {} : { phases: sums.phases }),
    }
    this.#progress.reports.push(report)
    await this.#secure(run)
    report.seconds = elapsed()
    return report
  }

  /** Copies the state after an epoch to where it is needed. */
  async #secure(run: Run): Promise<void> {
    await run.snapshot?.take()
    this.#mark = this.#progress.mark()
    const { at, took } = this.#holding
    const began = performance.now()
    if (this.#extras.reopen === undefined || began - at < holdingShare * took) return
    this.#held = await this.#read(run)
    const now = performance.now()
    this.#holding = { at: now, took: now - began }
  }

  #read(run: Run): Promise<TrainingState> {
    return run.read(run.solver.state, this.#progress.mark(), this.#progress.reports)
  }

  #data(): Promise<string> {
    this.#fingerprint ??= fingerprint(this.#setup, this.#extras)
    return this.#fingerprint
  }

  /** Gives an error what the training still has. */
  async #explain(error: unknown): Promise<unknown> {
    if (error instanceof DeviceLostError) {
      error.result = this.#mirror && this.#result(this.#mirror)
      return error
    }
    const { signal } = this.#extras
    const aborted = signal?.aborted === true && error === signal.reason
    if (!(error instanceof Divergence) && !aborted) return error
    const run = this.#run
    const { epoch, reports } = this.#progress
    if (run?.snapshot !== undefined) this.#held = await run.read(run.snapshot, this.#mark, reports)
    const state = run === undefined ? this.#mirror : await run.keeper.read()
    const result = state && this.#result(state)
    if (error instanceof Divergence) return divergedError(error, this.#setup, this.#progress, result)
    return new AbortedError(epoch, result, { cause: error })
  }

  #result(state: KeptState): FitResult {
    const { reports: epochs } = this.#progress
    const trained = { state, plan: this.#plan!, epochs, packSeconds: this.#packSeconds }
    return resultOf(this.#gpu, this.#setup, this.#extras, trained)
  }
}

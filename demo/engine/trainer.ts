import {
  AbortedError,
  DeviceLostError,
  type EpochReport,
  type FitResult,
  type Gpu,
  type Model,
  resolveOptions,
  type Split,
  splitRandom,
  Training,
  type TrainOptions,
} from '../../src/index.ts'
import type { DataAtHand } from './data.ts'
import type { Device } from './device.ts'
import type { Measure, Settings, TrainEnd, TrainUpdate, Yardstick } from './messages.ts'
import { popularityYardstick, ratingYardsticks } from './yardsticks.ts'

/** Share of the entries held out. */
const heldOutShare = 0.1

/** A model in the middle of a training, to go on from. */
export interface Midway {
  data: DataAtHand
  settings: Settings
  model: Model
  /** The epoch whose state it holds, from 1. */
  epoch: number
  measured: Measured | undefined
}

export interface Measured {
  measure: Measure
  value: number
}

export interface Trained extends Pick<TrainEnd, 'reason'> {
  /** Absent where no epoch was finished. */
  result?: { model: Model; epoch: number; measured: Measured | undefined }
}

export const measureOf = ({ model }: Settings): Measure => (model === 'explicit' ? 'RMSE' : 'NDCG@10')

/** A training with its validation, its yardsticks and its pauses. */
export class TrainingRun {
  readonly #device: Device
  readonly #data: DataAtHand
  readonly #settings: Settings
  readonly #midway: Midway | undefined
  readonly #tell: (update: TrainUpdate) => void
  readonly #stop = new AbortController()
  /** Set while the training shall pause; called to let it go on. */
  #unpause: (() => void) | undefined
  #paused: Promise<void> | undefined
  #gpu: Gpu | undefined
  #isPrepared = false

  constructor(
    device: Device,
    { data, settings, midway }: { data: DataAtHand; settings: Settings; midway?: Midway | undefined },
    tell: (update: TrainUpdate) => void,
  ) {
    this.#device = device
    this.#data = data
    this.#settings = settings
    this.#midway = midway
    this.#tell = tell
  }

  /** What it trains on, once it is under way. */
  get gpu(): Gpu | undefined {
    return this.#gpu
  }

  pause(): void {
    if (this.#paused !== undefined || this.#stop.signal.aborted) return
    this.#paused = new Promise(resolve => {
      this.#unpause = resolve
    })
  }

  resume(): void {
    this.#unpause?.()
    this.#unpause = undefined
    this.#paused = undefined
  }

  stop(): void {
    this.#stop.abort(new Error('stopped'))
    this.resume()
  }

  /**
   * Trains to the end, or until it is stopped.
   * @throws errors of the training; a device that is lost leaves its result in the error
   */
  async run(): Promise<Trained> {
    const { signal } = this.#stop
    try {
      return await this.#train().catch(error => this.#again(error))
    } catch (error) {
      if (error instanceof AbortedError) return this.#ended('stopped', error.result as FitResult | undefined)
      if (signal.aborted && error === signal.reason) return this.#ended('stopped', undefined)
      throw error
    }
  }

  /** A device that was lost before the first epoch was so when it was asked for: another may do. */
  async #again(error: unknown): Promise<Trained> {
    if (!(error instanceof DeviceLostError) || this.#isPrepared || this.#gpu === undefined) throw error
    this.#device.leave(this.#gpu)
    return await this.#train()
  }

  async #train(): Promise<Trained> {
    const { signal } = this.#stop
    const began = performance.now()
    const gpu = await this.#device.gpu()
    this.#gpu = gpu
    await breath()
    const split = splitRandom(this.#data.ratings, { ratio: heldOutShare, seed: this.#settings.seed })
    await breath()
    signal.throwIfAborted()
    const training = new Training(gpu, split.train, this.#options(split))
    try {
      await training.prepare()
      const seconds = (performance.now() - began) / 1000
      signal.throwIfAborted()
      const yardsticks = await this.#yardsticks(gpu, split)
      signal.throwIfAborted()
      const { learningRate, regularization, solver } = training.options
      this.#isPrepared = true
      this.#tell({
        type: 'prepared',
        entries: { train: training.entries.train, heldOut: training.entries.validation },
        measure: measureOf(this.#settings),
        yardsticks,
        resolved: { ...(solver === 'als' ? {} : { rate: learningRate }), penalty: regularization },
        seconds,
      })
      await this.#epochs(training)
      return this.#ended('finished', await training.finish())
    } finally {
      training.destroy()
    }
  }

  async #epochs(training: Training): Promise<void> {
    const { signal } = this.#stop
    await this.#pauseIfAsked()
    for await (const report of training) {
      this.#tell(this.#epochUpdate(report, training.entries.train))
      const last = report.epoch === training.options.epochs
      if (last) return
      await this.#pauseIfAsked()
      if (signal.aborted) throw new AbortedError(report.epoch, await training.finish())
    }
  }

  async #pauseIfAsked(): Promise<void> {
    while (this.#paused !== undefined) {
      this.#tell({ type: 'paused' })
      await this.#paused
      if (!this.#stop.signal.aborted) this.#tell({ type: 'resumed' })
    }
  }

  #epochUpdate(
    { epoch, trainLoss, validationRmse, validationNdcg, seconds }: EpochReport,
    entries: number,
  ): TrainUpdate {
    return {
      type: 'epoch',
      epoch: epoch + (this.#midway?.epoch ?? 0),
      train: this.#settings.model === 'explicit' ? Math.sqrt(trainLoss) : trainLoss,
      heldOut: (validationRmse ?? validationNdcg)!,
      seconds,
      updatesPerSecond: entries / seconds,
    }
  }

  /** What came of it: a training that was gone on from an epoch counts from there. */
  #ended(reason: TrainEnd['reason'], result: FitResult | undefined): Trained {
    const kept = result && this.keptOf(result)
    return { reason, ...(kept === undefined ? {} : { result: kept }) }
  }

  /** The model of a result with its epoch and its measure; undefined where no epoch was finished. */
  keptOf({ model, epoch, epochs }: FitResult): NonNullable<Trained['result']> | undefined {
    const midway = this.#midway
    if (epoch === 0 && midway === undefined) return undefined
    const report = epochs[epoch - 1]
    const value = report?.validationRmse ?? report?.validationNdcg
    const measured = value === undefined ? midway?.measured : { measure: measureOf(this.#settings), value }
    return { model, epoch: epoch + (midway?.epoch ?? 0), measured }
  }

  #options({ test }: Split): ConstructorParameters<typeof Training>[2] {
    const { epochs } = this.#settings
    return {
      ...trainOptions(this.#settings),
      epochs: epochs - (this.#midway?.epoch ?? 0),
      validation: test,
      signal: this.#stop.signal,
      from: this.#midway?.model,
    }
  }

  async #yardsticks(gpu: Gpu, split: Split): Promise<Yardstick[]> {
    await breath()
    return this.#settings.model === 'explicit'
      ? ratingYardsticks(split, this.#data.noiseFloor)
      : [await popularityYardstick(gpu, split, this.#stop.signal)]
  }
}

/** The library's options of a visitor's settings; what they leave open stays the solver's own. */
export function trainOptions({ solver, model, factors, rate, penalty, seed }: Settings): TrainOptions {
  const own: TrainOptions =
    model === 'implicit' || solver === 'als'
      ? { model, solver: 'als' }
      : solver === 'adam'
        ? { solver: 'minibatch', optimizer: 'sparse-adam' }
        : { solver: 'sgd' }
  return {
    ...own,
    factors,
    seed,
    ...(rate === undefined || own.solver === 'als' ? {} : { learningRate: rate }),
    ...(penalty === undefined ? {} : { regularization: penalty }),
  }
}

/** The learning rate of the solver where a visitor sets none. */
export const usualRate = (settings: Settings): number =>
  resolveOptions(trainOptions({ ...settings, rate: undefined })).learningRate

/** Lets messages in between two long pieces of work. */
const breath = () => new Promise<void>(resolve => setTimeout(resolve, 0))

import { DeviceLostError, type FitResult, type Gpu } from '../../src/index.ts'
import { type DataAtHand, summaryOf } from './data.ts'
import { Device, machineOf } from './device.ts'
import { absent, busy, type FaultContext, outcomeOf } from './faults.ts'
import { HeldModel, modelSummary } from './held-model.ts'
import type {
  DataSummary,
  Engine,
  Machine,
  Outcome,
  Planting,
  Settings,
  TitlesSummary,
  TrainEnd,
  TrainUpdate,
} from './messages.ts'
import { plantMovies } from './movies.ts'
import type { Titles } from './title-table.ts'
import { type Midway, type Trained, TrainingRun } from './trainer.ts'

/** All that the worker holds: a GPU, data, titles, a model, and a training under way. */
export class Session
  implements Pick<Engine, 'open' | 'plant' | 'titlesSummary' | 'train' | 'pause' | 'resume' | 'stop'>
{
  readonly #device: Device
  #data: DataAtHand | undefined
  #titles: { table: Titles; planted: boolean } | undefined
  #model: HeldModel | undefined
  #training: TrainingRun | 'starting' | undefined
  #midway: Midway | undefined

  constructor(openGpu: () => Promise<Gpu>) {
    this.#device = new Device(openGpu)
  }

  open(): Promise<Outcome<Machine>> {
    return outcomeOf(async () => machineOf(await this.#device.gpu()))
  }

  plant(planting: Planting): Promise<Outcome<DataSummary>> {
    return outcomeOf(() => {
      this.#refuseWhileTraining()
      const began = performance.now()
      const { planted, titles } = plantMovies(planting)
      const { ratings, noiseFloor } = planted
      const seconds = (performance.now() - began) / 1000
      const summary = summaryOf(ratings, { kind: 'planted', name: titles.name, rated: true, merged: 0, seconds })
      this.#data = { ratings, summary, noiseFloor }
      this.#titles = { table: titles, planted: true }
      this.#midway = undefined
      return summary
    })
  }

  async titlesSummary(): Promise<TitlesSummary | undefined> {
    const ids = this.#model?.model.parts.itemIds ?? this.#data?.ratings.itemIds
    if (this.#titles === undefined || ids === undefined) return undefined
    const { name, size, genres } = this.#titles.table
    let matched = 0
    for (let item = 0; item < ids.size; item++) if (this.#titles.table.of(ids.at(item)) !== undefined) matched++
    return { name, size, matched, items: ids.size, genres: [...genres] }
  }

  async train(
    settings: Settings,
    goOn: boolean,
    onUpdate: (update: TrainUpdate) => unknown,
  ): Promise<Outcome<TrainEnd>> {
    const told: unknown[] = []
    const context: FaultContext = { factors: settings.factors }
    const outcome = await outcomeOf(
      () => this.#train(settings, goOn, update => void told.push(onUpdate(update)), context),
      () => context,
    )
    // What is told goes another way than the outcome, and is to be there before it.
    await Promise.allSettled(told)
    return outcome
  }

  async #train(
    settings: Settings,
    goOn: boolean,
    tell: (update: TrainUpdate) => void,
    context: FaultContext,
  ): Promise<TrainEnd> {
    this.#refuseWhileTraining()
    const midway = goOn ? this.#midway : undefined
    if (goOn && midway === undefined) throw absent('There is no training to go on with. Start it anew.')
    const data = midway?.data ?? this.#data
    if (data === undefined) throw absent('There are no ratings to train on.')
    const chosen = midway === undefined ? settings : { ...midway.settings, epochs: settings.epochs }
    this.#training = 'starting'
    try {
      const gpu = await this.#device.gpu()
      const run = new TrainingRun(gpu, { data, settings: chosen, midway }, tell)
      this.#training = run
      try {
        return this.#ended(gpu, await run.run())
      } catch (error) {
        if (error instanceof DeviceLostError) this.#keepMidway(gpu, run, error, { data, settings: chosen }, context)
        throw error
      }
    } finally {
      this.#training = undefined
    }
  }

  #ended(gpu: Gpu, { reason, result }: Trained): TrainEnd {
    this.#midway = undefined
    if (result === undefined) return { reason }
    return { reason, model: this.#hold(gpu, result) }
  }

  /** A training that lost its device: its model is the one at hand, on whatever GPU there is next. */
  #keepMidway(
    gpu: Gpu,
    run: TrainingRun,
    error: DeviceLostError,
    of: Pick<Midway, 'data' | 'settings'>,
    context: FaultContext,
  ): void {
    this.#device.leave(gpu)
    const kept = error.result === undefined ? undefined : run.keptOf(error.result as FitResult)
    if (kept === undefined) return
    this.#midway = { ...of, ...kept }
    context.keptEpoch = kept.epoch
    this.#hold(gpu, kept)
  }

  #hold(gpu: Gpu, { model, epoch, measured }: NonNullable<Trained['result']>) {
    const summary = modelSummary(model, {
      source: 'trained',
      name: this.#data?.summary.name ?? 'model',
      epoch,
      ...(measured === undefined ? {} : { measured }),
    })
    this.#model?.drop()
    this.#model = new HeldModel(model, gpu, summary)
    return summary
  }

  pause(): void {
    if (this.#training instanceof TrainingRun) this.#training.pause()
  }

  resume(): void {
    if (this.#training instanceof TrainingRun) this.#training.resume()
  }

  stop(): void {
    if (this.#training instanceof TrainingRun) this.#training.stop()
  }

  #refuseWhileTraining(): void {
    if (this.#training !== undefined) throw busy('A training is under way. Stop it first.')
  }
}

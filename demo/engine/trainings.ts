import { DeviceLostError, type FitResult, type Gpu } from '../../src/index.ts'
import type { DataAtHand } from './data.ts'
import type { Device } from './device.ts'
import { absent, busy, type FaultContext } from './faults.ts'
import { modelSummary } from './held-model.ts'
import type { ModelSummary, Settings, TrainEnd, TrainUpdate } from './messages.ts'
import type { ModelPlace } from './models.ts'
import { type Midway, type Trained, TrainingRun, usualRate } from './trainer.ts'

/** Trainings, one at a time, and where the last one was when it lost its device. */
export class Trainings {
  readonly #device: Device
  readonly #models: ModelPlace
  #run: TrainingRun | undefined
  #midway: Midway | undefined

  constructor(device: Device, models: ModelPlace) {
    this.#device = device
    this.#models = models
  }

  /** @throws Refusal while a training is under way */
  refuseWhileTraining(): void {
    if (this.#run !== undefined) throw busy('A training is under way. Stop it first.')
  }

  /** There is nothing to go on with any more. */
  forget(): void {
    this.#midway = undefined
  }

  pause(): void {
    this.#run?.pause()
  }

  resume(): void {
    this.#run?.resume()
  }

  stop(): void {
    this.#run?.stop()
  }

  /**
   * Trains on the data, or goes on with the training that lost its device; the model takes the place of the one at hand.
   * @param context takes what there is to say of a failure
   */
  async train(
    data: DataAtHand | undefined,
    { settings, goOn }: { settings: Settings; goOn: boolean },
    tell: (update: TrainUpdate) => void,
    context: FaultContext,
  ): Promise<TrainEnd> {
    this.refuseWhileTraining()
    const midway = goOn ? this.#midway : undefined
    if (goOn && midway === undefined) throw absent('There is no training to go on with. Start it anew.')
    const input = midway ?? (data && { data, settings })
    if (input === undefined) throw absent('There are no ratings to train on.')
    context.usualRate = () => usualRate(input.settings)
    const run = new TrainingRun(this.#device, { ...input, midway }, tell)
    this.#run = run
    try {
      return await this.#finish(run, input, context)
    } finally {
      this.#run = undefined
    }
  }

  async #finish(
    run: TrainingRun,
    { data, settings }: Pick<Midway, 'data' | 'settings'>,
    context: FaultContext,
  ): Promise<TrainEnd> {
    try {
      const { reason, result } = await run.run()
      this.#midway = undefined
      return { reason, ...(result === undefined ? {} : { model: this.#put(run.gpu!, data, result) }) }
    } catch (error) {
      if (!(error instanceof DeviceLostError) || run.gpu === undefined) throw error
      this.#device.leave(run.gpu)
      const kept = error.result === undefined ? undefined : run.keptOf(error.result as FitResult)
      if (kept === undefined) throw error
      this.#midway = { data, settings, ...kept }
      context.kept = { epoch: kept.epoch, model: this.#put(run.gpu, data, kept) }
      throw error
    }
  }

  #put(gpu: Gpu, data: DataAtHand, { model, epoch, measured }: NonNullable<Trained['result']>): ModelSummary {
    const origin = { source: 'trained', name: data.summary.name, epoch } as const
    return this.#models.put(
      model,
      gpu,
      modelSummary(model, { ...origin, ...(measured === undefined ? {} : { measured }) }),
    )
  }
}

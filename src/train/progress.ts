import type { EpochReport } from './epoch-report.ts'
import type { ResolvedOptions } from './options.ts'
import { Schedule, type ScheduleState } from './schedule.ts'
import { type ValidationReport, validationScore } from './validation.ts'

/** Where a training stands between two epochs, beside its tables and its reports; plain JSON. */
export interface Mark {
  /** Epochs that are done. */
  epoch: number
  /** The epoch whose state is kept: the best by validation, else the last; 0 for the initial state. */
  bestEpoch: number
  /** Its score by validation. */
  best?: number
  schedule: ScheduleState
  /** How often the learning rate was halved. */
  halvings: number
}

/** How far a training is. */
export class Progress {
  /** One an epoch. */
  reports: EpochReport[] = []
  readonly #patience: number
  readonly #schedule: Schedule
  #best: number | undefined
  #bestEpoch = 0
  #halvings = 0

  constructor(options: Pick<ResolvedOptions, 'schedule' | 'rateDecay' | 'epochs' | 'patience'>) {
    this.#patience = options.patience
    this.#schedule = new Schedule(options)
  }

  /** Epochs that are done: the number of the next one, counted from 0. */
  get epoch(): number {
    return this.reports.length
  }

  get halvings(): number {
    return this.#halvings
  }

  /** Factor of the learning rates in the next epoch. */
  get rateScale(): number {
    return this.#schedule.scaleAt(this.epoch) * 0.5 ** this.#halvings
  }

  get outOfPatience(): boolean {
    return this.#patience > 0 && this.epoch - this.#bestEpoch >= this.#patience
  }

  halveRate(): void {
    this.#halvings++
  }

  /**
   * Hears what the next epoch came to.
   * @returns whether its state is the one to keep
   */
  observe(objective: number, validation: ValidationReport | undefined): boolean {
    this.#schedule.observe(objective)
    const score = validation && validationScore(validation)
    if (score !== undefined && this.#best !== undefined && score <= this.#best) return false
    this.#best = score
    this.#bestEpoch = this.epoch + 1
    return true
  }

  mark(): Mark {
    return {
      epoch: this.epoch,
      bestEpoch: this.#bestEpoch,
      ...(this.#best === undefined ? {} : { best: this.#best }),
      schedule: this.#schedule.state,
      halvings: this.#halvings,
    }
  }

  /** Goes to where a mark was made; `reports` are those of its epochs. */
  goTo({ bestEpoch, best, schedule, halvings }: Mark, reports: readonly EpochReport[]): void {
    this.reports = [...reports]
    this.#best = best
    this.#bestEpoch = bestEpoch
    this.#schedule.state = schedule
    this.#halvings = halvings
  }
}

import type { ResolvedOptions } from './options.ts'

type ScheduleOptions = Pick<ResolvedOptions, 'schedule' | 'rateDecay' | 'epochs'>

/** What a schedule remembers from epoch to epoch. */
export interface ScheduleState {
  /** The bold driver's factor. */
  bold: number
  /** The objective after the last epoch; absent before the first, and where nobody asks for it. */
  objective?: number
}

/**
 * The factor of the learning rates in each epoch (counted from 0):
 * constant 1; inverse 1 / (1 + decay * epoch); cosine (1 + cos(pi * epoch / epochs)) / 2 (Loshchilov and Hutter, 2017);
 * bold driver: times 1.05 after an epoch that lowered the objective, halved after one that raised it (Battiti, 1989).
 */
export class Schedule {
  readonly #options: ScheduleOptions
  state: Readonly<ScheduleState> = { bold: 1 }

  constructor(options: ScheduleOptions) {
    this.#options = options
  }

  scaleAt(epoch: number): number {
    const { schedule, rateDecay, epochs } = this.#options
    if (schedule === 'inverse') return 1 / (1 + rateDecay * epoch)
    if (schedule === 'cosine') return (1 + Math.cos((Math.PI * epoch) / epochs)) / 2
    return this.state.bold
  }

  /** Hears of the objective after an epoch. */
  observe(objective: number): void {
    if (this.#options.schedule !== 'bold') return
    const { bold, objective: before } = this.state
    const factor = before === undefined ? 1 : objective < before ? 1.05 : 0.5
    this.state = { bold: factor * bold, objective }
  }
}

import type { ResolvedOptions } from './options.ts'

type ScheduleOptions = Pick<ResolvedOptions, 'schedule' | 'rateDecay' | 'epochs'>

/**
 * The factor of the learning rates in each epoch (counted from 0):
 * constant 1; inverse 1 / (1 + decay * epoch); cosine (1 + cos(pi * epoch / epochs)) / 2 (Loshchilov and Hutter, 2017);
 * bold driver: times 1.05 after an epoch that lowered the objective, halved after one that raised it (Battiti, 1989).
 */
export class Schedule {
  readonly #options: ScheduleOptions
  #bold = 1
  #objective: number | undefined

  constructor(options: ScheduleOptions) {
    this.#options = options
  }

  scaleAt(epoch: number): number {
    const { schedule, rateDecay, epochs } = this.#options
    if (schedule === 'inverse') return 1 / (1 + rateDecay * epoch)
    if (schedule === 'cosine') return (1 + Math.cos((Math.PI * epoch) / epochs)) / 2
    return this.#bold
  }

  /** Hears of the objective after an epoch. */
  observe(objective: number): void {
    if (this.#options.schedule !== 'bold') return
    if (this.#objective !== undefined) this.#bold *= objective < this.#objective ? 1.05 : 0.5
    this.#objective = objective
  }
}

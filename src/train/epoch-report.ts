import type { ValidationReport } from './validation.ts'

/** What an epoch gave. Errors of explicit models are in units of the ratings. */
export interface EpochReport extends ValidationReport {
  /** Counted from 1. */
  epoch: number
  /**
   * Explicit: mean squared error over the training entries, each as the epoch passed it (als: after the epoch). Implicit:
   * the weighted squared error over all cells of the matrix after the epoch, per entry. Bpr: the mean of
   * -ln sigmoid(s_ui - s_uj) over the entries.
   */
  trainLoss: number
  /** Training loss plus penalties, per entry: what is minimised. */
  objective: number
  /** Factor of the learning rates in this epoch. */
  rateScale: number
  /** How often the learning rates were halved until here because an epoch diverged; absent for not at all. */
  halvings?: number
  /** Wall time of the epoch, validation included. */
  seconds: number
  /** Time that the GPU was at work on the training; absent where it cannot tell. */
  gpuSeconds?: number
  /** Wall time of the parts of an epoch, by name: als has `users` and `items`. */
  phases?: Record<string, number>
}

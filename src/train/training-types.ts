import type { Ratings } from '../data/ratings.ts'
import type { Model } from '../model/model.ts'
import type { SolverPlan } from '../solvers/solver.ts'
import type { ResolvedOptions } from './options.ts'
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
  /** Wall time of the epoch, validation included. */
  seconds: number
  /** Time that the GPU was at work on the training; absent where it cannot tell. */
  gpuSeconds?: number
  /** Wall time of the parts of an epoch, by name: als has `users` and `items`. */
  phases?: Record<string, number>
}

export interface FitResult {
  model: Model
  epochs: EpochReport[]
  /** The epoch whose state the model holds: the best by validation, else the last; 0 for the initial state. */
  epoch: number
  options: ResolvedOptions
  /** How the solver cut the work on this device. */
  plan: SolverPlan
  /** Seconds to pack and upload, and to train. */
  seconds: { pack: number; train: number }
}

/** What a training takes beside its options. */
export interface TrainingExtras {
  /** Ends the training between two submits of work, with an `AbortedError` that holds the result so far. */
  signal?: AbortSignal | undefined
  /** Entries to validate on, over the same ids, instead of a `validationRatio`. */
  validation?: Ratings | undefined
  /** Whether the model keeps each user's training items, so that recommendations can leave them out. Default true. */
  keepSeen?: boolean | undefined
  /**
   * A model to go on from, of the same kind and rank: its users and items keep their places, and those of the ratings that
   * it does not know come behind them. Rows without entries in the ratings stay as they are; those with some start from
   * what was learned of them and are trained on the ratings at hand alone (als: solved from these). The mean stays, and so
   * do the options that it was trained with, but for epochs, seed and validation; an optimizer starts anew.
   */
  from?: Model | undefined
}

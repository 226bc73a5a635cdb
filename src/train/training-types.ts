import type { Ratings } from '../data/ratings.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Model } from '../model/model.ts'
import type { SolverPlan } from '../solvers/solver.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { EpochReport } from './epoch-report.ts'
import type { ResolvedOptions } from './options.ts'

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

/** A device that was lost, and what becomes of the training. */
export interface DeviceLoss {
  reason: string
  /** Counted from 1. */
  attempt: number
  /** How often a fresh device is asked for at most in a training. */
  attempts: number
  /** Epochs that were done. */
  epoch: number
  /** Epochs that the state on the host has seen, from which it goes on; those between are done again, to the same bits. */
  goesOnFrom: number
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
  /** Goes on from here, to the same bytes of the model file as without a stop. Data and options must be the same. */
  resume?: Checkpoint | undefined
  /**
   * Keeps the solver's tables as of the last epoch a second time on the GPU, so that `checkpoint` has that epoch even where
   * the training has ended within the next one.
   */
  resumable?: boolean | undefined
  /**
   * MiB of GPU buffers that the training may hold at once; no bound by default. Where its entries do not fit beside the rest
   * they are streamed, to the same model.
   */
  memory?: number | undefined
  /**
   * Opens a fresh device where the one at hand was lost, so that the training goes on: from a state on the host, which is
   * copied after as many epochs as it takes for that to cost no more than about 2% of the time. The lost `Gpu` stays the
   * caller's. After 3 losses, or 3 vain attempts, the training ends with the `DeviceLostError`.
   */
  reopen?: ((loss: DeviceLoss) => Promise<Gpu>) | undefined
}

import type { Ratings } from '../data/ratings.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { TrainOptions } from './options.ts'
import { type EpochReport, type FitResult, Training, type TrainingExtras } from './training.ts'

export interface FitOptions extends TrainOptions, TrainingExtras {
  /** Called after each epoch. */
  onEpoch?: ((report: EpochReport) => void) | undefined
}

/**
 * Trains a model on observed ratings.
 * @throws OptionError, InputError, LimitExceededError and OutOfMemoryError before the first epoch;
 *   DivergedError, AbortedError, DeviceLostError with the result so far
 */
export async function fit(gpu: Gpu, ratings: Ratings, options: FitOptions = {}): Promise<FitResult> {
  const { onEpoch, ...rest } = options
  const training = new Training(gpu, ratings, rest)
  try {
    for await (const report of training) onEpoch?.(report)
    return await training.finish()
  } finally {
    training.destroy()
  }
}

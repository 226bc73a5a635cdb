import type { IdTable } from '../data/ids.ts'
import type { SeenItems } from '../data/seen.ts'

/** How a score becomes a prediction: as it is, or through min + (max - min) * sigmoid(score). */
export type Link = 'linear' | 'bounded'

/**
 * All that a trained model consists of, on the host:
 * r_hat(u, i) = link(mean + b_u + b_i + p_u . q_i).
 */
export interface ModelParts {
  /** Rank k. */
  factors: number
  /** users x k, row-major, no padding. */
  userFactors: Float32Array
  /** items x k, row-major, no padding. */
  itemFactors: Float32Array
  /** One a user; absent in a model without biases, and in one that ranks items for each user: bpr. */
  userBias?: Float32Array | undefined
  /** One an item; absent in a model without biases. */
  itemBias?: Float32Array | undefined
  /** mu; 0 in a model without a global mean. */
  mean: number
  link: Link
  /** Smallest and largest rating of the training data: bounds of the bounded link, and of clipped predictions. */
  range: { min: number; max: number }
  /** Whether predictions are clipped to `range`. */
  clip: boolean
  userIds: IdTable
  itemIds: IdTable
  seen?: SeenItems | undefined
  /** The options of the training, resolved, as plain JSON. */
  options: Readonly<Record<string, unknown>>
  /**
   * How the solver cut the work on the device that it ran on, as plain JSON; `reproducible` says whether the same seed
   * there gives the same bits.
   */
  plan?: Readonly<Record<string, unknown>> | undefined
}

import { prediction, predictionSlope } from './link.ts'
import type { ReferenceModel } from './score.ts'

/** One side in double precision, slot by slot. */
export interface ReferenceSlots {
  /** slots x k */
  factors: Float64Array
  bias: Float64Array
  /** Sums of the mean squared component of the factors' gradients, and of the squared error times slope. */
  factorSquares: Float64Array
  biasSquares: Float64Array
  /** count^(nu - 1): an entry's share of its row's penalty. */
  weight: Float64Array
}

export interface FusedReferenceOptions extends Pick<ReferenceModel, 'mean' | 'bounded' | 'minimum' | 'maximum'> {
  /** k */
  factors: number
  adagrad: boolean
  biases: boolean
  heldRate: number
  streamedRate: number
  biasRate: number
  heldPenalty: number
  streamedPenalty: number
  biasPenalty: number
}

/**
 * SGD over entries in the given order, each step from what the step before left:
 *
 *   p <- p - rate_p (w_p lambda_p p - d q),  q <- q - rate_q (w_q lambda_q q - d p),  d = (r - r_hat) d r_hat / d score
 *
 * with, under AdaGrad, rates over the roots of the sums of squares as they were before the entry.
 * @returns the sums of (r - r_hat)^2 and |r - r_hat|
 */
export function fusedSgd(
  entries: Iterable<{ held: number; streamed: number; value: number }>,
  held: ReferenceSlots,
  streamed: ReferenceSlots,
  options: FusedReferenceOptions,
): { squared: number; absolute: number } {
  const { factors: k, adagrad, biases } = options
  let squared = 0
  let absolute = 0
  for (const { held: h, streamed: s, value } of entries) {
    let score = options.mean + held.bias[h]! + streamed.bias[s]!
    for (let j = 0; j < k; j++) score += held.factors[h * k + j]! * streamed.factors[s * k + j]!
    const error = value - prediction(options, score)
    const d = error * predictionSlope(options, score)
    squared += error ** 2
    absolute += Math.abs(error)

    const damp = (rate: number, squares: number) => (adagrad ? rate / Math.sqrt(squares) : rate)
    const heldRate = damp(options.heldRate, held.factorSquares[h]!)
    const streamedRate = damp(options.streamedRate, streamed.factorSquares[s]!)
    let heldSquares = 0
    let streamedSquares = 0
    for (let j = 0; j < k; j++) {
      const p = held.factors[h * k + j]!
      const q = streamed.factors[s * k + j]!
      const gradientP = options.heldPenalty * held.weight[h]! * p - d * q
      const gradientQ = options.streamedPenalty * streamed.weight[s]! * q - d * p
      held.factors[h * k + j] = p - heldRate * gradientP
      streamed.factors[s * k + j] = q - streamedRate * gradientQ
      heldSquares += gradientP ** 2
      streamedSquares += gradientQ ** 2
    }
    for (const [side, slot, squares] of [[held, h, heldSquares] as const, [streamed, s, streamedSquares] as const]) {
      const bias = side.bias[slot]!
      if (biases) {
        const gradient = options.biasPenalty * side.weight[slot]! * bias - d
        side.bias[slot] = bias - damp(options.biasRate, side.biasSquares[slot]!) * gradient
      }
      if (adagrad) {
        side.factorSquares[slot]! += squares / k
        side.biasSquares[slot]! += d ** 2
      }
    }
  }
  return { squared, absolute }
}

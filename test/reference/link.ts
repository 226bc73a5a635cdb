import type { ReferenceModel } from './score.ts'

type Range = Pick<ReferenceModel, 'bounded' | 'minimum' | 'maximum'>

/** r_hat of a score s: s itself, or minimum + (maximum - minimum) / (1 + e^-s), which never leaves the range. */
export function prediction({ bounded, minimum, maximum }: Range, score: number): number {
  return bounded ? minimum + (maximum - minimum) / (1 + Math.exp(-score)) : score
}

/**
 * d r_hat / d s. With sigma = 1 / (1 + e^-s) the derivative of sigma is e^-s / (1 + e^-s)^2 = sigma (1 - sigma), which
 * is symmetric in s; written here with e^-|s| so that nothing overflows or cancels.
 */
export function predictionSlope({ bounded, minimum, maximum }: Range, score: number): number {
  if (!bounded) return 1
  const decay = Math.exp(-Math.abs(score))
  return ((maximum - minimum) * decay) / (1 + decay) ** 2
}

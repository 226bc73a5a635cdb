import type { Parameter } from './step.ts'

export interface Moments {
  first: number
  second: number
}

export interface AdamConstants {
  beta1: number
  beta2: number
  epsilon: number
}

/**
 * Adam (Kingma and Ba, 2015, algorithm 1): running means m of the gradient and v of its square. Both start at zero, so
 * that after t steps their weights sum to 1 - beta^t only; dividing by that makes them means.
 *
 * @param step t, from 1
 */
export function stepAdam(
  { theta, gradient, rate }: Parameter,
  moments: Moments,
  { beta1, beta2, epsilon }: AdamConstants,
  step: number,
): Moments & { theta: number } {
  const first = beta1 * moments.first + (1 - beta1) * gradient
  const second = beta2 * moments.second + (1 - beta2) * gradient ** 2
  const mean = first / (1 - beta1 ** step)
  const meanSquare = second / (1 - beta2 ** step)
  return { theta: theta - (rate * mean) / (Math.sqrt(meanSquare) + epsilon), first, second }
}

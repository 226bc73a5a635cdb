import type { Parameter } from './step.ts'

/**
 * AdaGrad (Duchi, Hazan and Singer, 2011): each parameter divides its rate by the root of the sum of its squared
 * gradients so far, this step's among them; epsilon keeps the denominator from zero.
 */
export function stepAdagrad(
  { theta, gradient, rate }: Parameter,
  squares: number,
  epsilon: number,
): { theta: number; squares: number } {
  const next = squares + gradient ** 2
  return { theta: theta - (rate * gradient) / (Math.sqrt(next) + epsilon), squares: next }
}

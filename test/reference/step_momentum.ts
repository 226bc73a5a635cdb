import type { Parameter } from './step.ts'

/**
 * Heavy ball (Polyak, 1964): the velocity is the sum of all gradients so far, older ones fading by the factor `momentum`
 * a step, and the parameter follows the velocity.
 */
export function stepMomentum(
  { theta, gradient, rate }: Parameter,
  velocity: number,
  momentum: number,
): { theta: number; velocity: number } {
  const next = momentum * velocity + gradient
  return { theta: theta - rate * next, velocity: next }
}

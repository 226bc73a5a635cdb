import type { Parameter } from './step.ts'

/** Gradient descent: a step against the gradient. */
export const stepSgd = ({ theta, gradient, rate }: Parameter): number => theta - rate * gradient

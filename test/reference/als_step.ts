import { dot, type Unknowns } from './als.ts'

export interface StepOptions {
  biases: boolean
  penalty: number
  biasPenalty: number
  /** w0 */
  unobserved: number
  tolerance: number
}

/** What a slot keeps from step to step. */
export interface StepState {
  x: Unknowns
  direction: Unknowns & { done: boolean }
  residual: Unknowns
  rho: number
  /** rho at the start. */
  firstRho: number
  objective: number
  /** The bias's scale in the preconditioner. */
  scale: number
}

/** r and p from the entries' part of b - A x, where `applied` also has the entries' part of the objective. */
export function alsStart(
  x: Unknowns,
  applied: Unknowns & { objective: number; squares: number; weight: number },
  product: readonly number[],
  options: StepOptions,
): StepState {
  const { biases, penalty, biasPenalty, unobserved } = options
  const own = x.factors.map((value, j) => unobserved * product[j]! + penalty * value)
  const residual = {
    factors: applied.factors.map((value, j) => value - own[j]!),
    bias: biases ? applied.bias - biasPenalty * x.bias : 0,
  }
  const scale = biases ? (applied.squares / x.factors.length + penalty) / (applied.weight + biasPenalty) : 0
  const rho = dot(residual.factors, residual.factors) + scale * residual.bias ** 2
  const objective = applied.objective + dot(x.factors, own) + (biases ? biasPenalty * x.bias ** 2 : 0)
  return {
    x,
    direction: { factors: residual.factors, bias: scale * residual.bias, done: rho < 1e-30 },
    residual,
    rho,
    firstRho: rho,
    objective,
    scale,
  }
}

/** One step of preconditioned conjugate gradient, where `applied` is the entries' part of A p. */
export function alsStep(
  state: StepState,
  applied: Unknowns,
  product: readonly number[],
  { biases, penalty, biasPenalty, unobserved, tolerance }: StepOptions,
): StepState {
  const { direction: p, scale } = state
  if (p.done) return state
  const whole = p.factors.map((value, j) => applied.factors[j]! + unobserved * product[j]! + penalty * value)
  const wholeBias = biases ? applied.bias + biasPenalty * p.bias : 0
  const curvature = dot(p.factors, whole) + p.bias * wholeBias
  const alpha = curvature > 0 ? state.rho / curvature : 0
  const residual = {
    factors: state.residual.factors.map((value, j) => value - alpha * whole[j]!),
    bias: state.residual.bias - alpha * wholeBias,
  }
  const rho = dot(residual.factors, residual.factors) + scale * residual.bias ** 2
  const beta = rho / state.rho
  const objective = state.objective - alpha * state.rho
  return {
    x: {
      factors: state.x.factors.map((value, j) => value + alpha * p.factors[j]!),
      bias: state.x.bias + alpha * p.bias,
    },
    direction: {
      factors: residual.factors.map((value, j) => value + beta * p.factors[j]!),
      bias: scale * residual.bias + beta * p.bias,
      done:
        curvature <= 0 ||
        rho < Math.max(1e-30, 2 ** -40 * state.firstRho) ||
        alpha * state.rho <= tolerance * Math.abs(objective),
    },
    residual,
    rho,
    firstRho: state.firstRho,
    objective,
    scale,
  }
}

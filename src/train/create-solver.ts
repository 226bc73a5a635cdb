import type { Ratings } from '../data/ratings.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { ModelScale, Parameters } from '../model/tables.ts'
import { AlsSolver } from '../solvers/als.ts'
import { BprSolver } from '../solvers/bpr.ts'
import type { BprPlan } from '../solvers/bpr-plan.ts'
import type { Room } from '../solvers/entry-store.ts'
import { FusedSolver } from '../solvers/fused.ts'
import type { FusedPlan } from '../solvers/fused-plan.ts'
import { MinibatchSolver } from '../solvers/minibatch.ts'
import type { Solver } from '../solvers/solver.ts'
import { implicitOptions, type ResolvedOptions } from './options.ts'

/** How a solver is to cut its work. */
export interface ChosenPlan {
  fused?: FusedPlan
  bpr?: BprPlan
}

/**
 * The solver that the options ask for.
 * @param room for its entries
 * @param chosen instead of what the solver makes of the device and the data
 */
export function createSolver(
  gpu: Gpu,
  ratings: Ratings,
  scale: ModelScale,
  initial: () => Parameters | Promise<Parameters>,
  options: ResolvedOptions,
  room?: Room,
  chosen: ChosenPlan = {},
): Promise<Solver> {
  const { optimizer } = options
  if (options.model === 'bpr') {
    const negativePower = options.negativePower ?? 0
    return BprSolver.create(gpu, ratings, initial, { ...options, negativePower }, chosen.bpr, room)
  }
  if (options.solver === 'als') {
    const own = {
      ...options,
      rowSolver: options.rowSolver!,
      cgSteps: options.cgSteps!,
      cgTolerance: options.cgTolerance!,
      implicit: implicitOptions(options),
    }
    return AlsSolver.create(gpu, ratings, scale, initial, own, undefined, room)
  }
  return options.solver === 'sgd' && (optimizer === 'sgd' || optimizer === 'adagrad')
    ? FusedSolver.create(gpu, ratings, scale, initial, { ...options, optimizer }, chosen.fused, room)
    : MinibatchSolver.create(gpu, ratings, scale, initial, options, room)
}

import type { Parameters } from '../model/tables.ts'
import type { SolverState } from '../solvers/solver-tables.ts'
import type { EpochReport } from './epoch-report.ts'
import type { Mark } from './progress.ts'

/** All that a training's next epochs depend on, on the host. */
export interface TrainingState {
  mark: Mark
  /** One for each of the epochs that are done. */
  reports: readonly EpochReport[]
  solver: SolverState
  /** What would be returned, where that is not what the solver's tables hold. */
  kept?: Parameters
}

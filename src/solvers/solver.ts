import type { FactorTables } from '../model/tables.ts'
import type { Residency } from './entry-store.ts'
import type { SolverTables } from './solver-tables.ts'

export interface EpochOrder {
  /** Counted from 0. */
  epoch: number
  /** Factor of all learning rates in this epoch: the schedule. */
  rateScale: number
  signal?: AbortSignal | undefined
}

export interface EpochSums {
  /** Sum of (r - r_hat)^2 over the training entries, each as the epoch passed it. */
  squaredError: number
  /** Sum of the penalties after the epoch; not finite where a parameter is not. */
  penalty: number
  /** Seconds that the GPU was at work, where it can tell. */
  gpuSeconds: number | undefined
  /** Wall time of the parts of the epoch, by name, where a solver has parts. */
  phases?: Record<string, number> | undefined
  /** A row whose equations have no finite solution, where that is why the sums are not finite. */
  failure?: { side: 'users' | 'items'; row: number } | undefined
}

/** How one epoch changes the tables. */
export interface Solver {
  readonly tables: FactorTables
  /** What the next epoch depends on; to be read and written between epochs. */
  readonly state: SolverTables
  /** How the work was cut for this device and these data, for people and for the model's metadata; plain JSON. */
  readonly plan: SolverPlan
  /** How entries lie on the GPU. */
  readonly residency: Residency
  runEpoch(order: EpochOrder): Promise<EpochSums>
  destroy(): void
}

export interface SolverPlan {
  /** Whether the same seed on the same adapter gives the same bits. */
  reproducible: boolean
  [figure: string]: number | string | boolean
}

/** For a plan: told where a side has several shards, since the tables of a checkpoint are cut alike. */
export function shardFigure({ users, items }: FactorTables): { shards?: number } {
  const shards = users.shards.length + items.shards.length
  return shards > 2 ? { shards } : {}
}

import type { FactorTables } from '../model/tables.ts'

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
}

/** How one epoch changes the tables. */
export interface Solver {
  readonly tables: FactorTables
  runEpoch(order: EpochOrder): Promise<EpochSums>
  destroy(): void
}

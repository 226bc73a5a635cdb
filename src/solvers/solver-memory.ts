import type { RowCounts } from '../data/row-counts.ts'

/** What a solver works on, as far as the size of its buffers depends on it. */
export interface SolverShape {
  /** Entries of each row. */
  counts: RowCounts
  entries: number
}

/** How much work an epoch is, and in what pieces it comes. */
export interface SolverFigures {
  shards: { users: number; items: number }
  /** What an epoch falls into, one after another. */
  steps: { kind: 'strata' | 'blocks' | 'batches' | 'rounds'; count: number }
  /** How often an epoch goes over the entries. */
  passes: number
  /** Dispatches of an epoch; those between shards are counted as if every step met all of them. */
  dispatches: number
  /** Bytes that a second set of the solver's tables takes. */
  snapshotBytes: number
  /** Bytes on the host of what the entries are packed into, and of what that takes meanwhile. */
  packingBytes: number
  /** Bytes of entries that the largest step reads: two of them are the least room for streamed entries. */
  stepBytes: number
  /** Bytes of a row in the widest table that is cut like the model's, where it is wider. */
  rowBytes?: number
}

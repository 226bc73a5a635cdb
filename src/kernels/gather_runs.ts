import { defineKernel } from './sources.ts'

/** Rows of a batch from one shard of a side to a table of the batch's rows: see `shaders/gather_runs.wgsl`. */
export const gatherRuns = defineKernel('gather_runs', [
  { runs: 'read', factors: 'read', bias: 'read', gathered: 'read-write', gathered_bias: 'read-write', batch: 'batch' },
])

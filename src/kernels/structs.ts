import { scalarStruct } from '../gpu/struct.ts'

/** `Entry` in WGSL: a row of the entries table. */
export const entryStruct = scalarStruct('Entry', { user: 'u32', item: 'u32', value: 'f32' })

export const modelStruct = scalarStruct('Model', {
  mean: 'f32',
  minimum: 'f32',
  maximum: 'f32',
  users: 'u32',
  items: 'u32',
  blocks: 'u32',
})

export const sideBatchStruct = scalarStruct('SideBatch', {
  first_run: 'u32',
  segment_start: 'u32',
  entry_start: 'u32',
  run_start: 'u32',
  run_count: 'u32',
  segment_count: 'u32',
  gradient_scale: 'f32',
  rate: 'f32',
  correction_1: 'f32',
  correction_2: 'f32',
})

export const stratumStruct = scalarStruct('Stratum', {
  stratum: 'u32',
  tile_start: 'u32',
  partial_start: 'u32',
  rate: 'f32',
  noise: 'u32',
  entry_place: 'u32',
  entry_start: 'u32',
  worker_start: 'u32',
  worker_end: 'u32',
  held_start: 'u32',
  streamed_start: 'u32',
})

export const sideStruct = scalarStruct('Side', {
  factor_rate: 'f32',
  bias_rate: 'f32',
  factor_penalty: 'f32',
  bias_penalty: 'f32',
  momentum: 'f32',
  beta_1: 'f32',
  beta_2: 'f32',
  epsilon: 'f32',
  rows: 'u32',
})

/** `AlsEntry` in WGSL: an entry as the solver of its row sees it. */
export const alsEntryStruct = scalarStruct('AlsEntry', { other: 'u32', weight: 'f32', target_value: 'f32' })

export const alsBlockStruct = scalarStruct('AlsBlock', { slots: 'u32', segments: 'u32', pair_start: 'u32' })

export const alsOptionsStruct = scalarStruct('AlsOptions', {
  factors: 'u32',
  factor_penalty: 'f32',
  bias_penalty: 'f32',
  unobserved: 'f32',
  tolerance: 'f32',
  blocks: 'u32',
})

export const gramShapeStruct = scalarStruct('GramShape', {
  table_rows: 'u32',
  chunk: 'u32',
  chunks: 'u32',
  first_chunk: 'u32',
  blocks: 'u32',
  first_row: 'u32',
})

/** A block of queries under the kernels that rank: `lib/ranking.wgsl`. */
export const rankingStruct = scalarStruct('Ranking', {
  queries: 'u32',
  groups: 'u32',
  splits: 'u32',
  stride: 'u32',
  blocks: 'u32',
  k: 'u32',
  bins: 'u32',
  mean: 'f32',
})

export const queryStruct = scalarStruct('Query', {
  user: 'u32',
  masked_start: 'u32',
  masked_end: 'u32',
  threshold_start: 'u32',
  threshold_end: 'u32',
})

export const rangeStruct = scalarStruct('Range', { start: 'u32', end: 'u32', span: 'u32', first: 'u32' })

/** The rows of a table that a buffer holds: `lib/shard.wgsl`. */
export const shardStruct = scalarStruct('Shard', { first: 'u32', rows: 'u32' })

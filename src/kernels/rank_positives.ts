import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const positivesSpan = scalarStruct('Span', { pair_count: 'u32' })

/** Scores of pairs of a query and an item: see `shaders/rank_positives.wgsl`. */
export const rankPositives = defineKernel('rank_positives', [
  {
    staged: 'read',
    item_factors: 'read',
    item_bias: 'read',
    pairs: 'read',
    scored: 'read-write',
    ranking: 'uniform',
    span: 'uniform',
    shard: 'uniform',
  },
])

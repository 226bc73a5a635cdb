import { defineKernel } from './sources.ts'

/** The rows of a block of users, turned: see `shaders/stage_queries.wgsl`. */
export const stageQueries = defineKernel('stage_queries', [
  {
    queries: 'read',
    user_factors: 'read',
    user_bias: 'read',
    staged: 'read-write',
    ranking: 'uniform',
    shard: 'uniform',
  },
])

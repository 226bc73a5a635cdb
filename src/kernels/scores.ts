import { scalarStruct } from '../gpu/struct.ts'
import { modelBindings } from './shared.ts'
import { defineKernel } from './sources.ts'

export const scoresQuery = scalarStruct('Query', { user_count: 'u32' })

/** Scores of users against all items: see `shaders/scores.wgsl`. */
export const scores = defineKernel('scores', [modelBindings, { users: 'read', scored: 'read-write', query: 'uniform' }])

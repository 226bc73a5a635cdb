import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const stagingStruct = scalarStruct('Staging', {
  moves: 'u32',
  first_row: 'u32',
  factor_squares: 'f32',
  bias_squares: 'f32',
})

const groups = [
  {
    factors: 'read',
    bias: 'read',
    weights: 'read',
    moves: 'read',
    staged: 'read-write',
    state: 'read-write',
    staging: 'uniform',
  },
] as const

const variant = (f16: boolean) => defineKernel('stage_rows', groups, { f16 })

/** Rows of a model's tables, to slots: see `shaders/stage_rows.wgsl`. By storage. */
export const stageRows = { f32: variant(false), f16: variant(true) }

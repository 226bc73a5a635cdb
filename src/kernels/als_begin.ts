import { alsRows } from './als_shared.ts'
import { defineKernel } from './sources.ts'

/** Rows of a model's tables, to slots: see `shaders/als_begin.wgsl`. */
export const alsBegin = defineKernel('als_begin', [
  { solved_factors: 'read', solved_bias: 'read', directions: 'read-write' },
  alsRows,
])

import { alsRows } from './als_shared.ts'
import { defineKernel } from './sources.ts'

/** Solutions in slots, to the rows of a model's tables: see `shaders/als_publish.wgsl`. */
export const alsPublish = defineKernel('als_publish', [
  { directions: 'read', solved_factors: 'read-write', solved_bias: 'read-write' },
  alsRows,
])

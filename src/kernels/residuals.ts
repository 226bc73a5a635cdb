import { scalarStruct } from '../gpu/struct.ts'
import { modelBindings } from './shared.ts'
import { defineKernel } from './sources.ts'

export const residualsBatch = scalarStruct('Batch', { entry_start: 'u32', entry_count: 'u32', partial_start: 'u32' })

/** Errors of a batch's entries, times the slope of the link, and their sums: see `shaders/residuals.wgsl`. */
export const residuals = defineKernel('residuals', [
  modelBindings,
  { entries: 'read', residual: 'read-write', partials: 'read-write', batch: 'batch' },
])

import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const errorSumsSpan = scalarStruct('Span', { entry_count: 'u32' })

/** Sums of squared and absolute errors of predictions that are there: see `shaders/error_sums.wgsl`. */
export const errorSums = defineKernel('error_sums', [
  { predicted: 'read', places: 'read', values: 'read', partials: 'read-write', span: 'uniform' },
])

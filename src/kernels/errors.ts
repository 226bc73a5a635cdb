import { scalarStruct } from '../gpu/struct.ts'
import { modelBindings } from './shared.ts'
import { defineKernel } from './sources.ts'

export const errorsSpan = scalarStruct('Span', { entry_count: 'u32' })

/** Sums of squared and absolute errors: see `shaders/errors.wgsl`. */
export const errors = defineKernel('errors', [
  modelBindings,
  { entries: 'read', partials: 'read-write', span: 'uniform' },
])

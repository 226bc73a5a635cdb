import { scalarStruct } from '../gpu/struct.ts'
import { modelBindings } from './shared.ts'
import { defineKernel } from './sources.ts'

export const predictionsSpan = scalarStruct('Span', { pair_start: 'u32', pair_end: 'u32' })

/** Predictions of pairs: see `shaders/predictions.wgsl`. */
export const predictions = defineKernel('predictions', [
  modelBindings,
  { pairs: 'read', predicted: 'read-write', span: 'uniform' },
])

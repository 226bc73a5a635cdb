import { workgroupSize } from './shared.ts'
import { defineKernel } from './sources.ts'

/** vec4s of parameters that a workgroup sums: VEC4S an invocation. */
export const penaltySpan = 32 * workgroupSize

/** The penalty of one side's parameters: see `shaders/penalties.wgsl`. */
export const penalties = defineKernel('penalties', [
  { factors: 'read', bias: 'read', weights: 'read', partials: 'read-write', side: 'uniform' },
])

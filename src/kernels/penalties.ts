import { defineKernel } from './sources.ts'

/** The penalty of one side's parameters: see `shaders/penalties.wgsl`. */
export const penalties = defineKernel('penalties', [
  { factors: 'read', bias: 'read', weights: 'read', partials: 'read-write', side: 'uniform' },
])

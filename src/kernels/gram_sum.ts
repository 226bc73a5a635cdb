import { defineKernel } from './sources.ts'

/** The sum of a Gram matrix's parts: see `shaders/gram_sum.wgsl`. */
export const gramSum = defineKernel('gram_sum', [{ parts: 'read', gram_matrix: 'read-write', shape: 'uniform' }])

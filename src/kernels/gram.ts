import { defineKernel } from './sources.ts'

/** Rows of G that an invocation has: ROWS. */
export const gramRows = 16

/** A table's Gram matrix in parts: see `shaders/gram.wgsl`. */
export const gram = defineKernel('gram', [{ table: 'read', parts: 'read-write', shape: 'uniform' }])

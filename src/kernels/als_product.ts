import { workgroupSize } from './shared.ts'
import { defineKernel } from './sources.ts'

/** Columns of G that an invocation has, and rows that a workgroup has: COLUMNS, ROWS times WORKGROUP_SIZE. */
export const productColumns = 8
export const productRows = 4 * workgroupSize

/** G p of each row of a block: see `shaders/als_product.wgsl`. */
export const alsProduct = defineKernel('als_product', [
  { directions: 'read', gram_matrix: 'read', products: 'read-write', options: 'uniform' },
  { row_block: 'uniform' },
])

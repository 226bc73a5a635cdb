import { defineKernel } from './sources.ts'

/** Columns of G that an invocation has: COLUMNS. */
export const productColumns = 16

/** G p of each row of a block: see `shaders/als_product.wgsl`. */
export const alsProduct = defineKernel('als_product', [
  { directions: 'read', gram_matrix: 'read', products: 'read-write', options: 'uniform' },
  { row_block: 'uniform' },
])

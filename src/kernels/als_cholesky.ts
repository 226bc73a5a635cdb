import { type NormalTiles, normalSizes } from './als_normal.ts'
import { defineKernel } from './sources.ts'

const groups = [
  {
    fixed_factors: 'read',
    fixed_bias: 'read',
    entries: 'read',
    gram_matrix: 'read',
    rows: 'read',
    normal_parts: 'read',
    directions: 'read-write',
    sums: 'read-write',
  },
  { options: 'uniform', row_block: 'uniform' },
] as const

/** Exact solutions of rows: see `shaders/als_cholesky.wgsl`. `split`: their normal equations were made by `als_normal`. */
export const alsCholesky = (sizes: NormalTiles, { implicit, split }: { implicit: boolean; split: boolean }) =>
  defineKernel('als_cholesky', groups, { implicit, split }, normalSizes(sizes))

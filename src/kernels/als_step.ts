import type { AlsPass, RowSlices } from './als_apply.ts'
import { alsRows } from './als_shared.ts'
import { defineKernel } from './sources.ts'

const groups = [
  {
    solved_factors: 'read-write',
    solved_bias: 'read-write',
    partials: 'read',
    products: 'read',
    directions: 'read-write',
    residuals: 'read-write',
    sums: 'read-write',
    options: 'uniform',
  },
  alsRows,
] as const

/** One step of conjugate gradient: see `shaders/als_step.wgsl`. */
export const alsStep = ({ lanes, vecs, subgroups }: RowSlices, { initial, implicit }: AlsPass) =>
  defineKernel('als_step', groups, { initial, implicit, subgroups }, { LANES: lanes, VECS: vecs })

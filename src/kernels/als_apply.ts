import { defineKernel } from './sources.ts'

/** How a workgroup falls into slices, and what it may use. */
export interface RowSlices {
  /** Invocations that share a row: a power of two. */
  lanes: number
  /** vec4s of a row that each of them holds. */
  vecs: number
  /** Sums by shuffles between the lanes; otherwise through workgroup memory. */
  subgroups: boolean
}

/** Which of a solver's passes a kernel makes. */
export interface AlsPass {
  /** The first pass: the residual of where the row starts. */
  initial: boolean
  implicit: boolean
}

const groups = [
  { fixed_factors: 'read', fixed_bias: 'read', directions: 'read', partials: 'read-write' },
  { entries: 'read', segments: 'read', row_block: 'uniform' },
] as const

/** The entries' part of A p: see `shaders/als_apply.wgsl`. */
export const alsApply = ({ lanes, vecs, subgroups }: RowSlices, { initial, implicit }: AlsPass) =>
  defineKernel('als_apply', groups, { initial, implicit, subgroups }, { LANES: lanes, VECS: vecs })

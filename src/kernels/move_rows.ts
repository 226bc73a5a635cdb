import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const movingStruct = scalarStruct('Moving', { moves: 'u32', first: 'u32' })

const groups = [
  {
    factors: 'read-write',
    beside: 'read-write',
    gathered: 'read-write',
    gathered_beside: 'read-write',
    moves: 'read',
    moving: 'uniform',
  },
] as const

/** Rows of a shard to a table of chosen rows: see `shaders/move_rows.wgsl`. `slots`: those of the fused solver. */
const variant = (gather: boolean, slots: boolean, f16: boolean) =>
  defineKernel('move_rows', groups, { gather, slots, f16 })

/** By what is moved: rows of a model's tables; slots of the fused solver, by storage. */
export const gatherRows = {
  model: variant(true, false, false),
  f32: variant(true, true, false),
  f16: variant(true, true, true),
}

/** The way back. */
export const scatterRows = {
  model: variant(false, false, false),
  f32: variant(false, true, false),
  f16: variant(false, true, true),
}

import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const movingStruct = scalarStruct('Moving', { replicas: 'u32' })

const groups = [
  {
    factors: 'read-write',
    state: 'read-write',
    gathered: 'read-write',
    gathered_state: 'read-write',
    moves: 'read',
    moving: 'uniform',
  },
] as const

const variant = (gather: boolean, f16: boolean) => defineKernel('move_replicas', groups, { gather, f16 })

/** Replicas from a shard of slots to a table of their own: see `shaders/move_replicas.wgsl`. By storage. */
export const gatherReplicas = { f32: variant(true, false), f16: variant(true, true) }

/** The way back. */
export const scatterReplicas = { f32: variant(false, false), f16: variant(false, true) }

import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const mergeStruct = scalarStruct('Merge', { heavy_rows: 'u32' })

const groups = [
  { factors: 'read-write', state: 'read-write', heavy: 'read', replicas: 'read', batch: 'batch', merge: 'uniform' },
] as const

const variant = (f16: boolean) => defineKernel('merge_replicas', groups, { f16 })

/** The replicas of heavy rows, to their mean: see `shaders/merge_replicas.wgsl`. By storage. */
export const mergeReplicas = { f32: variant(false), f16: variant(true) }

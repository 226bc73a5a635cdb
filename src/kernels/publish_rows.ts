import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const publishingStruct = scalarStruct('Publishing', { moves: 'u32' })

const groups = [
  { staged: 'read', state: 'read', moves: 'read', factors: 'read-write', bias: 'read-write', publishing: 'uniform' },
] as const

const variant = (f16: boolean) => defineKernel('publish_rows', groups, { f16 })

/** Slots, back to the rows of a model's tables: see `shaders/publish_rows.wgsl`. By storage. */
export const publishRows = { f32: variant(false), f16: variant(true) }

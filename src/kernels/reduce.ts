import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const reduceSpan = scalarStruct('Span', { pair_count: 'u32' })

/** Pairs that a `reduce` leaves for the host to add: its workgroups. */
export const reducedPairs = 64

/** Sums of pairs: see `shaders/reduce.wgsl`. */
export const reduce = defineKernel('reduce', [{ pairs: 'read', sums: 'read-write', span: 'uniform' }])

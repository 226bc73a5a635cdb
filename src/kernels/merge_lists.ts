import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const mergeStruct = scalarStruct('Merge', { length: 'u32', run: 'u32', ways: 'u32' })

const shared = { ranking: 'uniform', merge: 'batch', entries: 'read' } as const

/** A stage of the sort of lists: see `shaders/merge_lists.wgsl`. */
export const mergeLists = defineKernel('merge_lists', [{ ...shared, merged: 'read-write' }], { last: false })

/** The last of them: it leaves the list of each query, and what failed. */
export const mergeLastLists = defineKernel('merge_lists', [{ ...shared, ranked: 'read-write', heaps: 'read' }], {
  last: true,
})

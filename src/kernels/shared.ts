import type { AdapterDescription } from '../gpu/capabilities.ts'

/** Invocations of a workgroup: WORKGROUP_SIZE of `lib/dispatch.wgsl`. */
export const workgroupSize = 64

/** Bind group 0 of every kernel that scores: `lib/model.wgsl`. */
export const modelBindings = {
  user_factors: 'read',
  item_factors: 'read',
  user_bias: 'read',
  item_bias: 'read',
  model: 'uniform',
} as const

/** vec4s in a row of k factors. */
export const factorBlocks = (factors: number): number => Math.ceil(factors / 4)

/**
 * Invocations that share one score: enough that neighbours read one row together in whole cache lines (8 x 16 bytes).
 * On a software adapter an invocation is a slot of a CPU vector and gathers nothing by sharing, so one is best.
 */
export function lanesFor(factors: number, adapter: AdapterDescription): number {
  if (adapter.software) return 1
  return Math.min(8, 2 ** Math.floor(Math.log2(factorBlocks(factors))))
}

/** Workgroups for `scores` scores at `lanes` lanes each. */
export const scoreWorkgroups = (scores: number, lanes: number): number => Math.ceil((scores * lanes) / workgroupSize)

import type { WalkVariant } from './bpr_structs.ts'
import { defineKernel } from './sources.ts'

export { bprRoundStruct, bprRowStruct, bprWalkStruct } from './bpr_structs.ts'

const groups = [
  {
    rows: 'read',
    batch: 'batch',
    walk: 'uniform',
    samples: 'read',
    item_factors: 'read',
    item_bias: 'read',
    user_factors: 'read-write',
    partials: 'read-write',
  },
] as const

/** The users' phase of a round of BPR: see `shaders/bpr_users.wgsl`. `staged`: the items' rows lie by samples. */
export const bprUsers = ({ lanes, vecs, subgroups, prefetch }: WalkVariant, staged: boolean) =>
  defineKernel('bpr_users', groups, { subgroups, prefetch, staged }, { LANES: lanes, VECS: vecs })

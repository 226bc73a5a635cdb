import type { WalkVariant } from './bpr_structs.ts'
import { defineKernel } from './sources.ts'

export { bprRoundStruct, bprRowStruct, bprWalkStruct } from './bpr_structs.ts'

const groups = [
  {
    rows: 'read',
    batch: 'batch',
    walk: 'uniform',
    samples: 'read',
    user_factors: 'read',
    item_factors: 'read',
    item_bias: 'read',
    new_factors: 'read-write',
    new_bias: 'read-write',
    partials: 'read-write',
  },
] as const

/** The items' phase of a round of BPR: see `shaders/bpr_items.wgsl`. `staged`: the sides whose rows lie by samples. */
export const bprItems = (
  { lanes, vecs, subgroups, prefetch }: WalkVariant,
  staged: Readonly<Record<'users' | 'items', boolean>>,
) =>
  defineKernel(
    'bpr_items',
    groups,
    { subgroups, prefetch, staged_users: staged.users, staged_items: staged.items },
    { LANES: lanes, VECS: vecs },
  )

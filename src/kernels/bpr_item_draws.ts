import { defineKernel } from './sources.ts'

export { bprDrawsStruct, bprRoundStruct, bprRowStruct, bprSlotsStruct } from './bpr_structs.ts'

const groups = [
  {
    rows: 'read',
    batch: 'batch',
    slots: 'read',
    seen: 'read',
    item_columns: 'read',
    draws: 'uniform',
    samples: 'read-write',
    raters: 'read',
    user_start: 'read',
    user_columns: 'read',
    room: 'uniform',
  },
] as const

const variant = (powered: boolean, sharded: boolean) => defineKernel('bpr_item_draws', groups, { powered, sharded })

/**
 * Samples of the items' phase: see `shaders/bpr_item_draws.wgsl`. Negatives by equal weights, or by those of a table; of users
 * whose entries lie in one buffer, or in several.
 */
export const bprItemDraws = {
  uniform: variant(false, false),
  powered: variant(true, false),
  uniformSharded: variant(false, true),
  poweredSharded: variant(true, true),
}

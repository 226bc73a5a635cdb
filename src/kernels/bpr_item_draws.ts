import { defineKernel } from './sources.ts'

export { bprDrawsStruct, bprRoundStruct, bprRowStruct } from './bpr_structs.ts'

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
  },
] as const

const variant = (powered: boolean) => defineKernel('bpr_item_draws', groups, { powered })

/** Samples of the items' phase: see `shaders/bpr_item_draws.wgsl`. Negatives by equal weights, or by those of a table. */
export const bprItemDraws = { uniform: variant(false), powered: variant(true) }

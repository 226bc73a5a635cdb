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
    room: 'uniform',
  },
] as const

const variant = (powered: boolean) => defineKernel('bpr_user_draws', groups, { powered })

/** Samples of the users' phase: see `shaders/bpr_user_draws.wgsl`. Negatives by equal weights, or by those of a table. */
export const bprUserDraws = { uniform: variant(false), powered: variant(true) }

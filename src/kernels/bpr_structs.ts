import { scalarStruct } from '../gpu/struct.ts'

/** `BprRow` in WGSL: a row that a phase works on. */
export const bprRowStruct = scalarStruct('BprRow', {
  row: 'u32',
  place: 'u32',
  first: 'u32',
  entries: 'u32',
  slot: 'u32',
  negatives: 'u32',
  chance: 'u32',
})

export const bprRoundStruct = scalarStruct('BprRound', {
  order_key: 'u32',
  draw_key: 'u32',
  round: 'u32',
  rounds: 'u32',
  rate: 'f32',
})

export const bprSlotsStruct = scalarStruct('BprSlots', { count: 'u32' })

export const bprDrawsStruct = scalarStruct('BprDraws', {
  users: 'u32',
  items: 'u32',
  first_user: 'u32',
  users_here: 'u32',
})

export const bprWalkStruct = scalarStruct('BprWalk', {
  rows: 'u32',
  slices: 'u32',
  first_row: 'u32',
  staged_start: 'u32',
  factor_rate: 'f32',
  bias_rate: 'f32',
  factor_penalty: 'f32',
  bias_penalty: 'f32',
})

/** How a phase's workgroups fall into slices, and what they may use. */
export interface WalkVariant {
  /** Invocations that share a row: a power of two. */
  lanes: number
  /** vec4s of a row that each of them holds. */
  vecs: number
  /** Sums by shuffles between the lanes; otherwise through workgroup memory. */
  subgroups: boolean
  /** The next sample's rows are read ahead. */
  prefetch: boolean
}

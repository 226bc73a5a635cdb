import type { BlockLayout } from '../layout/blocks.ts'
import type { BlockSpan } from '../layout/shards.ts'
import type { SideTable } from '../model/side-table.ts'

export interface FusedSideInput {
  label: 'users' | 'items'
  blocks: BlockLayout
  /** How the slots are cut into shards. */
  spans: readonly BlockSpan[]
  /** Entries of each slot. */
  slotCounts: Uint32Array
  precision: 'f32' | 'f16'
  /** vec4s in a row. */
  blocksPerRow: number
  /** This side's table of the model. */
  table: SideTable
  /** count^(nu - 1), count^nu a row, for each shard of the table. */
  weights: readonly GPUBuffer[]
  /** What the sums of squares start from. */
  squares: { factors: number; bias: number }
  /** The uniform buffer of the strata, and the bytes of one window. */
  strata: GPUBuffer
  windowBytes: number
}

/** The slots of some blocks, in buffers that each fit a binding. */
export interface SlotShard extends BlockSpan {
  factors: GPUBuffer
  state: GPUBuffer
}

/** Bytes of a slot in the larger one of its two buffers. */
export const slotBytes = (blocksPerRow: number, precision: 'f32' | 'f16'): number =>
  Math.max(16, blocksPerRow * (precision === 'f16' ? 8 : 16))

import { type RankTile, rankBindings, tileSizes } from './rank_items.ts'
import { defineKernel } from './sources.ts'

/** How many items score more than each of a query's thresholds: see `shaders/rank_counts.wgsl`. */
export const rankCounts = (tile: RankTile) =>
  defineKernel(
    'rank_counts',
    [rankBindings, { thresholds: 'read', counts: 'read-write' }] as const,
    {},
    tileSizes(tile),
  )

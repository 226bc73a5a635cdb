import { defineKernel } from './sources.ts'

/** Scores that an invocation holds at a time; their product is at most 32. */
export interface RankTile {
  users: number
  items: number
}

/** Bind group 0 of the kernels that rank a block of queries: `lib/rank_tile.wgsl`. */
export const rankBindings = {
  staged: 'read',
  item_factors: 'read',
  item_bias: 'read',
  queries: 'read',
  masked: 'read',
  denied: 'read',
  ranking: 'uniform',
  range: 'batch',
} as const

/** What the tile's WGSL imports from `constants`. */
export const tileSizes = ({ users, items }: RankTile) => ({ USERS: users, ITEMS: items, TILE: users * items })

/** The best items of each query of a block: see `shaders/rank_items.wgsl`. */
export const rankItems = (tile: RankTile) =>
  defineKernel('rank_items', [rankBindings, { heaps: 'read-write' }] as const, {}, tileSizes(tile))

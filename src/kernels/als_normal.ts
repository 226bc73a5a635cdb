import { defineKernel } from './sources.ts'

/** How a workgroup holds the normal equations of a row: `shaders/lib/normal_tiles.wgsl`. */
export interface NormalTiles {
  /** Invocations of a workgroup. */
  threads: number
  /** Tiles that each of them owns. */
  tiles: number
  /** vec4s of z: the factors', the bias's and the target's. */
  rowBlocks: number
  /** Entries that are staged at a time. */
  chunk: number
}

export const normalSizes = ({ threads, tiles, rowBlocks, chunk }: NormalTiles) => ({
  THREADS: threads,
  TILES: tiles,
  ROW_BLOCKS: rowBlocks,
  CHUNK: chunk,
})

const groups = [
  {
    fixed_factors: 'read',
    fixed_bias: 'read',
    entries: 'read',
    segments: 'read',
    normal_parts: 'read-write',
    row_block: 'uniform',
  },
] as const

/** Normal equations of segments: see `shaders/als_normal.wgsl`. */
export const alsNormal = (sizes: NormalTiles, implicit: boolean) =>
  defineKernel('als_normal', groups, { implicit }, normalSizes(sizes))

/** How the grid of tiles is cut: see `TileLayout`. */
export interface TileShape {
  /** W: tiles that run side by side. */
  workers: number
  /** T: strata of an epoch. With T >= W no tiles share a row; with fewer, W / T workers race on each streamed block. */
  strata: number
  /** S: slices of a workgroup, each with a row of its own. */
  slices: number
  /**
   * Nested: a tile is the work of a whole workgroup, cut into S x S small tiles that its slices share out in S sub-strata,
   * a barrier between them. Otherwise a tile is the work of one slice, and nobody waits.
   */
  nested: boolean
}

/** Sizes that follow from a shape. */
export interface TileGrid {
  workgroups: number
  /** Sub-strata of a stratum: S nested, else 1. */
  subStrata: number
  /** Blocks of held rows, those of slices without a tile included: workgroups * S. */
  heldBlocks: number
  /** Blocks of streamed rows. */
  streamedBlocks: number
}

export function gridOf({ workers, strata, slices, nested }: TileShape): TileGrid {
  const workgroups = nested ? workers : Math.ceil(workers / slices)
  const subStrata = nested ? slices : 1
  return { workgroups, subStrata, heldBlocks: workgroups * slices, streamedBlocks: strata * subStrata }
}

/** Some blocks: the first, and the end. */
export type BlockRange = readonly [first: number, end: number]

/** All held blocks in so many ranges of about as many blocks, which have about as many entries; in fewer where there are not so many. */
export function cutHeldBlocks(shape: TileShape, count: number): BlockRange[] {
  const { subStrata, heldBlocks } = gridOf(shape)
  const units = heldBlocks / subStrata
  const ranges = Math.min(count, units)
  const bound = (range: number) => subStrata * Math.floor((range * units) / ranges)
  return Array.from({ length: ranges }, (_, range) => [bound(range), bound(range + 1)] as const)
}

/**
 * The tiles of some held blocks in the order in which they are worked on, each as the pair of its blocks,
 * held * streamedBlocks + streamed.
 * @param blocks of whole workgroups, where tiles are nested
 */
export function pairsOf(shape: TileShape, [first, end]: BlockRange): Uint32Array {
  const { strata } = shape
  const { subStrata, streamedBlocks } = gridOf(shape)
  const pairs = new Uint32Array((end - first) * streamedBlocks)
  let tile = 0
  for (let stratum = 0; stratum < strata; stratum++) {
    for (let block = first; block < end; block += subStrata) {
      const streamed = ((block / subStrata + stratum) % strata) * subStrata
      for (let sub = 0; sub < subStrata; sub++) {
        for (let slice = 0; slice < subStrata; slice++) {
          pairs[tile++] = (block + slice) * streamedBlocks + streamed + ((slice + sub) % subStrata)
        }
      }
    }
  }
  return pairs
}

export const tilesPerStratum = ({ workgroups, subStrata }: TileGrid, slices: number) => workgroups * subStrata * slices

/** Every sub-stratum takes as long as its longest tile, every stratum as long as its slowest workgroup. */
export function efficiencyOf(shape: TileShape, tileStart: Uint32Array): number {
  const { slices, strata, workers, nested } = shape
  const { workgroups, subStrata } = gridOf(shape)
  let steps = 0
  let tile = 0
  for (let stratum = 0; stratum < strata; stratum++) {
    let slowest = 0
    for (let workgroup = 0; workgroup < workgroups; workgroup++) {
      let own = 0
      for (let sub = 0; sub < subStrata; sub++) {
        let longest = 0
        for (let slice = 0; slice < slices; slice++, tile++) {
          longest = Math.max(longest, tileStart[tile + 1]! - tileStart[tile]!)
        }
        own += longest
      }
      slowest = Math.max(slowest, own)
    }
    steps += slowest
  }
  return tileStart.at(-1)! / (workers * (nested ? slices : 1) * steps)
}

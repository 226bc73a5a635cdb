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

/** Number of the tile of a held and a streamed block, in the order in which tiles are worked on. */
export type TileFinder = (heldBlock: number, streamedBlock: number) => number

/** Called twice an entry, so each kind of grid has a finder that divides no more than it must. */
export function tileFinder({ slices, strata, nested }: TileShape, { workgroups }: TileGrid): TileFinder {
  const stratumOf = (ahead: number) => {
    const stratum = ahead % strata
    return stratum < 0 ? stratum + strata : stratum
  }
  if (!nested) {
    const perStratum = workgroups * slices
    return (heldBlock, streamedBlock) => stratumOf(streamedBlock - heldBlock) * perStratum + heldBlock
  }
  return (heldBlock, streamedBlock) => {
    const slice = heldBlock % slices
    const workgroup = (heldBlock - slice) / slices
    const other = streamedBlock % slices
    const stratum = stratumOf((streamedBlock - other) / slices - workgroup)
    const sub = other < slice ? other - slice + slices : other - slice
    return ((stratum * workgroups + workgroup) * slices + sub) * slices + slice
  }
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

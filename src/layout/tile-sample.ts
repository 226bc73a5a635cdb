import type { Ratings } from '../data/ratings.ts'
import type { RowCounts } from '../data/row-counts.ts'
import { gridOf, type TileShape, tileFinder, tilesPerStratum } from './tile-grid.ts'
import { placesOf, replicaAt } from './tile-places.ts'
import { dealRows, planDealing } from './tiles.ts'

/**
 * The entries that `packTiles` puts into the first strata, by their numbers. Packed with their rows dealt by those of the
 * whole matrix, they lie in the tiles that they have there.
 */
export function entriesOfStrata(
  ratings: Ratings,
  counts: RowCounts,
  shape: TileShape,
  { seed, blockSlots, strata }: { seed: number; blockSlots?: number | undefined; strata: number },
): Uint32Array<ArrayBuffer> {
  const grid = gridOf(shape)
  const dealing = planDealing(counts, shape, ratings.length)
  const blocks = dealRows(counts, dealing, seed, blockSlots)
  const { held: heldSide, streamed: streamedSide } = dealing
  const held = placesOf(blocks[heldSide], ratings[heldSide], ratings[streamedSide], seed)
  const streamed = placesOf(blocks[streamedSide], ratings[streamedSide], ratings[heldSide], seed)
  const wanted = firstStrata(shape, strata)
  const { streamedBlocks } = grid
  const kept = new Uint32Array(ratings.length)
  let length = 0
  for (let entry = 0; entry < ratings.length; entry++) {
    let heldBlock = held.ofRow[2 * held.rows[entry]!]!
    let streamedBlock = streamed.ofRow[2 * streamed.rows[entry]!]!
    if (heldBlock === held.several) heldBlock = held.blockOf[replicaAt(held, entry)]!
    if (streamedBlock === streamed.several) streamedBlock = streamed.blockOf[replicaAt(streamed, entry)]!
    if (wanted[heldBlock * streamedBlocks + streamedBlock] === 1) kept[length++] = entry
  }
  return kept.slice(0, length)
}

/** 1 for each pair of a held and a streamed block whose tile lies in the first strata. */
function firstStrata(shape: TileShape, strata: number): Uint8Array {
  const grid = gridOf(shape)
  const { heldBlocks, streamedBlocks } = grid
  const tileOf = tileFinder(shape, grid)
  const tiles = strata * tilesPerStratum(grid, shape.slices)
  const wanted = new Uint8Array(heldBlocks * streamedBlocks)
  for (let pair = 0; pair < wanted.length; pair++) {
    wanted[pair] = Number(tileOf(Math.floor(pair / streamedBlocks), pair % streamedBlocks) < tiles)
  }
  return wanted
}

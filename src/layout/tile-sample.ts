import type { Ratings } from '../data/ratings.ts'
import type { RowCounts } from '../data/row-counts.ts'
import { dealRows, planDealing } from './tile-dealing.ts'
import { gridOf, pairsOf, type TileShape, tilesPerStratum } from './tile-grid.ts'
import { placesOf, replicaAt } from './tile-places.ts'

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
  const dealing = planDealing(counts, shape, ratings.length)
  const blocks = dealRows(counts, dealing, seed, blockSlots)
  const { held: heldSide, streamed: streamedSide } = dealing
  const held = placesOf(blocks[heldSide], seed)
  const streamed = placesOf(blocks[streamedSide], seed)
  const { [heldSide]: heldRows, [streamedSide]: streamedRows } = ratings
  const wanted = firstStrata(shape, strata)
  const { streamedBlocks } = gridOf(shape)
  const kept = new Uint32Array(ratings.length)
  let length = 0
  for (let entry = 0; entry < ratings.length; entry++) {
    const heldRow = heldRows[entry]!
    const streamedRow = streamedRows[entry]!
    let heldBlock = held.ofRow[2 * heldRow]!
    let streamedBlock = streamed.ofRow[2 * streamedRow]!
    if (heldBlock === held.several) heldBlock = held.blockOf[replicaAt(held, heldRow, streamedRow)]!
    if (streamedBlock === streamed.several) {
      streamedBlock = streamed.blockOf[replicaAt(streamed, streamedRow, heldRow)]!
    }
    if (wanted[heldBlock * streamedBlocks + streamedBlock] === 1) kept[length++] = entry
  }
  return kept.slice(0, length)
}

/** 1 for each pair of a held and a streamed block whose tile lies in the first strata. */
function firstStrata(shape: TileShape, strata: number): Uint8Array {
  const grid = gridOf(shape)
  const { heldBlocks } = grid
  const pairs = pairsOf(shape, [0, heldBlocks])
  const wanted = new Uint8Array(pairs.length)
  const tiles = strata * tilesPerStratum(grid, shape.slices)
  for (let tile = 0; tile < tiles; tile++) wanted[pairs[tile]!] = 1
  return wanted
}

import type { Ratings } from '../data/ratings.ts'
import { type RowCounts, rowCounts } from '../data/row-counts.ts'
import type { BlockLayout } from './blocks.ts'
import type { EntryPiece, Placing } from './entry-router.ts'
import { dealRows, planDealing } from './tile-dealing.ts'
import { efficiencyOf, gridOf, type TileShape, tilesPerStratum } from './tile-grid.ts'
import { packAlone, type TilePart } from './tile-packer.ts'
import { placesOf, slotCountsOf } from './tile-places.ts'
import { placeBits } from './tile-sort.ts'

export interface TileOptions {
  seed: number
  /**
   * Entries of a row beyond which it is split into replicas, as a multiple of a block's entries. The parallelism of the
   * grid without replicas is bounded by entries / (entries of the heaviest row).
   */
  replicaCap?: number
  /** Slots of a block at most. */
  blockSlots?: number | undefined
  /** The matrix that the ratings are a part of, where they are: its rows are dealt by all of its entries. */
  whole?: WholeMatrix | undefined
}

export interface WholeMatrix {
  counts: RowCounts
  entries: number
}

/**
 * How the entries are cut for the fused kernel: which rows lie where, and the bounds of the tiles.
 *
 * Slice x of workgroup A always works on held block a = A S + x. In stratum t its streamed block is (a + t) mod T or,
 * nested, in sub-stratum s, S ((A + t) mod T) + (x + s) mod S. With T >= W no two slices that run side by side share a row.
 */
export interface TileCut {
  shape: TileShape
  held: 'users' | 'items'
  users: BlockLayout
  items: BlockLayout
  /** Entries of each slot of either side. */
  userSlotCounts: Uint32Array<ArrayBuffer>
  itemSlotCounts: Uint32Array<ArrayBuffer>
  /** First entry of each stratum, and the end. */
  stratumStart: Uint32Array<ArrayBuffer>
  /**
   * For each stratum, workgroup and sub-stratum, a row of S + 2 words: S + 1 bounds of the tiles that the slices work on,
   * counted from the stratum's first entry, and the length of the longest of them.
   */
  tiles: Uint32Array<ArrayBuffer>
  /** entries / (workers * the longest worker's entries, summed over strata): the share of busy workers. */
  efficiency: number
  /** Mean number of entries for which a held row stays in registers. */
  runLength: number
}

/**
 * Observed entries as the fused kernel reads them. One side is *held*: a worker keeps its row in registers over a run of
 * entries; the rows of the other, the *streamed* side, come and go with each entry.
 */
export interface TileLayout extends TileCut, StratumEntries {}

/** A layout whose entries lie in several arrays, those of each stratum one after another. */
export interface PackedTiles extends TileCut {
  parts: readonly StratumEntries[]
}

/** Entries of some of the held blocks, or of all. */
export interface StratumEntries {
  /**
   * Two words an entry: the bits of the f32 rating; the place in its held block (high half) and in its streamed block (low
   * half). By stratum, workgroup, sub-stratum and slice; a tile sorted by held place, streamed place, bits of the rating.
   */
  entries: Uint32Array<ArrayBuffer>
  /** First entry of each stratum, and the end. */
  stratumStart: Uint32Array<ArrayBuffer>
}

/**
 * Deals rows to blocks and entries to tiles. Linear in the entries; beside what it returns it needs memory for the rows and
 * the largest tile alone. The order of the entries has no bearing on the result.
 */
export function packTiles(ratings: Ratings, shape: TileShape, options: TileOptions): TileLayout {
  const dealt = dealTiles(ratings, shape, options)
  const part = packAlone(dealt.placing, dealt.entries)
  return { ...joinTiles(dealt, [part]), entries: part.entries }
}

/** Rows dealt to blocks, and what finds the tiles of the entries. */
export interface DealtTiles {
  counts: RowCounts
  held: 'users' | 'items'
  streamed: 'users' | 'items'
  blocks: Record<'users' | 'items', BlockLayout>
  placing: Placing
  /** All of them. */
  entries: EntryPiece
}

export function dealTiles(
  ratings: Ratings,
  shape: TileShape,
  { seed, replicaCap, blockSlots, whole }: TileOptions,
): DealtTiles {
  const { length, values } = ratings
  const counts = whole?.counts ?? rowCounts(ratings)
  const dealing = planDealing(counts, shape, whole?.entries ?? length, replicaCap)
  const { held, streamed } = dealing
  const blocks = dealRows(counts, dealing, seed, blockSlots)
  return {
    counts,
    held,
    streamed,
    blocks,
    placing: {
      shape,
      bits: placeBits(mostSlots(blocks[held]), mostSlots(blocks[streamed])),
      held: placesOf(blocks[held], seed),
      streamed: placesOf(blocks[streamed], seed),
    },
    entries: {
      held: ratings[held],
      streamed: ratings[streamed],
      ratings: new Uint32Array(values.buffer, values.byteOffset, length),
      length,
    },
  }
}

/** @param parts of all held blocks in their order */
export function joinTiles(dealt: DealtTiles, parts: readonly TilePart[]): TileCut {
  const { counts, held, streamed, blocks, placing, entries } = dealt
  const { shape } = placing
  const tileStart = joinStarts(shape, parts)
  const replicas = (side: 'held' | 'streamed') => parts.map(part => part.replicas[side])
  const slotCounts = {
    [held]: slotCountsOf(blocks[held], counts[held], replicas('held')),
    [streamed]: slotCountsOf(blocks[streamed], counts[streamed], replicas('streamed')),
  } as Record<'users' | 'items', Uint32Array<ArrayBuffer>>
  return {
    shape,
    held,
    users: blocks.users,
    items: blocks.items,
    userSlotCounts: slotCounts.users,
    itemSlotCounts: slotCounts.items,
    ...tileTable(shape, tileStart),
    efficiency: efficiencyOf(shape, tileStart),
    runLength: entries.length / parts.reduce((sum, { runs }) => sum + runs, 0),
  }
}

export const partOf = ({ blocks, entries, tileStart }: TilePart, shape: TileShape): StratumEntries => ({
  entries,
  stratumStart: stratumStarts(tileStart, shape.strata, tilesOf(shape, blocks)),
})

/** Tiles of a stratum in some held blocks. */
const tilesOf = (shape: TileShape, [first, end]: TilePart['blocks']): number => (end - first) * gridOf(shape).subStrata

/** First entry of each tile among all, and the end. */
function joinStarts(shape: TileShape, parts: readonly TilePart[]): Uint32Array {
  if (parts.length === 1) return parts[0]!.tileStart
  const start = new Uint32Array(shape.strata * tilesPerStratum(gridOf(shape), shape.slices) + 1)
  let tile = 0
  for (let stratum = 0; stratum < shape.strata; stratum++) {
    for (const { blocks, tileStart } of parts) {
      const tiles = tilesOf(shape, blocks)
      const end = (stratum + 1) * tiles
      for (let own = stratum * tiles; own < end; own++, tile++) {
        start[tile + 1] = start[tile]! + tileStart[own + 1]! - tileStart[own]!
      }
    }
  }
  return start
}

const stratumStarts = (tileStart: Uint32Array, strata: number, tiles: number) =>
  Uint32Array.from({ length: strata + 1 }, (_, stratum) => tileStart[stratum * tiles]!)

function mostSlots({ blockStart }: BlockLayout): number {
  let most = 0
  for (let block = 0; block + 1 < blockStart.length; block++) {
    most = Math.max(most, blockStart[block + 1]! - blockStart[block]!)
  }
  return most
}

/** The tiles' bounds as the kernel reads them. */
function tileTable(shape: TileShape, tileStart: Uint32Array): Pick<TileCut, 'stratumStart' | 'tiles'> {
  const { slices, strata } = shape
  const perStratum = tilesPerStratum(gridOf(shape), slices)
  const stratumStart = stratumStarts(tileStart, strata, perStratum)
  const tiles = new Uint32Array(((tileStart.length - 1) / slices) * (slices + 2))
  for (let row = 0; row * slices + 1 < tileStart.length; row++) {
    const tile = row * slices
    const at = row * (slices + 2)
    const first = stratumStart[Math.floor(tile / perStratum)]!
    let longest = 0
    for (let slice = 0; slice <= slices; slice++) tiles[at + slice] = tileStart[tile + slice]! - first
    for (let slice = 0; slice < slices; slice++) {
      longest = Math.max(longest, tiles[at + slice + 1]! - tiles[at + slice]!)
    }
    tiles[at + slices + 1] = longest
  }
  return { stratumStart, tiles }
}

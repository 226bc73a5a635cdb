import { Random } from '../data/random.ts'
import type { Ratings } from '../data/ratings.ts'
import { type RowCounts, rowCounts } from '../data/row-counts.ts'
import { type BlockLayout, dealBlocks } from './blocks.ts'
import {
  efficiencyOf,
  gridOf,
  type TileFinder,
  type TileGrid,
  type TileShape,
  tileFinder,
  tilesPerStratum,
} from './tile-grid.ts'
import { type Places, placesOf, replicaAt, slotCountsOf } from './tile-places.ts'
import { type PlaceBits, placeBits, sortTiles } from './tile-sort.ts'

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
 * Observed entries as the fused kernel reads them. One side is *held*: a worker keeps its row in registers over a run of
 * entries; the rows of the other, the *streamed* side, come and go with each entry.
 *
 * Slice x of workgroup A always works on held block a = A S + x. In stratum t its streamed block is (a + t) mod T or,
 * nested, in sub-stratum s, S ((A + t) mod T) + (x + s) mod S. With T >= W no two slices that run side by side share a row.
 */
export interface TileLayout {
  shape: TileShape
  held: 'users' | 'items'
  users: BlockLayout
  items: BlockLayout
  /** Entries of each slot of either side. */
  userSlotCounts: Uint32Array<ArrayBuffer>
  itemSlotCounts: Uint32Array<ArrayBuffer>
  /**
   * Two words an entry: the bits of the f32 rating; the place in its held block (high half) and in its streamed block (low
   * half). By stratum, workgroup, sub-stratum and slice; a tile sorted by held place, streamed place, bits of the rating.
   */
  entries: Uint32Array<ArrayBuffer>
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

const stream = { users: 0x74696c65, items: 0x74696c66 } as const

/**
 * Deals rows to blocks and entries to tiles. Linear in the entries; beside what it returns it needs memory for the rows and
 * the largest tile alone. The order of the entries has no bearing on the result.
 */
export function packTiles(ratings: Ratings, shape: TileShape, options: TileOptions): TileLayout {
  const { seed, replicaCap, blockSlots, whole } = options
  const { length } = ratings
  const grid = gridOf(shape)
  const counts = whole?.counts ?? rowCounts(ratings)
  const dealing = planDealing(counts, shape, whole?.entries ?? length, replicaCap)
  const { held, streamed } = dealing
  const blocks = dealRows(counts, dealing, seed, blockSlots)
  const placing = {
    shape,
    grid,
    tileOf: tileFinder(shape, grid),
    bits: placeBits(mostSlots(blocks[held]), mostSlots(blocks[streamed])),
    length,
    held: placesOf(blocks[held], ratings[held], ratings[streamed], seed),
    streamed: placesOf(blocks[streamed], ratings[streamed], ratings[held], seed),
    heldCounts: counts[held],
    streamedCounts: counts[streamed],
  }

  const tileStart = countTiles(placing)
  const { entries, heldSlotCounts, streamedSlotCounts } = placeEntries(placing, ratings.values, tileStart)
  const runs = sortTiles(entries, tileStart, placing.bits)
  return {
    shape,
    held,
    users: blocks.users,
    items: blocks.items,
    userSlotCounts: held === 'users' ? heldSlotCounts : streamedSlotCounts,
    itemSlotCounts: held === 'items' ? heldSlotCounts : streamedSlotCounts,
    entries,
    ...tileTable(shape, tileStart),
    efficiency: efficiencyOf(shape, tileStart),
    runLength: length / runs,
  }
}

type SideName = 'users' | 'items'

/** How the rows of either side are to be dealt. */
export interface Dealing {
  held: SideName
  streamed: SideName
  blocks: Record<SideName, number>
  /** Entries beyond which a row has replicas. */
  caps: Record<SideName, number>
}

/** The side with the longer runs is held. */
export function planDealing(
  counts: Record<SideName, Uint32Array>,
  shape: TileShape,
  entries: number,
  replicaCap = 1,
): Dealing {
  const { heldBlocks, streamedBlocks } = gridOf(shape)
  const held = runsOf(counts.users, streamedBlocks) <= runsOf(counts.items, streamedBlocks) ? 'users' : 'items'
  const streamed = held === 'users' ? 'items' : 'users'
  const own = (side: SideName) => (side === streamed ? streamedBlocks : shape.nested ? heldBlocks : shape.workers)
  const blocks = { users: own('users'), items: own('items') }
  const capOf = (side: SideName) => Math.max(1, (replicaCap * entries) / blocks[side])
  return { held, streamed, blocks, caps: { users: capOf('users'), items: capOf('items') } }
}

/** Deals the rows of either side to their blocks. */
export function dealRows(
  counts: Record<SideName, Uint32Array>,
  dealing: Dealing,
  seed: number,
  blockSlots: number | undefined,
): Record<SideName, BlockLayout> {
  const deal = (side: SideName) => dealSide(side, counts[side], dealing, seed, blockSlots)
  return { users: deal('users'), items: deal('items') }
}

export function dealSide(
  side: SideName,
  counts: Uint32Array,
  { blocks, caps }: Dealing,
  seed: number,
  blockSlots: number | undefined,
): BlockLayout {
  return dealBlocks(counts, blocks[side], caps[side], new Random(seed, stream[side]), blockSlots)
}

/** Expected number of (row, block) pairs that hold an entry, when each entry's block is drawn evenly. */
function runsOf(counts: Uint32Array, blocks: number): number {
  let runs = 0
  for (const count of counts) runs += blocks * (1 - (1 - 1 / blocks) ** count)
  return runs
}

interface Placing {
  shape: TileShape
  grid: TileGrid
  tileOf: TileFinder
  bits: PlaceBits
  length: number
  held: Places
  streamed: Places
  heldCounts: Uint32Array
  streamedCounts: Uint32Array
}

/** First entry of each tile, and the end. */
function countTiles({ grid, shape, tileOf, length, held, streamed }: Placing): Uint32Array {
  // By pair of blocks first, whose number costs an entry no division.
  const { heldBlocks, streamedBlocks } = grid
  const counts = new Uint32Array(heldBlocks * streamedBlocks)
  const { rows: heldRows, ofRow: heldOf, several: severalHeld } = held
  const { rows: streamedRows, ofRow: streamedOf, several: severalStreamed } = streamed
  for (let entry = 0; entry < length; entry++) {
    let heldBlock = heldOf[2 * heldRows[entry]!]!
    let streamedBlock = streamedOf[2 * streamedRows[entry]!]!
    if (heldBlock === severalHeld) heldBlock = held.blockOf[replicaAt(held, entry)]!
    if (streamedBlock === severalStreamed) streamedBlock = streamed.blockOf[replicaAt(streamed, entry)]!
    counts[heldBlock * streamedBlocks + streamedBlock]!++
  }
  const start = new Uint32Array(shape.strata * tilesPerStratum(grid, shape.slices) + 1)
  for (let pair = 0; pair < counts.length; pair++) {
    const tile = tileOf(Math.floor(pair / streamedBlocks), pair % streamedBlocks)
    start[tile + 1] = counts[pair]!
  }
  for (let tile = 0; tile + 1 < start.length; tile++) start[tile + 1]! += start[tile]!
  return start
}

function placeEntries(placing: Placing, values: Float32Array, tileStart: Uint32Array) {
  const { grid, length, held, streamed, tileOf } = placing
  const { heldBlocks, streamedBlocks } = grid
  const entries = new Uint32Array(2 * length)
  const heldSlotCounts = slotCountsOf(held, placing.heldCounts)
  const streamedSlotCounts = slotCountsOf(streamed, placing.streamedCounts)
  const { streamed: streamedBits } = placing.bits
  const ratings = new Uint32Array(values.buffer, values.byteOffset, length)
  const next = new Uint32Array(heldBlocks * streamedBlocks)
  for (let pair = 0; pair < next.length; pair++) {
    next[pair] = tileStart[tileOf(Math.floor(pair / streamedBlocks), pair % streamedBlocks)]!
  }
  const { rows: heldRows, ofRow: heldOf, several: severalHeld } = held
  const { rows: streamedRows, ofRow: streamedOf, several: severalStreamed } = streamed
  for (let entry = 0; entry < length; entry++) {
    const heldAt = 2 * heldRows[entry]!
    let heldBlock = heldOf[heldAt]!
    let heldPlace = heldOf[heldAt + 1]!
    if (heldBlock === severalHeld) {
      const slot = replicaAt(held, entry)
      heldSlotCounts[slot]!++
      heldBlock = held.blockOf[slot]!
      heldPlace = slot - held.blocks.blockStart[heldBlock]!
    }
    const streamedAt = 2 * streamedRows[entry]!
    let streamedBlock = streamedOf[streamedAt]!
    let streamedPlace = streamedOf[streamedAt + 1]!
    if (streamedBlock === severalStreamed) {
      const slot = replicaAt(streamed, entry)
      streamedSlotCounts[slot]!++
      streamedBlock = streamed.blockOf[slot]!
      streamedPlace = slot - streamed.blocks.blockStart[streamedBlock]!
    }
    const place = 2 * next[heldBlock * streamedBlocks + streamedBlock]!++
    entries[place] = ratings[entry]!
    entries[place + 1] = (heldPlace << streamedBits) | streamedPlace
  }
  return { entries, heldSlotCounts, streamedSlotCounts }
}

function mostSlots({ blockStart }: BlockLayout): number {
  let most = 0
  for (let block = 0; block + 1 < blockStart.length; block++) {
    most = Math.max(most, blockStart[block + 1]! - blockStart[block]!)
  }
  return most
}

/** The tiles' bounds as the kernel reads them. */
function tileTable(shape: TileShape, tileStart: Uint32Array): Pick<TileLayout, 'stratumStart' | 'tiles'> {
  const { slices, strata } = shape
  const perStratum = tilesPerStratum(gridOf(shape), slices)
  const stratumStart = Uint32Array.from({ length: strata + 1 }, (_, stratum) => tileStart[stratum * perStratum]!)
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

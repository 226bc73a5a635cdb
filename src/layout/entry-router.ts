import { type BlockRange, gridOf, type TileShape } from './tile-grid.ts'
import { type Places, replicaAt } from './tile-places.ts'
import type { PlaceBits } from './tile-sort.ts'

/** What finds the tile of an entry and its place there. */
export interface Placing {
  shape: TileShape
  bits: PlaceBits
  held: Places
  streamed: Places
}

/** Some of the entries: rows of either side, and the bits of the f32 ratings. */
export interface EntryPiece {
  held: Uint32Array
  streamed: Uint32Array
  ratings: Uint32Array
  length: number
}

/** Entries of a chunk of `RoutedEntries`; a power of two. */
const chunkEntries = 512

/** The entries of a piece in chunks, each of which has entries of one range of held blocks; in one where there is one range. */
export interface RoutedEntries {
  /** Pair of blocks of each entry, held * streamedBlocks + streamed. */
  pairs: Uint32Array
  /** Places in the two blocks, and bits of the rating: of entries that are to be placed. */
  places: Uint32Array
  ratings: Uint32Array
  /** Range of each chunk, and the end of its entries, which begin at a multiple of `chunkEntries`. */
  ranges: Uint32Array
  ends: Uint32Array
  /** One number: how many chunks there are. */
  chunks: Uint32Array
}

/** Entries pass twice: tiles are counted before entries are placed. */
export type PackingPass = 'count' | 'place'

/** Memory for what becomes of a piece of so many entries: each range may leave a chunk unfilled. */
export function routedEntries(
  entries: number,
  ranges: number,
  words: (length: number) => Uint32Array = length => new Uint32Array(length),
): RoutedEntries {
  const chunks = Math.ceil(entries / chunkEntries) + ranges
  const all = () => words(chunks * chunkEntries)
  return { pairs: all(), places: all(), ratings: all(), ranges: words(chunks), ends: words(chunks), chunks: words(1) }
}

/** Finds the tiles of entries, and deals pieces of them to ranges of held blocks. */
export class EntryRouter {
  /** Of the entries that were to be placed, those of each slot of rows with replicas; empty on a side without such rows. */
  readonly replicas: Record<'held' | 'streamed', Uint32Array<ArrayBuffer>>
  readonly #placing: Placing
  readonly #streamedBlocks: number
  /** Range of each held block. */
  readonly #rangeOf: Uint16Array
  /** Where the next entry of each range goes; at a multiple of `chunkEntries` there is no room. */
  readonly #next: Uint32Array

  constructor(placing: Placing, ranges: readonly BlockRange[]) {
    const { heldBlocks, streamedBlocks } = gridOf(placing.shape)
    this.replicas = { held: replicaCounts(placing.held), streamed: replicaCounts(placing.streamed) }
    this.#placing = placing
    this.#streamedBlocks = streamedBlocks
    this.#rangeOf = new Uint16Array(heldBlocks)
    for (const [range, [first, end]] of ranges.entries()) this.#rangeOf.fill(range, first, end)
    this.#next = new Uint32Array(ranges.length)
  }

  route(pass: PackingPass, piece: EntryPiece, to: RoutedEntries): void {
    const { held: heldRows, streamed: streamedRows, ratings, length } = piece
    const { held, streamed, bits } = this.#placing
    const { ofRow: heldOf, several: severalHeld } = held
    const { ofRow: streamedOf, several: severalStreamed } = streamed
    const { held: heldReplicas, streamed: streamedReplicas } = this.replicas
    const { streamed: streamedBits } = bits
    const streamedBlocks = this.#streamedBlocks
    const { pairs: toPairs, places: toPlaces, ratings: toRatings, ranges, ends } = to
    const rangeOf = this.#rangeOf
    const next = this.#next.fill(0)
    const places = pass === 'place'
    const several = next.length > 1
    let chunks = 0
    for (let entry = 0; entry < length; entry++) {
      const heldRow = heldRows[entry]!
      const streamedRow = streamedRows[entry]!
      let heldBlock = heldOf[2 * heldRow]!
      let heldPlace = heldOf[2 * heldRow + 1]!
      if (heldBlock === severalHeld) {
        const slot = replicaAt(held, heldRow, streamedRow)
        if (places) heldReplicas[slot]!++
        heldBlock = held.blockOf[slot]!
        heldPlace = slot - held.blockStart[heldBlock]!
      }
      let streamedBlock = streamedOf[2 * streamedRow]!
      let streamedPlace = streamedOf[2 * streamedRow + 1]!
      if (streamedBlock === severalStreamed) {
        const slot = replicaAt(streamed, streamedRow, heldRow)
        if (places) streamedReplicas[slot]!++
        streamedBlock = streamed.blockOf[slot]!
        streamedPlace = slot - streamed.blockStart[streamedBlock]!
      }
      let at = entry
      if (several) {
        const range = rangeOf[heldBlock]!
        at = next[range]!
        if ((at & (chunkEntries - 1)) === 0) {
          at = chunks * chunkEntries
          ranges[chunks] = range
          ends[chunks++] = at + chunkEntries
        }
        next[range] = at + 1
      }
      toPairs[at] = heldBlock * streamedBlocks + streamedBlock
      if (places) {
        toPlaces[at] = (heldPlace << streamedBits) | streamedPlace
        toRatings[at] = ratings[entry]!
      }
    }
    for (let range = 0; range < next.length; range++) {
      if (next[range]! > 0) ends[Math.ceil(next[range]! / chunkEntries) - 1] = next[range]!
    }
    if (!several) {
      ranges[0] = 0
      ends[0] = length
    }
    to.chunks[0] = several ? chunks : 1
  }
}

/** Calls `take` with the bounds of each chunk of a range. */
export function chunksOf(
  { chunks, ranges, ends }: RoutedEntries,
  range: number,
  take: (first: number, end: number) => void,
): void {
  for (let chunk = 0; chunk < chunks[0]!; chunk++) {
    if (ranges[chunk] === range) take(chunk * chunkEntries, ends[chunk]!)
  }
}

function replicaCounts({ slotStart, slots }: Places): Uint32Array<ArrayBuffer> {
  let replicas = false
  for (let row = 0; row + 1 < slotStart.length && !replicas; row++) replicas = slotStart[row + 1]! - slotStart[row]! > 1
  return new Uint32Array(replicas ? slots.length : 0)
}

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

/** The entries of a piece by the range of held blocks that they belong to, one range after another. */
export interface RoutedEntries {
  /** Pair of blocks of each entry, held * streamedBlocks + streamed. */
  pairs: Uint32Array
  /** Places in the two blocks, and bits of the rating: of entries that are to be placed. */
  places: Uint32Array
  ratings: Uint32Array
  /** First entry of each range, and the end. */
  bounds: Uint32Array
}

/** Entries pass twice: tiles are counted before entries are placed. */
export type PackingPass = 'count' | 'place'

/** Memory for what becomes of a piece of so many entries. */
export const routedEntries = (
  entries: number,
  ranges: number,
  words: (length: number) => Uint32Array = length => new Uint32Array(length),
): RoutedEntries => ({
  pairs: words(entries),
  places: words(entries),
  ratings: words(entries),
  bounds: words(ranges + 1),
})

/** What is known of each entry of a piece before it is dealt. */
interface Found {
  pairs: Uint32Array
  places: Uint32Array
  ranges: Uint16Array
}

/** Finds the tiles of entries, and deals pieces of them to ranges of held blocks. */
export class EntryRouter {
  /** Of the entries that were to be placed, those of each slot of rows with replicas; empty on a side without such rows. */
  readonly replicas: Record<'held' | 'streamed', Uint32Array<ArrayBuffer>>
  readonly #placing: Placing
  readonly #streamedBlocks: number
  /** Range of each held block. */
  readonly #rangeOf: Uint16Array
  readonly #next: Uint32Array
  /** Of each entry of the piece at hand, in its order; nothing where there is one range. */
  readonly #found: Found

  /** @param pieceEntries of a piece at most */
  constructor(placing: Placing, ranges: readonly BlockRange[], pieceEntries: number) {
    const { heldBlocks, streamedBlocks } = gridOf(placing.shape)
    this.replicas = { held: replicaCounts(placing.held), streamed: replicaCounts(placing.streamed) }
    this.#placing = placing
    this.#streamedBlocks = streamedBlocks
    this.#rangeOf = new Uint16Array(heldBlocks)
    for (const [range, [first, end]] of ranges.entries()) this.#rangeOf.fill(range, first, end)
    this.#next = new Uint32Array(ranges.length)
    const length = ranges.length === 1 ? 0 : pieceEntries
    this.#found = {
      pairs: new Uint32Array(length),
      places: new Uint32Array(length),
      ranges: new Uint16Array(length),
    }
  }

  route(pass: PackingPass, piece: EntryPiece, to: RoutedEntries): void {
    const next = this.#next
    if (next.length === 1) {
      this.#find(pass, piece, to)
      if (pass === 'place') to.ratings.set(piece.ratings.subarray(0, piece.length))
      to.bounds[1] = piece.length
      return
    }
    next.fill(0)
    this.#find(pass, piece, this.#found)
    let first = 0
    for (let range = 0; range < next.length; range++) {
      const count = next[range]!
      to.bounds[range] = first
      next[range] = first
      first += count
    }
    to.bounds[next.length] = first
    if (pass === 'count') this.#dealPairs(piece, to)
    else this.#dealAll(piece, to)
  }

  /** Where there are several ranges, leaves the number of entries of each in `#next`. */
  #find(pass: PackingPass, piece: EntryPiece, found: Pick<Found, 'pairs' | 'places'>): void {
    const { held: heldRows, streamed: streamedRows, length } = piece
    const { held, streamed, bits } = this.#placing
    const { ofRow: heldOf, several: severalHeld } = held
    const { ofRow: streamedOf, several: severalStreamed } = streamed
    const { held: heldReplicas, streamed: streamedReplicas } = this.replicas
    const { streamed: streamedBits } = bits
    const streamedBlocks = this.#streamedBlocks
    const placed = Number(pass === 'place')
    const { pairs, places } = found
    const { ranges } = this.#found
    const rangeOf = this.#rangeOf
    const next = this.#next
    const several = next.length > 1
    for (let entry = 0; entry < length; entry++) {
      const heldRow = heldRows[entry]!
      const streamedRow = streamedRows[entry]!
      let heldBlock = heldOf[2 * heldRow]!
      let heldPlace = heldOf[2 * heldRow + 1]!
      if (heldBlock === severalHeld) {
        const slot = replicaAt(held, heldRow, streamedRow)
        heldReplicas[slot]! += placed
        heldBlock = held.blockOf[slot]!
        heldPlace = slot - held.blockStart[heldBlock]!
      }
      let streamedBlock = streamedOf[2 * streamedRow]!
      let streamedPlace = streamedOf[2 * streamedRow + 1]!
      if (streamedBlock === severalStreamed) {
        const slot = replicaAt(streamed, streamedRow, heldRow)
        streamedReplicas[slot]! += placed
        streamedBlock = streamed.blockOf[slot]!
        streamedPlace = slot - streamed.blockStart[streamedBlock]!
      }
      pairs[entry] = heldBlock * streamedBlocks + streamedBlock
      places[entry] = (heldPlace << streamedBits) | streamedPlace
      if (several) {
        const range = rangeOf[heldBlock]!
        ranges[entry] = range
        next[range]!++
      }
    }
  }

  #dealPairs({ length }: EntryPiece, to: RoutedEntries): void {
    const { pairs, ranges } = this.#found
    const { pairs: toPairs } = to
    const next = this.#next
    for (let entry = 0; entry < length; entry++) toPairs[next[ranges[entry]!]!++] = pairs[entry]!
  }

  #dealAll({ ratings, length }: EntryPiece, to: RoutedEntries): void {
    const { pairs, places, ranges } = this.#found
    const { pairs: toPairs, places: toPlaces, ratings: toRatings } = to
    const next = this.#next
    for (let entry = 0; entry < length; entry++) {
      const at = next[ranges[entry]!]!++
      toPairs[at] = pairs[entry]!
      toPlaces[at] = places[entry]!
      toRatings[at] = ratings[entry]!
    }
  }
}

function replicaCounts({ slotStart, slots }: Places): Uint32Array<ArrayBuffer> {
  let replicas = false
  for (let row = 0; row + 1 < slotStart.length && !replicas; row++) replicas = slotStart[row + 1]! - slotStart[row]! > 1
  return new Uint32Array(replicas ? slots.length : 0)
}

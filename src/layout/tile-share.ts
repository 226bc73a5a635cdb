import { type BlockRange, gridOf, pairsOf, type TileShape } from './tile-grid.ts'
import { type Places, replicaAt } from './tile-places.ts'
import { type PlaceBits, sortTiles } from './tile-sort.ts'

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

/** The tiles of some held blocks. */
export interface TilePart {
  blocks: BlockRange
  /** Two words an entry, as in `TileLayout`, of these tiles alone, in the order of tiles. */
  entries: Uint32Array<ArrayBuffer>
  /** First entry of each of these tiles, and the end. */
  tileStart: Uint32Array<ArrayBuffer>
  /** Runs of entries of one held row. */
  runs: number
  /** Of these entries, those of each slot of rows with replicas, zero for the others; empty on a side that has none. */
  replicas: Record<'held' | 'streamed', Uint32Array<ArrayBuffer>>
}

/** Entries among which those of a share are listed before they are looked at: the list stays in the first cache. */
const listedEntries = 4096

/**
 * Packs the tiles of some held blocks, whose entries it finds among all: shown each piece of them twice, to count and to
 * place. Shares have nothing in common but what they read.
 */
export class TileShare {
  readonly #placing: Placing
  readonly #blocks: BlockRange
  readonly #replicas: TilePart['replicas']
  readonly #streamedBlocks: number
  /** 1 for each held row with slots in the share; empty where it has all blocks. */
  readonly #isOwn: Uint8Array
  /** Entries of a stretch that have such rows. */
  readonly #list: Uint32Array
  /** Of each pair of blocks, first how many entries it has, then where the next one goes. */
  #next: Uint32Array
  #part: Pick<TilePart, 'entries' | 'tileStart'> | undefined

  /** @param blocks of whole workgroups, where tiles are nested */
  constructor(placing: Placing, blocks: BlockRange) {
    const { heldBlocks, streamedBlocks } = gridOf(placing.shape)
    const [first, end] = blocks
    const all = end - first === heldBlocks
    this.#placing = placing
    this.#blocks = blocks
    this.#replicas = { held: replicaCounts(placing.held), streamed: replicaCounts(placing.streamed) }
    this.#streamedBlocks = streamedBlocks
    this.#isOwn = all ? new Uint8Array(0) : rowsOf(placing.held, blocks)
    this.#list = new Uint32Array(all ? 0 : listedEntries)
    this.#next = new Uint32Array((end - first) * streamedBlocks)
  }

  count(piece: EntryPiece): void {
    const { held, streamed } = this.#placing
    const { held: heldRows, streamed: streamedRows, length } = piece
    const { ofRow: heldOf, several: severalHeld } = held
    const { ofRow: streamedOf, several: severalStreamed } = streamed
    const streamedBlocks = this.#streamedBlocks
    const [firstBlock, endBlock] = this.#blocks
    const firstPair = firstBlock * streamedBlocks
    const counts = this.#next
    const list = this.#list
    const all = list.length === 0
    const stretch = all ? length : list.length
    for (let first = 0; first < length; first += stretch) {
      const own = all ? length : this.#choose(piece, first, Math.min(length, first + stretch))
      for (let at = 0; at < own; at++) {
        const entry = all ? at : list[at]!
        const heldRow = heldRows[entry]!
        const streamedRow = streamedRows[entry]!
        let heldBlock = heldOf[2 * heldRow]!
        let streamedBlock = streamedOf[2 * streamedRow]!
        if (heldBlock === severalHeld) {
          heldBlock = held.blockOf[replicaAt(held, heldRow, streamedRow)]!
          if (heldBlock < firstBlock || heldBlock >= endBlock) continue
        }
        if (streamedBlock === severalStreamed) {
          streamedBlock = streamed.blockOf[replicaAt(streamed, streamedRow, heldRow)]!
        }
        counts[heldBlock * streamedBlocks + streamedBlock - firstPair]!++
      }
    }
  }

  place(piece: EntryPiece): void {
    const { held, streamed, bits } = this.#placing
    const { held: heldRows, streamed: streamedRows, ratings, length } = piece
    const { ofRow: heldOf, several: severalHeld } = held
    const { ofRow: streamedOf, several: severalStreamed } = streamed
    const { held: heldReplicas, streamed: streamedReplicas } = this.#replicas
    const { streamed: streamedBits } = bits
    const streamedBlocks = this.#streamedBlocks
    const [firstBlock, endBlock] = this.#blocks
    const firstPair = firstBlock * streamedBlocks
    this.#part ??= this.#begin()
    const { entries } = this.#part
    const next = this.#next
    const list = this.#list
    const all = list.length === 0
    const stretch = all ? length : list.length
    for (let first = 0; first < length; first += stretch) {
      const own = all ? length : this.#choose(piece, first, Math.min(length, first + stretch))
      for (let at = 0; at < own; at++) {
        const entry = all ? at : list[at]!
        const heldRow = heldRows[entry]!
        const streamedRow = streamedRows[entry]!
        let heldBlock = heldOf[2 * heldRow]!
        let heldPlace = heldOf[2 * heldRow + 1]!
        if (heldBlock === severalHeld) {
          const slot = replicaAt(held, heldRow, streamedRow)
          heldBlock = held.blockOf[slot]!
          if (heldBlock < firstBlock || heldBlock >= endBlock) continue
          heldReplicas[slot]!++
          heldPlace = slot - held.blockStart[heldBlock]!
        }
        let streamedBlock = streamedOf[2 * streamedRow]!
        let streamedPlace = streamedOf[2 * streamedRow + 1]!
        if (streamedBlock === severalStreamed) {
          const slot = replicaAt(streamed, streamedRow, heldRow)
          streamedReplicas[slot]!++
          streamedBlock = streamed.blockOf[slot]!
          streamedPlace = slot - streamed.blockStart[streamedBlock]!
        }
        const place = 2 * next[heldBlock * streamedBlocks + streamedBlock - firstPair]!++
        entries[place] = ratings[entry]!
        entries[place + 1] = (heldPlace << streamedBits) | streamedPlace
      }
    }
  }

  /** Sorts the tiles; the share has nothing left then. */
  finish(): TilePart {
    const { entries, tileStart } = this.#part ?? this.#begin()
    this.#part = undefined
    this.#next = new Uint32Array(0)
    const runs = sortTiles(entries, tileStart, this.#placing.bits)
    return { blocks: this.#blocks, entries, tileStart, runs, replicas: this.#replicas }
  }

  /** Lists those of the entries `first` to `end - 1` whose held rows have slots in the share. Without a branch, which would be missed often. */
  #choose({ held: heldRows }: EntryPiece, first: number, end: number): number {
    const list = this.#list
    const isOwn = this.#isOwn
    let own = 0
    for (let entry = first; entry < end; entry++) {
      list[own] = entry
      own += isOwn[heldRows[entry]!]!
    }
    return own
  }

  #begin(): Pick<TilePart, 'entries' | 'tileStart'> {
    const firstPair = this.#blocks[0] * this.#streamedBlocks
    const pairs = pairsOf(this.#placing.shape, this.#blocks)
    const tileStart = new Uint32Array(pairs.length + 1)
    const next = this.#next
    let total = 0
    for (let tile = 0; tile < pairs.length; tile++) {
      const pair = pairs[tile]! - firstPair
      const count = next[pair]!
      next[pair] = total
      total += count
      tileStart[tile + 1] = total
    }
    return { entries: new Uint32Array(2 * total), tileStart }
  }
}

/** 1 for each row with slots in some blocks. */
function rowsOf({ slotStart, slots, blockOf }: Places, [first, end]: BlockRange): Uint8Array {
  const rows = new Uint8Array(slotStart.length - 1)
  for (let row = 0; row < rows.length; row++) {
    for (let place = slotStart[row]!; place < slotStart[row + 1]!; place++) {
      const block = blockOf[slots[place]!]!
      if (block >= first && block < end) rows[row] = 1
    }
  }
  return rows
}

function replicaCounts({ slotStart, slots }: Places): Uint32Array<ArrayBuffer> {
  let replicas = false
  for (let row = 0; row + 1 < slotStart.length && !replicas; row++) replicas = slotStart[row + 1]! - slotStart[row]! > 1
  return new Uint32Array(replicas ? slots.length : 0)
}

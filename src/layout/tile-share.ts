import type { RoutedEntries } from './entry-router.ts'
import { type BlockRange, gridOf, pairsOf, type TileShape } from './tile-grid.ts'
import { type PlaceBits, sortTiles } from './tile-sort.ts'

/** The tiles of some held blocks. */
export interface SharedTiles {
  blocks: BlockRange
  /** Two words an entry, as in `TileLayout`, of these tiles alone, in the order of tiles. */
  entries: Uint32Array<ArrayBuffer>
  /** First entry of each of these tiles, and the end. */
  tileStart: Uint32Array<ArrayBuffer>
  /** Runs of entries of one held row. */
  runs: number
}

/** Packs the tiles of some held blocks: all of their entries are to be counted first, then placed. */
export class TileShare {
  readonly #shape: TileShape
  readonly #bits: PlaceBits
  readonly #blocks: BlockRange
  readonly #firstPair: number
  /** Of each pair of blocks, first how many entries it has, then where the next one goes. */
  #next: Uint32Array
  #part: Pick<SharedTiles, 'entries' | 'tileStart'> | undefined

  /** @param blocks of whole workgroups, where tiles are nested */
  constructor(shape: TileShape, bits: PlaceBits, blocks: BlockRange) {
    const { streamedBlocks } = gridOf(shape)
    const [first, end] = blocks
    this.#shape = shape
    this.#bits = bits
    this.#blocks = blocks
    this.#firstPair = first * streamedBlocks
    this.#next = new Uint32Array((end - first) * streamedBlocks)
  }

  /** Counts entries `first` to `end - 1`. */
  count({ pairs }: RoutedEntries, first: number, end: number): void {
    const counts = this.#next
    const firstPair = this.#firstPair
    for (let entry = first; entry < end; entry++) counts[pairs[entry]! - firstPair]!++
  }

  /** Places entries `first` to `end - 1`. */
  place({ pairs, places, ratings }: RoutedEntries, first: number, end: number): void {
    this.#part ??= this.#begin()
    const { entries } = this.#part
    const next = this.#next
    const firstPair = this.#firstPair
    for (let entry = first; entry < end; entry++) {
      const at = 2 * next[pairs[entry]! - firstPair]!++
      entries[at] = ratings[entry]!
      entries[at + 1] = places[entry]!
    }
  }

  /** Sorts the tiles; the share has nothing left then. */
  finish(): SharedTiles {
    const { entries, tileStart } = this.#part ?? this.#begin()
    this.#part = undefined
    this.#next = new Uint32Array(0)
    const runs = sortTiles(entries, tileStart, this.#bits)
    return { blocks: this.#blocks, entries, tileStart, runs }
  }

  #begin(): Pick<SharedTiles, 'entries' | 'tileStart'> {
    const pairs = pairsOf(this.#shape, this.#blocks)
    const tileStart = new Uint32Array(pairs.length + 1)
    const next = this.#next
    let total = 0
    for (let tile = 0; tile < pairs.length; tile++) {
      const pair = pairs[tile]! - this.#firstPair
      const count = next[pair]!
      next[pair] = total
      total += count
      tileStart[tile + 1] = total
    }
    return { entries: new Uint32Array(2 * total), tileStart }
  }
}

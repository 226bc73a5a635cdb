import {
  chunksOf,
  type EntryPiece,
  EntryRouter,
  type PackingPass,
  type Placing,
  type RoutedEntries,
  routedEntries,
} from './entry-router.ts'
import { type BlockRange, gridOf } from './tile-grid.ts'
import { type SharedTiles, TileShare } from './tile-share.ts'

/** The tiles of some held blocks, and what else came of packing them. */
export interface TilePart extends SharedTiles {
  /** Of the entries that the packer found the tiles of, those of each slot of rows with replicas; empty on a side that has none. */
  replicas: EntryRouter['replicas']
}

/** Memory for a piece of the entries, and for what becomes of it. */
export interface PackingSlot {
  piece: Omit<EntryPiece, 'length'>
  routed: RoutedEntries
}

export interface PackerInput {
  placing: Placing
  /** All held blocks, a range for each packer. */
  ranges: readonly BlockRange[]
  /** Which packer this is. */
  own: number
  /** Rounds that take turns, each with a slot for each packer that finds tiles: all but the first, or all. */
  rounds: readonly (readonly PackingSlot[])[]
}

/**
 * One of the packers that pack all tiles together. In a round each finds the tiles of the entries of a piece of its own, and
 * deals them to the ranges; then each takes those of its range from all pieces. Each entry passes twice.
 */
export class TilePacker {
  readonly #rounds: PackerInput['rounds']
  readonly #own: number
  readonly #slot: number
  readonly #router: EntryRouter | undefined
  readonly #share: TileShare

  constructor({ placing, ranges, own, rounds }: PackerInput) {
    this.#rounds = rounds
    this.#own = own
    this.#slot = own - (ranges.length - rounds[0]!.length)
    const slot = rounds[0]![this.#slot]
    this.#router = slot && new EntryRouter(placing, ranges)
    this.#share = new TileShare(placing.shape, placing.bits, ranges[own]!)
  }

  /** @param lengths entries of each piece */
  route(pass: PackingPass, round: number, lengths: readonly number[]): void {
    const slot = this.#rounds[round]![this.#slot]
    if (slot) this.#router!.route(pass, { ...slot.piece, length: lengths[this.#slot]! }, slot.routed)
  }

  /** Once all packers have routed the round. */
  take(pass: PackingPass, round: number): void {
    for (const { routed } of this.#rounds[round]!) {
      chunksOf(routed, this.#own, (first, end) => this.#share[pass](routed, first, end))
    }
  }

  finish(): TilePart {
    const { replicas } = this.#router ?? { replicas: { held: new Uint32Array(0), streamed: new Uint32Array(0) } }
    return { ...this.#share.finish(), replicas }
  }
}

/** Entries of a piece of which one packer alone keeps what it finds in the first cache. */
const aloneEntries = 2048

/** All tiles, by one packer, which reads the entries where they are. */
export function packAlone(placing: Placing, entries: EntryPiece): TilePart {
  const blocks: BlockRange = [0, gridOf(placing.shape).heldBlocks]
  const router = new EntryRouter(placing, [blocks])
  const share = new TileShare(placing.shape, placing.bits, blocks)
  const routed = routedEntries(aloneEntries, 1)
  for (const pass of ['count', 'place'] as const) {
    for (let first = 0; first < entries.length; first += aloneEntries) {
      const piece = pieceOf(entries, first, Math.min(aloneEntries, entries.length - first))
      router.route(pass, piece, routed)
      share[pass](routed, 0, piece.length)
    }
  }
  return { ...share.finish(), replicas: router.replicas }
}

function pieceOf({ held, streamed, ratings }: EntryPiece, first: number, length: number): EntryPiece {
  const cut = (column: Uint32Array) => column.subarray(first, first + length)
  return { held: cut(held), streamed: cut(streamed), ratings: cut(ratings), length }
}

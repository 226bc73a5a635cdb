import { type BlockRange, gridOf } from './tile-grid.ts'
import { type EntryPiece, type Placing, type ReplicaCounts, type TilePart, TileShare } from './tile-share.ts'

/** What a thread packed. */
export interface PackedBlocks {
  /** By held block. */
  parts: readonly TilePart[]
  replicas: ReplicaCounts
}

/** Pairs of blocks of a share: where each of them has its own line of the cache that is written next, they fit the second one. */
const sharePairs = 2 ** 17

/** Packs the tiles of some held blocks, share by share. */
export class TilePacker {
  readonly #shares: readonly TileShare[]
  readonly #replicas: ReplicaCounts

  /** @param pairs of blocks of a share at most */
  constructor(placing: Placing, blocks: BlockRange, pairs: number = sharePairs) {
    const { streamedBlocks } = gridOf(placing.shape)
    const shares = Math.ceil(((blocks[1] - blocks[0]) * streamedBlocks) / pairs)
    const replicas = { held: replicaCounts(placing.held), streamed: replicaCounts(placing.streamed) }
    this.#replicas = replicas
    this.#shares = cutHeldBlocks(placing, blocks, shares).map(own => new TileShare(placing, own, replicas))
  }

  count(piece: EntryPiece): void {
    for (const share of this.#shares) share.count(piece)
  }

  place(piece: EntryPiece): void {
    for (const share of this.#shares) share.place(piece)
  }

  finish(): PackedBlocks {
    return { parts: this.#shares.map(share => share.finish()), replicas: this.#replicas }
  }
}

/** Held blocks in `count` ranges of about as many, or fewer where there are not so many; they have about as many entries each. */
export function cutHeldBlocks(
  { shape }: Pick<Placing, 'shape'>,
  [first, end]: BlockRange,
  count: number,
): BlockRange[] {
  const { subStrata } = gridOf(shape)
  const units = (end - first) / subStrata
  const ranges = Math.max(1, Math.min(count, units))
  const bound = (range: number) => first + subStrata * Math.floor((range * units) / ranges)
  return Array.from({ length: ranges }, (_, range) => [bound(range), bound(range + 1)] as const)
}

function replicaCounts({ slotStart, slots }: Placing['held']): Uint32Array<ArrayBuffer> {
  let replicas = false
  for (let row = 0; row + 1 < slotStart.length && !replicas; row++) replicas = slotStart[row + 1]! - slotStart[row]! > 1
  return new Uint32Array(replicas ? slots.length : 0)
}

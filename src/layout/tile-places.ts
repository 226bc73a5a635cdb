import type { BlockLayout } from './blocks.ts'

/** One side of the entries, with all that finds an entry's slot. */
export interface Places {
  rows: Uint32Array
  others: Uint32Array
  seed: number
  blocks: BlockLayout
  /**
   * Block and place in it of each row that has one slot, side by side, so that an entry costs one cache miss a side; `several`
   * as the block of a row with replicas. In 16 bits where they hold the blocks: tables of many rows do not fit the caches.
   */
  ofRow: Uint16Array | Uint32Array
  several: number
  blockOf: Uint32Array
}

export function placesOf(blocks: BlockLayout, rows: Uint32Array, others: Uint32Array, seed: number): Places {
  const { blockStart, rowOf, slotStart, slots } = blocks
  const blockOf = new Uint32Array(rowOf.length)
  for (let block = 0; block + 1 < blockStart.length; block++) {
    blockOf.fill(block, blockStart[block]!, blockStart[block + 1]!)
  }
  const words = 2 * (slotStart.length - 1)
  const ofRow = blockStart.length <= 0xffff ? new Uint16Array(words) : new Uint32Array(words)
  const several = 2 ** (8 * ofRow.BYTES_PER_ELEMENT) - 1
  for (let row = 0; 2 * row < ofRow.length; row++) {
    const first = slotStart[row]!
    const slot = slots[first]!
    ofRow[2 * row] = slotStart[row + 1]! - first > 1 ? several : blockOf[slot]!
    ofRow[2 * row + 1] = slot - blockStart[blockOf[slot]!]!
  }
  return { rows, others, seed, blocks, ofRow, several, blockOf }
}

/** The slot of an entry whose row has replicas: the one that a hash of row and other row chooses. */
export function replicaAt({ rows, others, seed, blocks }: Places, entry: number): number {
  const row = rows[entry]!
  const first = blocks.slotStart[row]!
  const replicas = blocks.slotStart[row + 1]! - first
  return blocks.slots[first + (mix(mix(row ^ seed) ^ others[entry]!) % replicas)]!
}

/** Entries of each slot of rows without replicas; those of the others are counted as they are placed. */
export function slotCountsOf(
  { blocks: { rowOf }, ofRow, several }: Places,
  counts: Uint32Array,
): Uint32Array<ArrayBuffer> {
  const ofSlot = new Uint32Array(rowOf.length)
  for (let slot = 0; slot < ofSlot.length; slot++) {
    const row = rowOf[slot]!
    if (ofRow[2 * row] !== several) ofSlot[slot] = counts[row]!
  }
  return ofSlot
}

/** A bijection of 32-bit words that leaves no pattern (Wellons' lowbias32). */
function mix(word: number): number {
  let x = word >>> 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0xd35a2d97)
  return (x ^ (x >>> 15)) >>> 0
}

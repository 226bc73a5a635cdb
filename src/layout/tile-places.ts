import type { BlockLayout } from './blocks.ts'

/** What finds the slot of an entry on one side. */
export interface Places extends Readonly<Record<'blockStart' | 'slotStart' | 'slots', Uint32Array>> {
  seed: number
  /**
   * Block and place in it of each row that has one slot, side by side, so that an entry costs one cache miss a side; `several`
   * as the block of a row with replicas. In 16 bits where they hold the blocks: tables of many rows do not fit the caches.
   */
  ofRow: Uint16Array | Uint32Array
  several: number
  blockOf: Uint32Array
}

export function placesOf({ blockStart, rowOf, slotStart, slots }: BlockLayout, seed: number): Places {
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
  return { blockStart, slotStart, slots, seed, ofRow, several, blockOf }
}

/** The slot of an entry whose row has replicas: the one that a hash of row and other row chooses. */
export function replicaAt({ slotStart, slots, seed }: Places, row: number, other: number): number {
  const first = slotStart[row]!
  // A word, so that V8 divides words.
  const replicas = (slotStart[row + 1]! - first) >>> 0
  return slots[first + (mix(mix(row ^ seed) ^ other) % replicas)]!
}

/**
 * Entries of each slot: of a row that has one, those of the row.
 * @param replicas entries of each slot of the other rows, by whoever placed them
 */
export function slotCountsOf(
  { rowOf, slotStart }: BlockLayout,
  counts: Uint32Array,
  replicas: readonly Uint32Array[],
): Uint32Array<ArrayBuffer> {
  const ofSlot = new Uint32Array(rowOf.length)
  for (let slot = 0; slot < ofSlot.length; slot++) {
    const row = rowOf[slot]!
    if (slotStart[row + 1]! - slotStart[row]! === 1) ofSlot[slot] = counts[row]!
  }
  for (const own of replicas) for (let slot = 0; slot < own.length; slot++) ofSlot[slot]! += own[slot]!
  return ofSlot
}

/** A bijection of 32-bit words that leaves no pattern (Wellons' lowbias32). */
function mix(word: number): number {
  let x = word >>> 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0xd35a2d97)
  return (x ^ (x >>> 15)) >>> 0
}

import type { Random } from '../data/random.ts'
import { occupiedRows } from './rows.ts'

/** Slots of a block at most, unless fewer are asked for, so that a place in a block is a 16-bit number. */
export const maxBlockSlots = 65536

/**
 * Rows (users or items) dealt to blocks. A row takes a *slot* in one block; a heavy row takes several, its replicas, each
 * in a block of its own. A row without entries takes none. Slots are numbered block by block.
 */
export interface BlockLayout {
  /** First slot of each block, and the end: blocks + 1. */
  blockStart: Uint32Array<ArrayBuffer>
  /** Row of each slot. */
  rowOf: Uint32Array<ArrayBuffer>
  /** First place of each row in `slots`, and the end: rows + 1. */
  slotStart: Uint32Array<ArrayBuffer>
  /** Slots of each row, one row after another. */
  slots: Uint32Array<ArrayBuffer>
}

/** Slots that a row of `count` entries takes. */
export const replicasOf = (count: number, blocks: number, cap: number): number =>
  Math.min(blocks, count, Math.max(1, Math.ceil(count / cap)))

/**
 * Deals rows to `blocks` blocks of about equal entries: heaviest first, each to the block that is lightest so far
 * (Graham's LPT rule), among equals in an order drawn from the seed. A row with more than `cap` entries is split into as
 * few replicas as bring each below it, at most one a block.
 *
 * O(rows + slots * log blocks) time.
 */
export function dealBlocks(
  counts: Uint32Array,
  blocks: number,
  cap: number,
  random: Random,
  blockSlots: number = maxBlockSlots,
): BlockLayout {
  const replicas = (row: number) => replicasOf(counts[row]!, blocks, cap)
  const slotStart = new Uint32Array(counts.length + 1)
  for (let row = 0; row < counts.length; row++) slotStart[row + 1] = slotStart[row]! + replicas(row)
  const total = slotStart[counts.length]!

  const loads = new LightestBlocks(blocks, blockSlots)
  const blockOf = new Uint32Array(total)
  const order = heaviestFirst(counts, replicas, random)
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!
    const start = slotStart[row]!
    const end = slotStart[row + 1]!
    loads.deal(blockOf, start, end, counts[row]! / (end - start))
  }

  const blockStart = new Uint32Array(blocks + 1)
  for (let place = 0; place < total; place++) blockStart[blockOf[place]! + 1]!++
  for (let block = 0; block < blocks; block++) blockStart[block + 1]! += blockStart[block]!
  const next = blockStart.slice()
  const rowOf = new Uint32Array(total)
  const slots = new Uint32Array(total)
  for (let row = 0; row < counts.length; row++) {
    for (let place = slotStart[row]!; place < slotStart[row + 1]!; place++) {
      const slot = next[blockOf[place]!]!++
      slots[place] = slot
      rowOf[slot] = row
    }
  }
  return { blockStart, rowOf, slotStart, slots }
}

/** Rows with entries, by descending load of a replica; equals in a random order. */
function heaviestFirst(counts: Uint32Array, replicas: (row: number) => number, random: Random): Uint32Array {
  // Drawn among the rows with entries, so that empty ones have no bearing on the others.
  const order = new Uint32Array(occupiedRows(counts))
  // Loads of whole rows are integers below the cap: a stable counting sort; those of replicas lie between them.
  const loads = new Uint32Array(counts.length)
  let most = 0
  let at = 0
  for (let row = 0; row < counts.length; row++) {
    if (counts[row] === 0) continue
    order[at++] = row
    loads[row] = counts[row]! / replicas(row)
    most = Math.max(most, loads[row]!)
  }
  random.shuffle(order)
  const start = new Uint32Array(most + 2)
  for (at = 0; at < order.length; at++) start[most - loads[order[at]!]! + 1]!++
  for (let bucket = 1; bucket < start.length; bucket++) start[bucket]! += start[bucket - 1]!
  const sorted = new Uint32Array(order.length)
  for (at = 0; at < order.length; at++) sorted[start[most - loads[order[at]!]!]!++] = order[at]!
  return sorted
}

/** A binary heap of blocks, the lightest at the top. */
class LightestBlocks {
  readonly #heap: Uint32Array
  readonly #load: Float64Array
  readonly #slots: Uint32Array
  readonly #blockSlots: number
  #size: number

  constructor(blocks: number, blockSlots: number) {
    this.#blockSlots = blockSlots
    this.#heap = Uint32Array.from({ length: blocks }, (_, block) => block)
    this.#load = new Float64Array(blocks)
    this.#slots = new Uint32Array(blocks)
    this.#size = blocks
  }

  /** Chooses the lightest blocks, all different, for the places `start` to `end - 1` of `blockOf`, and puts `load` on each. */
  deal(blockOf: Uint32Array, start: number, end: number, load: number): void {
    for (let place = start; place < end; place++) blockOf[place] = this.#pop()
    for (let place = start; place < end; place++) {
      const block = blockOf[place]!
      this.#load[block]! += load
      this.#slots[block]!++
      // A full block takes no more.
      if (this.#slots[block]! < this.#blockSlots) this.#push(block)
    }
  }

  #lighter(one: number, other: number): boolean {
    const difference = this.#load[one]! - this.#load[other]!
    return difference < 0 || (difference === 0 && one < other)
  }

  #pop(): number {
    const heap = this.#heap
    const top = heap[0]!
    const moved = heap[--this.#size]!
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.#lighter(heap[child + 1]!, heap[child]!)) child++
      if (!this.#lighter(heap[child]!, moved)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = moved
    return top
  }

  #push(block: number): void {
    const heap = this.#heap
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#lighter(block, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = block
  }
}

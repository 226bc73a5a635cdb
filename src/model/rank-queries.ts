import type { SeenItems } from '../data/seen.ts'
import { InputError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import { queryStruct } from '../kernels/structs.ts'

/** Masked items in a block at most: 32 MiB of them, unless a single user has more. */
const maxMasked = 8 * 2 ** 20

/** Masked items in a block at most that fit a buffer of the device. */
export const mostMasked = (buffers: Pick<BufferOwner, 'mostRows'>): number =>
  Math.min(maxMasked, buffers.mostRows('masked items', 4))

/** Items that queries are not ranked against. */
export interface Mask extends SeenItems {
  /** What the items are to the users, for errors. */
  what: string
  /** The row of `offsets` of the query at a place. */
  rowOf(place: number): number
}

/** Queries `start` to `end - 1` of those asked for, which have no more than `masked` masked items together. */
export interface QueryBlock {
  start: number
  end: number
  masked: number
}

/** A block of queries as `lib/rank_tile.wgsl` reads it. */
export interface PackedQueries {
  /** A `Query` each. */
  queries: Uint32Array<ArrayBuffer>
  /** Each item once, ascending in a query's slice. */
  masked: Uint32Array<ArrayBuffer>
}

/** `count` queries in blocks of `most`, fewer where they have too many masked items. */
export function cutQueries(
  count: number,
  most: number,
  masks: readonly Mask[],
  mostMasked: number = maxMasked,
): QueryBlock[] {
  const blocks: QueryBlock[] = []
  let block: QueryBlock | undefined
  for (let place = 0; place < count; place++) {
    let masked = 0
    for (const mask of masks) masked += countAt(mask, place)
    if (block === undefined || place - block.start >= most || block.masked + masked > mostMasked) {
      block = { start: place, end: place, masked: 0 }
      blocks.push(block)
    }
    block.end++
    block.masked += masked
  }
  return blocks
}

/**
 * The queries of a block: users by dense index, and the items of all masks made one list each.
 * @throws InputError for masked items that are none of `itemCount`, or not ascending
 */
export function packQueries(
  users: Uint32Array,
  block: QueryBlock,
  masks: readonly Mask[],
  itemCount: number,
): PackedQueries {
  const width = queryStruct.size / 4
  const queries = new Uint32Array(width * (block.end - block.start))
  const masked = new Uint32Array(block.masked)
  let length = 0
  for (let place = block.start; place < block.end; place++) {
    const start = length
    const at = width * (place - block.start)
    for (const mask of masks) length += copyItems(masked, length, mask, place, itemCount, users[place]!)
    if (masks.length > 1) length = start + sortUnique(masked.subarray(start, length))
    queries[at] = users[place]!
    queries[at + 1] = start
    queries[at + 2] = length
  }
  return { queries, masked: masked.subarray(0, length) }
}

/** A bit an item: 1 where it is denied. */
export function packDenied(denied: Uint8Array | undefined, items: number): Uint32Array<ArrayBuffer> {
  const bits = new Uint32Array(Math.ceil(items / 32))
  denied?.forEach((value, item) => {
    if (value !== 0) bits[item >>> 5]! |= 1 << (item & 31)
  })
  return bits
}

/** The items of the query at a place. */
export function itemsAt({ offsets, items, rowOf }: Mask, place: number): Uint32Array {
  const row = rowOf(place)
  return items.subarray(offsets[row]!, offsets[row + 1]!)
}

function countAt({ offsets, rowOf }: Mask, place: number): number {
  const row = rowOf(place)
  return offsets[row + 1]! - offsets[row]!
}

/** The greatest of what is counted of each; 0 of none. */
export function mostOf<T>(list: Iterable<T>, count: (one: T) => number): number {
  let most = 0
  for (const one of list) most = Math.max(most, count(one))
  return most
}

/** @throws InputError where the offsets of `rows` rows do not cut the items one after another. */
export function checkOffsets({ offsets, items }: SeenItems, rows: number, what: string): void {
  if (offsets.length !== rows + 1) {
    throw new InputError(`the ${what} have ${offsets.length} offsets; expected ${rows + 1}`)
  }
  for (let row = 0; row < rows; row++) {
    if (offsets[row]! > offsets[row + 1]! || offsets[row + 1]! > items.length) {
      throw new InputError(`the offsets of the ${what} are not ascending, or past the ${items.length} items, at ${row}`)
    }
  }
}

/**
 * Copies the items of the query at a place, a user's; returns how many.
 * @throws InputError for items that are none of `itemCount`, or not ascending
 */
function copyItems(
  target: Uint32Array,
  start: number,
  { offsets, items, what, rowOf }: Mask,
  place: number,
  itemCount: number,
  user: number,
): number {
  const row = rowOf(place)
  const first = offsets[row]!
  const count = offsets[row + 1]! - first
  let least = 0
  for (let at = 0; at < count; at++) {
    const item = items[first + at]!
    if (item >= itemCount) throw new InputError(`the ${what} of user ${user} hold item ${item} of ${itemCount}`)
    if (item < least) throw new InputError(`the ${what} of user ${user} are not ascending`)
    target[start + at] = item
    least = item + 1
  }
  return count
}

/** Sorts in place and drops what stands twice; returns how many are left. */
function sortUnique(list: Uint32Array): number {
  list.sort()
  let length = 0
  for (const value of list) if (length === 0 || list[length - 1] !== value) list[length++] = value
  return length
}

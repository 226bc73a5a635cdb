import type { Ratings } from './ratings.ts'

/** Items that each user has in the training data, as CSR: those of user u are `items[offsets[u]]` to `items[offsets[u + 1] - 1]`. */
export interface SeenItems {
  /** users + 1 */
  offsets: Uint32Array
  /** Strictly ascending in each user's slice. */
  items: Uint32Array
}

/**
 * The items of each user of `ratings`, each item once. A counting sort by user, then a sort of each user's slice, which
 * stays in the cache: O(entries log(entries of a user) + users). Entries of an unknown user or item are left out.
 */
export function seenItems(ratings: Ratings): SeenItems {
  const { users, userCount, itemCount } = ratings
  const offsets = new Uint32Array(userCount + 1)
  for (let e = 0; e < users.length; e++) {
    if (users[e]! < userCount && ratings.items[e]! < itemCount) offsets[users[e]! + 1]!++
  }
  for (let u = 0; u < userCount; u++) offsets[u + 1]! += offsets[u]!

  const end = offsets.slice(0, userCount)
  const items = new Uint32Array(offsets[userCount]!)
  for (let e = 0; e < users.length; e++) {
    const u = users[e]!
    if (u < userCount && ratings.items[e]! < itemCount) items[end[u]!++] = ratings.items[e]!
  }
  for (let u = 0; u < userCount; u++) end[u] = ascending(items, offsets[u]!, offsets[u + 1]!)
  return closeGaps({ offsets, items }, end)
}

/** Puts the items from `start` to `end` in strictly ascending order, each once, and returns where they end then. */
function ascending(items: Uint32Array, start: number, end: number): number {
  let at = start + 1
  while (at < end && items[at - 1]! < items[at]!) at++
  if (at >= end) return end
  items.subarray(start, end).sort()
  let last = start
  for (at = start + 1; at < end; at++) if (items[at] !== items[last]) items[++last] = items[at]!
  return last + 1
}

/** Moves slices that end at `end[u]`, before their room does, up to one another. */
function closeGaps({ offsets, items }: SeenItems, end: Uint32Array): SeenItems {
  const packed = new Uint32Array(offsets.length)
  for (let u = 0; u < end.length; u++) packed[u + 1] = packed[u]! + end[u]! - offsets[u]!
  const length = packed[end.length]!
  if (length === items.length) return { offsets, items }
  for (let u = 0; u < end.length; u++) items.copyWithin(packed[u]!, offsets[u]!, end[u]!)
  return { offsets: packed, items: items.slice(0, length) }
}

/** The items of each user in either of two lists over the same users and items, each item once. O(items of both). */
export function mergeSeen(a: SeenItems, b: SeenItems): SeenItems {
  const users = a.offsets.length - 1
  const offsets = new Uint32Array(users + 1)
  const items = new Uint32Array(a.items.length + b.items.length)
  let length = 0
  for (let u = 0; u < users; u++) {
    const [endA, endB] = [a.offsets[u + 1]!, b.offsets[u + 1]!]
    let atA = a.offsets[u]!
    let atB = b.offsets[u]!
    while (atA < endA || atB < endB) {
      const itemA = atA < endA ? a.items[atA]! : Number.POSITIVE_INFINITY
      const itemB = atB < endB ? b.items[atB]! : Number.POSITIVE_INFINITY
      if (itemA <= itemB) atA++
      if (itemB <= itemA) atB++
      items[length++] = Math.min(itemA, itemB)
    }
    offsets[u + 1] = length
  }
  return { offsets, items: items.slice(0, length) }
}

/** Whether an ascending list holds an item between two of its positions. */
export function holdsItem(items: Uint32Array, wanted: number, start = 0, end = items.length): boolean {
  let low = start
  for (let high = end; low < high; ) {
    const middle = (low + high) >>> 1
    if (items[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return low < end && items[low] === wanted
}

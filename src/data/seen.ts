import type { Ratings } from './ratings.ts'

/** Items that each user has in the training data, as CSR: those of user u are `items[offsets[u]]` to `items[offsets[u + 1] - 1]`. */
export interface SeenItems {
  /** users + 1 */
  offsets: Uint32Array
  /** Strictly ascending in each user's slice. */
  items: Uint32Array
}

/** Entries of users whose slices are sorted together: they stay in the cache. */
const togetherEntries = 2 ** 17

/**
 * The items of each user of `ratings`, each item once. A counting sort by user, then one by item over some neighbouring
 * users at a time: O(entries + users + items). Entries of an unknown user or item are left out.
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
  sortSlices({ offsets, items }, itemCount)
  for (let u = 0; u < userCount; u++) end[u] = ascending(items, offsets[u]!, offsets[u + 1]!)
  return closeGaps({ offsets, items }, end)
}

/** Sorts the slices of the users where a count of every item pays; others, and those that are sorted, are left. */
function sortSlices({ offsets, items }: SeenItems, itemCount: number): void {
  const most = Math.max(togetherEntries, itemCount)
  const size = Math.min(most, items.length)
  const scratch = { users: new Uint32Array(size), items: new Uint32Array(size), next: new Uint32Array(itemCount) }
  for (let first = 0; first + 1 < offsets.length; ) {
    let end = first + 1
    while (end + 1 < offsets.length && offsets[end + 1]! - offsets[first]! <= most) end++
    const entries = offsets[end]! - offsets[first]!
    const pays = entries <= most && 4 * entries >= itemCount
    if (pays && !areAscending({ offsets, items }, first, end)) sortTogether({ offsets, items }, first, end, scratch)
    first = end
  }
}

/** Whether each slice of users `first` to `end - 1` is. */
function areAscending({ offsets, items }: SeenItems, first: number, end: number): boolean {
  for (let user = first; user < end; user++) {
    for (let at = offsets[user]! + 1; at < offsets[user + 1]!; at++) if (items[at - 1]! >= items[at]!) return false
  }
  return true
}

/** Users `first` to `end - 1`: sorted by item, and then, which keeps that order, by user. */
function sortTogether(
  { offsets, items }: SeenItems,
  first: number,
  end: number,
  scratch: Record<'users' | 'items' | 'next', Uint32Array>,
): void {
  const { users: userOf, items: itemOf, next } = scratch
  const [start, stop] = [offsets[first]!, offsets[end]!]
  next.fill(0)
  for (let at = start; at < stop; at++) next[items[at]!]!++
  let place = 0
  for (let item = 0; item < next.length; item++) {
    const count = next[item]!
    next[item] = place
    place += count
  }
  for (let user = first; user < end; user++) {
    for (let at = offsets[user]!; at < offsets[user + 1]!; at++) {
      const to = next[items[at]!]!++
      userOf[to] = user
      itemOf[to] = items[at]!
    }
  }
  const nextOf = offsets.slice(first, end)
  for (let at = 0; at < stop - start; at++) items[nextOf[userOf[at]! - first]!++] = itemOf[at]!
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

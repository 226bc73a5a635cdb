import { groupByKey } from './group.ts'
import type { Ratings } from './ratings.ts'

/** Items that each user has in the training data, as CSR: those of user u are `items[offsets[u]]` to `items[offsets[u + 1] - 1]`. */
export interface SeenItems {
  /** users + 1 */
  offsets: Uint32Array
  /** Strictly ascending in each user's slice. */
  items: Uint32Array
}

/**
 * The items of each user of `ratings`, each item once. Two counting sorts, by item and then by user, leave each slice
 * sorted: O(entries + users + items). Entries of an unknown user or item are left out.
 */
export function seenItems(ratings: Ratings): SeenItems {
  const { users, userCount } = ratings
  const byItem = groupByKey(ratings.items, ratings.itemCount)

  const offsets = new Uint32Array(userCount + 1)
  for (let e = 0; e < users.length; e++) {
    if (users[e]! < userCount && ratings.items[e]! < ratings.itemCount) offsets[users[e]! + 1]!++
  }
  for (let u = 0; u < userCount; u++) offsets[u + 1]! += offsets[u]!

  const end = offsets.slice(0, userCount)
  const items = new Uint32Array(offsets[userCount]!)
  for (let i = 0; i < ratings.itemCount; i++) {
    for (let at = byItem.offsets[i]!; at < byItem.offsets[i + 1]!; at++) {
      const u = users[byItem.order[at]!]!
      if (u >= userCount) continue
      const seenBefore = end[u]! > offsets[u]! && items[end[u]! - 1] === i
      if (!seenBefore) items[end[u]!++] = i
    }
  }
  return closeGaps({ offsets, items }, end)
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

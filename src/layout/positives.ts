import { groupByKey } from '../data/group.ts'
import type { Ratings } from '../data/ratings.ts'

/** The entries as pairs of a user and an item, from both sides. Entries of unknown users or items are left out. */
export interface Positives {
  /** First entry of each user in `itemsOf`, and the end: users + 1. */
  userStart: Uint32Array<ArrayBuffer>
  /** Items of each user's entries, ascending. */
  itemsOf: Uint32Array<ArrayBuffer>
  /** First entry of each item in `usersOf`, and the end: items + 1. */
  itemStart: Uint32Array<ArrayBuffer>
  /** Users of each item's entries, ascending. */
  usersOf: Uint32Array<ArrayBuffer>
}

/** Sorts the entries by user and item, and by item and user, in linear time. */
export function packPositives({ users, items, userCount, itemCount }: Ratings): Positives {
  const known = (entry: number) => users[entry]! < userCount && items[entry]! < itemCount
  const byUser = groupByKey(users, userCount).order.filter(known)
  const byItem = groupByKey(items, itemCount).order.filter(known)
  const ofUsers = regroup(byItem, users, items, userCount)
  const ofItems = regroup(byUser, items, users, itemCount)
  return {
    userStart: ofUsers.start,
    itemsOf: ofUsers.others,
    itemStart: ofItems.start,
    usersOf: ofItems.others,
  }
}

/** Groups entries by row, in the given order within a row, and takes the other side of each. */
function regroup(entries: Uint32Array, rows: Uint32Array, others: Uint32Array, rowCount: number) {
  const start = new Uint32Array(rowCount + 1)
  for (const entry of entries) start[rows[entry]! + 1]!++
  for (let row = 0; row < rowCount; row++) start[row + 1]! += start[row]!
  const next = start.slice()
  const grouped = new Uint32Array(entries.length)
  for (const entry of entries) grouped[next[rows[entry]!]!++] = others[entry]!
  return { start, others: grouped }
}

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

/** Sorts the entries by user and item, and by item and user, in linear time: what is transposed comes out in order. */
export function packPositives({ users, items, userCount, itemCount }: Ratings): Positives {
  const known = (entry: number) => users[entry]! < userCount && items[entry]! < itemCount
  const start = new Uint32Array(itemCount + 1)
  for (let e = 0; e < items.length; e++) if (known(e)) start[items[e]! + 1]!++
  addUp(start)
  const next = start.slice()
  const unordered = new Uint32Array(start[itemCount]!)
  for (let e = 0; e < items.length; e++) if (known(e)) unordered[next[items[e]!]!++] = users[e]!

  const byUser = transpose({ start, others: unordered }, userCount)
  const byItem = transpose(byUser, itemCount)
  return { userStart: byUser.start, itemsOf: byUser.others, itemStart: byItem.start, usersOf: byItem.others }
}

/** Entries by row: those of row r are `others[start[r]]` to `others[start[r + 1] - 1]`. */
interface RowLists {
  start: Uint32Array<ArrayBuffer>
  others: Uint32Array<ArrayBuffer>
}

/** The same entries by the other side, ascending in each row. */
function transpose({ start, others }: RowLists, rowCount: number): RowLists {
  const transposed = new Uint32Array(rowCount + 1)
  for (let at = 0; at < others.length; at++) transposed[others[at]! + 1]!++
  addUp(transposed)
  const next = transposed.slice()
  const lists = new Uint32Array(others.length)
  for (let row = 0; row + 1 < start.length; row++) {
    for (let at = start[row]!; at < start[row + 1]!; at++) lists[next[others[at]!]!++] = row
  }
  return { start: transposed, others: lists }
}

/** From counts, each a place late, to first places. */
function addUp(counts: Uint32Array): void {
  for (let row = 1; row < counts.length; row++) counts[row]! += counts[row - 1]!
}

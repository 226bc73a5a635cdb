import type { Ratings } from './ratings.ts'

/** Entries of each user and of each item. */
export interface RowCounts {
  readonly users: Uint32Array<ArrayBuffer>
  readonly items: Uint32Array<ArrayBuffer>
}

const known = new WeakMap<Ratings, RowCounts>()

/**
 * Entries of each row, those of unknown rows left out: counted once for each set of ratings, in one pass. Treat them as
 * read-only.
 */
export function rowCounts(ratings: Ratings): RowCounts {
  let counts = known.get(ratings)
  if (counts === undefined) {
    counts = countBoth(ratings)
    known.set(ratings, counts)
  }
  return counts
}

function countBoth({ users, items, userCount, itemCount, length }: Ratings): RowCounts {
  const counts = { users: new Uint32Array(userCount), items: new Uint32Array(itemCount) }
  const { users: ofUser, items: ofItem } = counts
  for (let e = 0; e < length; e++) {
    const user = users[e]!
    const item = items[e]!
    if (user < userCount) ofUser[user]!++
    if (item < itemCount) ofItem[item]!++
  }
  return counts
}

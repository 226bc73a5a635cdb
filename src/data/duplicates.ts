import { InputError, OptionError } from '../errors.ts'
import { Ratings } from './ratings.ts'

/** What becomes of several entries of one user and one item. */
export type DuplicatePolicy = 'last' | 'mean' | 'sum' | 'error'

const POLICIES: readonly DuplicatePolicy[] = ['last', 'mean', 'sum', 'error']

/**
 * Merges the entries of equal user and item into one, which stands where the first of them stood; all other entries
 * keep their order, and users and items their numbers. Entries of an unknown user or item are never merged.
 *
 * - `last`: the rating with the largest time; among equal times, and without times, the one that stands last
 * - `mean`, `sum`: of the ratings, computed in f64
 * - `error`: throws
 *
 * The merged entry takes the largest of the times. O(entries + users + items); ratings without duplicates are returned
 * as they are, the same object.
 * @throws InputError for duplicates under `error`, or where a sum leaves the range of f32.
 */
export function mergeDuplicates(ratings: Ratings, policy: DuplicatePolicy): Ratings {
  if (!POLICIES.includes(policy)) {
    throw new OptionError(
      'duplicates',
      `"duplicates" must be one of ${POLICIES.join(', ')}, not ${JSON.stringify(policy)}`,
    )
  }
  const byUser = groupByUser(ratings)
  const found = findDuplicates(ratings, byUser)
  if (found.count === 0) return ratings
  if (policy === 'error') {
    const { first, second } = found
    const user = JSON.stringify(ratings.userIds.at(ratings.users[first]!))
    const item = JSON.stringify(ratings.itemIds.at(ratings.items[first]!))
    throw new InputError(`user ${user} rates item ${item} twice, in entries ${first} and ${second} (counted from 0)`)
  }
  return merge(ratings, byUser, policy, found.count)
}

/** Entries grouped by user, within a user in their own order; those of an unknown user or item are left out. */
interface UserEntries {
  /** First entry of each user, and the end: users + 1. */
  offsets: Uint32Array
  /** (item, position) of each entry, so that neither is looked up at random. */
  pairs: Uint32Array
}

function groupByUser({ users, items, userCount, itemCount }: Ratings): UserEntries {
  const isKnown = (e: number) => users[e]! < userCount && items[e]! < itemCount
  const offsets = new Uint32Array(userCount + 1)
  for (let e = 0; e < users.length; e++) if (isKnown(e)) offsets[users[e]! + 1]!++
  for (let u = 0; u < userCount; u++) offsets[u + 1]! += offsets[u]!
  const next = offsets.slice(0, userCount)
  const pairs = new Uint32Array(2 * offsets[userCount]!)
  for (let e = 0; e < users.length; e++) {
    if (!isKnown(e)) continue
    const at = next[users[e]!]!++
    pairs[2 * at] = items[e]!
    pairs[2 * at + 1] = e
  }
  return { offsets, pairs }
}

interface Duplicates {
  /** Entries beyond the first of their user and item. */
  count: number
  /** Of all pairs of duplicates the one whose second entry stands first. */
  first: number
  second: number
}

function findDuplicates({ itemCount }: Ratings, { offsets, pairs }: UserEntries): Duplicates {
  // Of each item the place after its first entry: beyond the user's first place where it is one of this user's.
  const after = new Uint32Array(itemCount)
  const found: Duplicates = { count: 0, first: 0, second: Number.POSITIVE_INFINITY }
  for (let u = 0; u + 1 < offsets.length; u++) {
    const start = offsets[u]!
    const end = offsets[u + 1]!
    for (let at = start; at < end; at++) {
      const i = pairs[2 * at]!
      if (after[i]! <= start) {
        after[i] = at + 1
        continue
      }
      found.count++
      const second = pairs[2 * at + 1]!
      if (second < found.second) {
        found.first = pairs[2 * after[i]! - 1]!
        found.second = second
      }
    }
  }
  return found
}

function merge(
  ratings: Ratings,
  { offsets, pairs }: UserEntries,
  policy: 'last' | 'mean' | 'sum',
  surplus: number,
): Ratings {
  const { users, items, times, itemCount } = ratings
  const values = ratings.values.slice()
  const latest = times?.slice()
  const dropped = new Uint8Array(ratings.length)

  // Of each item, for the user at hand: the place after its first entry, how many there are, and the rating so far.
  const after = new Uint32Array(itemCount)
  const count = new Uint32Array(itemCount)
  const rating = new Float64Array(itemCount)
  for (let u = 0; u + 1 < offsets.length; u++) {
    const start = offsets[u]!
    const end = offsets[u + 1]!
    for (let at = start; at < end; at++) {
      const i = pairs[2 * at]!
      if (after[i]! <= start) {
        after[i] = at + 1
        count[i] = 1
        continue
      }
      const first = pairs[2 * after[i]! - 1]!
      const e = pairs[2 * at + 1]!
      dropped[e] = 1
      if (count[i]!++ === 1) rating[i] = values[first]!
      const later = times === undefined || latest === undefined || isLater(times[e]!, latest[first]!)
      if (later && latest !== undefined) latest[first] = times![e]!
      if (policy !== 'last') rating[i]! += values[e]!
      else if (later) rating[i] = values[e]!
      values[first] = policy === 'mean' ? rating[i]! / count[i]! : rating[i]!
    }
  }

  const kept = new Uint32Array(ratings.length - surplus)
  let length = 0
  for (let e = 0; e < dropped.length; e++) if (dropped[e] === 0) kept[length++] = e
  return new Ratings({
    users,
    items,
    values,
    times: latest,
    userIds: ratings.userIds,
    itemIds: ratings.itemIds,
  }).select(kept)
}

/** Whether an entry of time `time` supersedes an earlier one of time `held`; a time that is not a number is before all. */
function isLater(time: number, held: number): boolean {
  return time >= held || Number.isNaN(held)
}

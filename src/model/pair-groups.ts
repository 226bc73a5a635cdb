import { UNKNOWN } from '../data/ids.ts'
import { packPairs } from '../layout/padding.ts'
import { type RowSpan, spanOf } from '../layout/shards.ts'

/** Pairs `start` to `end - 1`, whose rows lie in one shard of the users and one of the items. */
export interface PairGroup {
  userShard: number
  itemShard: number
  start: number
  end: number
}

/** Pairs of a user and an item by the shards of their rows. */
export interface GroupedPairs {
  /** (user, item) of each, counted from the first row of their shards; UNKNOWN where the tables have no such row. */
  pairs: Uint32Array<ArrayBuffer>
  /** Place in `pairs` of each pair as it was given. */
  places: Uint32Array<ArrayBuffer>
  groups: PairGroup[]
}

/** Groups pairs of dense indices; those of one group keep their order. A row that there is not goes with the first shard. */
export function groupPairs(
  users: Uint32Array,
  items: Uint32Array,
  userShards: readonly RowSpan[],
  itemShards: readonly RowSpan[],
): GroupedPairs {
  const { length } = users
  const groupOf = new Uint32Array(length)
  const locals = { users: new Uint32Array(length), items: new Uint32Array(length) }
  const next = new Uint32Array(userShards.length * itemShards.length + 1)
  const [known, offered] = [userShards, itemShards].map(shards => shards.at(-1)!.first + shards.at(-1)!.rows)
  for (let pair = 0; pair < length; pair++) {
    const [user, item] = [users[pair]!, items[pair]!]
    const userShard = user < known! ? spanOf(userShards, user) : 0
    const itemShard = item < offered! ? spanOf(itemShards, item) : 0
    locals.users[pair] = user < known! ? user - userShards[userShard]!.first : UNKNOWN
    locals.items[pair] = item < offered! ? item - itemShards[itemShard]!.first : UNKNOWN
    const group = userShard * itemShards.length + itemShard
    groupOf[pair] = group
    next[group + 1]!++
  }
  for (let group = 0; group + 1 < next.length; group++) next[group + 1]! += next[group]!
  const starts = next.slice()
  const places = new Uint32Array(length)
  const ordered = { users: new Uint32Array(length), items: new Uint32Array(length) }
  for (let pair = 0; pair < length; pair++) {
    const place = next[groupOf[pair]!]!++
    places[pair] = place
    ordered.users[place] = locals.users[pair]!
    ordered.items[place] = locals.items[pair]!
  }
  const groups: PairGroup[] = []
  for (let group = 0; group + 1 < starts.length; group++) {
    const [start, end] = [starts[group]!, starts[group + 1]!]
    const itemShard = group % itemShards.length
    if (start < end) groups.push({ userShard: (group - itemShard) / itemShards.length, itemShard, start, end })
  }
  return { pairs: packPairs(ordered.users, ordered.items), places, groups }
}

import type { SeenItems } from '../data/seen.ts'
import type { Capabilities } from '../gpu/capabilities.ts'
import { timerBytes } from '../gpu/timer.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { queryStruct, rankingStruct, shardStruct } from '../kernels/structs.ts'
import type { RowSpan } from '../layout/shards.ts'
import type { BufferPlan } from './buffer-plan.ts'
import { cutRanges, strideOf, windowBytes } from './rank-block.ts'
import { listBytes } from './rank-lists.ts'
import { mergeBytes } from './rank-merge.ts'
import { planRanking } from './rank-plan.ts'
import { cutQueries, mostMasked, mostOf } from './rank-queries.ts'

/** What a ranking is asked for. */
export interface RankedShape {
  /** Dense indices, and what the lists of all users leave out. */
  users: Uint32Array
  seen: SeenItems
  items: number
  factors: number
  k: number
  /** Shards of the items, and how many the users have. */
  itemShards: readonly RowSpan[]
  userShards: number
}

/** The buffers that a `Ranker` holds while it ranks; returns the bytes of the lists that it reads at a time. */
export function planRanker(plan: BufferPlan, shape: RankedShape, capabilities: Capabilities): number {
  const kind = 'validation'
  const { users, seen, items, factors, itemShards, userShards } = shape
  const k = Math.min(shape.k, items)
  const size = { queries: users.length, items, factors, listWords: 2 * (k + 1) }
  const cut = planRanking(size, capabilities)
  const mask = { ...seen, what: 'seen items', rowOf: (place: number) => users[place]! }
  const blocks = cutQueries(users.length, cut.queries, [mask], mostMasked(plan))
  const lists = listBytes(k, cut)
  plan.storage(kind, 'denied items', Math.ceil(items / 32) * 4)
  plan.uniform(kind, 'ranges', windowBytes * cutRanges(cut, itemShards).length)
  plan.storage(kind, 'queries', queryStruct.size * cut.queries)
  plan.storage(kind, 'masked items', 4 * mostOf(blocks, ({ masked }) => masked))
  plan.storage(kind, 'staged queries', 16 * (factorBlocks(factors) + 1) * strideOf(cut.queries, cut))
  plan.uniform(kind, 'ranking', rankingStruct.size)
  plan.uniform(kind, 'users of a shard', shardStruct.size, userShards)
  plan.storage(kind, 'lists', lists)
  plan.add(kind, timerBytes(capabilities))
  if (cut.merge === 'host') return lists
  const bytes = mergeBytes(k, cut)
  plan.storage(kind, 'best items', bytes.ranked)
  plan.storage(kind, 'merged lists', bytes.merged)
  plan.uniform(kind, 'stages of the merge', bytes.windows)
  return bytes.ranked
}

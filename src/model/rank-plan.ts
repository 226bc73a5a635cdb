import type { AdapterDescription, DeviceLimits } from '../gpu/capabilities.ts'
import type { RankTile } from '../kernels/rank_items.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'

export interface RankingShape {
  /** Users asked for. */
  queries: number
  items: number
  factors: number
  /** Words that a query's list takes in one split: 2 (k + 1) in `rank_items`. */
  listWords: number
}

/** How a ranking is cut for a device. */
export interface RankPlan {
  tile: RankTile
  /** Users in a block at most; its buffers are what the ranking holds on the GPU beside the model. */
  queries: number
  /** Parts that the items of a dispatch fall into, each with lists of its own. */
  splits: number
  /** Items in a dispatch: a whole number of tiles a split. */
  range: number
  /** Where the lists of a query's splits are made one. On a CPU the host takes far less time than the kernel where lists are long. */
  merge: 'gpu' | 'host'
}

/** Bytes that the lists of a block take at most; likewise its turned rows, and what its lists are merged into. */
const blockBytes = 32 * 2 ** 20

/** The fastest on lavapipe of a dozen tried, and one of powers of two. */
const tiles = { software: { users: 5, items: 6 }, hardware: { users: 4, items: 8 } }

/** Where there are too few users to give an invocation more than one. */
const narrowTile = { users: 1, items: 8 }

/** Users in a block at most: whole workgroups; on hardware enough to keep it busy without many splits. */
const blockQueries = { software: 3840, hardware: 16384 }

/** Invocations that keep a GPU busy. */
const wantedInvocations = 2 ** 15

/** Multiply-adds in a dispatch at most: some 20 ms on a CPU of two cores, and on a small GPU. */
const dispatchProducts = { software: 2 ** 27, hardware: 2 ** 31 }

/** Items in a range at least, where there are so many: lists are picked up and put down once a range. */
const leastRange = 256

/** What bounds the memory of a block, and the length of a dispatch. A pure function. */
export function planRanking(
  { queries: asked, items, factors, listWords }: RankingShape,
  { adapter, limits }: { adapter: Pick<AdapterDescription, 'software'>; limits: DeviceLimits },
): RankPlan {
  const kind = adapter.software ? 'software' : 'hardware'
  const bytes = Math.min(blockBytes, limits.maxStorageBufferBindingSize, limits.maxBufferSize)
  const rowBytes = 16 * (factorBlocks(factors) + 1)
  const products = dispatchProducts[kind]
  const fitting = Math.min(
    blockQueries[kind],
    Math.floor(bytes / rowBytes),
    Math.floor(bytes / (4 * listWords)),
    Math.floor(products / (leastRange * factors)),
  )
  const wanted = Math.max(1, Math.min(asked, fitting))
  // Turned rows are there for whole workgroups.
  const wholeGroups = (tile: RankTile) => {
    const slots = workgroupSize * tile.users
    return slots * Math.floor(bytes / rowBytes / slots)
  }
  const tile = wanted > 2 * workgroupSize && wholeGroups(tiles[kind]) > 0 ? tiles[kind] : narrowTile
  const queries = Math.min(wanted, Math.max(1, wholeGroups(tile)))
  const invocations = workgroupSize * groupsOf(queries, tile)
  const splits = adapter.software
    ? 1
    : Math.max(
        1,
        Math.min(
          Math.ceil(wantedInvocations / invocations),
          Math.floor(items / leastRange),
          Math.floor(bytes / (4 * listWords * queries)),
        ),
      )
  // A dispatch works on whole workgroups; on a CPU those of its vectors that have a query.
  const slots = adapter.software ? Math.max(queries, 8 * tile.users) : invocations * tile.users
  const step = splits * tile.items
  const range = step * Math.max(1, Math.floor(Math.min(products / (slots * factors), items + step - 1) / step))
  return { tile, queries, splits, range, merge: adapter.software ? 'host' : 'gpu' }
}

/** Workgroups that the queries of a block take in a split. */
export const groupsOf = (queries: number, tile: RankTile): number => Math.ceil(queries / (workgroupSize * tile.users))

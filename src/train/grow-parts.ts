import type { Ratings } from '../data/ratings.ts'
import { mergeSeen, type SeenItems, seenItems } from '../data/seen.ts'
import type { ModelParts } from '../model/parts.ts'
import { appendIds } from './warm-start.ts'

/**
 * A model with new rows behind its own.
 * @param entries of the new rows, numbered from 0
 * @param rows their factors, tight, and their biases
 */
export function grownParts(
  parts: ModelParts,
  entries: Ratings,
  side: 'users' | 'items',
  rows: { factors: Float32Array; bias: Float32Array },
): ModelParts {
  const grown =
    side === 'users'
      ? {
          userIds: appendIds(parts.userIds, entries.userIds),
          userFactors: concat(parts.userFactors, rows.factors),
          ...(parts.userBias === undefined ? {} : { userBias: concat(parts.userBias, rows.bias) }),
        }
      : {
          itemIds: appendIds(parts.itemIds, entries.itemIds),
          itemFactors: concat(parts.itemFactors, rows.factors),
          ...(parts.itemBias === undefined ? {} : { itemBias: concat(parts.itemBias, rows.bias) }),
        }
  return {
    ...parts,
    ...grown,
    ...(parts.seen === undefined ? {} : { seen: grownSeen(parts.seen, parts, entries, side) }),
  }
}

/** What the users have seen, with the new entries. */
function grownSeen(seen: SeenItems, parts: ModelParts, entries: Ratings, side: 'users' | 'items'): SeenItems {
  const own = seenItems(entries)
  if (side === 'users') {
    const before = seen.items.length
    const offsets = new Uint32Array(seen.offsets.length + own.offsets.length - 1)
    offsets.set(seen.offsets)
    offsets.set(
      own.offsets.subarray(1).map(offset => before + offset),
      seen.offsets.length,
    )
    const items = new Uint32Array(before + own.items.length)
    items.set(seen.items)
    items.set(own.items, before)
    return { offsets, items }
  }
  return mergeSeen(seen, { offsets: own.offsets, items: own.items.map(item => parts.itemIds.size + item) })
}

export function concat(first: Float32Array, more: Float32Array): Float32Array {
  const all = new Float32Array(first.length + more.length)
  all.set(first)
  all.set(more, first.length)
  return all
}

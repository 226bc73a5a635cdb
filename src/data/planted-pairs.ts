import type { Random } from './random.ts'
import { SumTree } from './sum-tree.ts'

/** Zipf-Mandelbrot weights: (j + shift * length)^-exponent of the ranks j = 1 to length, descending, the first being 1. */
function popularity(length: number, exponent: number, shift: number): Float64Array {
  const head = 1 + shift * length
  const weights = new Float64Array(length)
  for (let j = 0; j < length; j++) weights[j] = ((head + j) / head) ** -exponent
  return weights
}

/**
 * Deals `total` entries over rows in proportion to their descending weights, no row more than `cap`: rows that would
 * get more are full, and the others share what is left. Real shares become integers by rounding their running sum; what
 * rounding leaves over goes to the first rows with room, so that the counts add up to `total` exactly.
 */
function dealCounts(weights: Float64Array, total: number, cap: number): Uint32Array {
  // weightFrom[row]: the sum of the weights from `row` on, added from the small end.
  const weightFrom = new Float64Array(weights.length + 1)
  for (let row = weights.length - 1; row >= 0; row--) weightFrom[row] = weightFrom[row + 1]! + weights[row]!
  let full = 0
  while (full < weights.length && weights[full]! * (total - full * cap) >= cap * weightFrom[full]!) full++

  const counts = new Uint32Array(weights.length).fill(cap, 0, full)
  const open = total - full * cap
  let dealt = 0
  for (let row = full; row < weights.length; row++) {
    const share = 1 - weightFrom[row + 1]! / weightFrom[full]!
    counts[row] = Math.min(Math.max(Math.round(share * open) - dealt, 0), cap)
    dealt += counts[row]!
  }
  for (let row = full; dealt < open; row++) {
    const more = Math.min(cap - counts[row]!, open - dealt)
    counts[row]! += more
    dealt += more
  }
  return counts
}

/** Whether a user takes an item, both by rank; called once for each pair that is drawn. */
export type Taste = (user: number, item: number) => boolean

interface PairShape {
  users: number
  items: number
  entries: number
  itemExponent: number
  itemShift: number
  userExponent: number
  userShift: number
}

/**
 * Draws pairs of ranks, user by user, without replacement: an item by its popularity, then, with `takes`, by taste. A user
 * who has been through all items takes those turned down, in the order in which they were drawn.
 */
export function drawPairs(
  shape: PairShape,
  users: Uint32Array,
  items: Uint32Array,
  random: Random,
  takes?: Taste,
): void {
  const counts = dealCounts(popularity(shape.users, shape.userExponent, shape.userShift), shape.entries, shape.items)
  const tree = new SumTree(popularity(shape.items, shape.itemExponent, shape.itemShift))
  const refused: number[] = []
  let e = 0
  for (let u = 0; u < counts.length; u++) {
    const start = e
    const end = start + counts[u]!
    while (e < end && e - start + refused.length < shape.items) {
      const item = tree.take(random)
      if (takes?.(u, item) === false) {
        refused.push(item)
        continue
      }
      users[e] = u
      items[e++] = item
    }
    for (let at = 0; e < end; at++) {
      users[e] = u
      items[e++] = refused[at]!
    }
    for (let drawn = start; drawn < e; drawn++) tree.putBack(items[drawn]!)
    for (const item of refused) tree.putBack(item)
    refused.length = 0
  }
}

export function shufflePairs(users: Uint32Array, items: Uint32Array, random: Random): void {
  for (let e = users.length - 1; e > 0; e--) {
    const other = random.below(e + 1)
    const user = users[e]!
    const item = items[e]!
    users[e] = users[other]!
    items[e] = items[other]!
    users[other] = user
    items[other] = item
  }
}

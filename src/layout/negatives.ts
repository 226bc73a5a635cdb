import { aliasTable } from './alias.ts'
import type { Positives } from './positives.ts'

/** How negatives are drawn: j for an entry of user u with probability w_j / v_u, v_u the sum of w over items u has not. */
export interface Negatives {
  /** Alias table of w; undefined where all w are equal. */
  itemColumns: Uint32Array<ArrayBuffer> | undefined
  /** Alias table of n_u / v_u; undefined where no user lacks an item. */
  userColumns: Uint32Array<ArrayBuffer> | undefined
  /** Of each item, in how many samples of an epoch it is the negative, in the mean. */
  expected: Float64Array
}

/** w_j = (entries of j)^power; with power 0 all items are alike, those without entries too. */
export function weighNegatives({ userStart, itemsOf, itemStart, usersOf }: Positives, power: number): Negatives {
  const users = userStart.length - 1
  const items = itemStart.length - 1
  const weights = Float64Array.from({ length: items }, (_, j) => (itemStart[j + 1]! - itemStart[j]!) ** power)
  const total = weights.reduce((sum, weight) => sum + weight, 0)

  // n_u / v_u; 0 for a user who has all that has a weight: what is left of v_u is rounding.
  const pull = new Float64Array(users)
  let allPull = 0
  for (let u = 0; u < users; u++) {
    let own = 0
    let distinct = 0
    forDistinct(itemsOf, userStart[u]!, userStart[u + 1]!, item => {
      own += weights[item]!
      distinct++
    })
    const left = total - own
    if (distinct < items && left > 1e-12 * total) pull[u] = (userStart[u + 1]! - userStart[u]!) / left
    allPull += pull[u]!
  }

  const expected = weights.map((weight, j) => {
    let own = 0
    forDistinct(usersOf, itemStart[j]!, itemStart[j + 1]!, user => {
      own += pull[user]!
    })
    const others = allPull - own
    return others > 1e-12 * allPull ? weight * others : 0
  })
  return {
    itemColumns: power === 0 ? undefined : aliasTable(weights),
    userColumns: allPull > 0 ? aliasTable(pull) : undefined,
    expected,
  }
}

/** Each value of a sorted slice once. */
function forDistinct(sorted: Uint32Array, from: number, to: number, visit: (value: number) => void): void {
  for (let at = from; at < to; at++) if (at === from || sorted[at] !== sorted[at - 1]) visit(sorted[at]!)
}

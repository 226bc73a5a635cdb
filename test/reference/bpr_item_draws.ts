import type { Positives } from '../../src/layout/positives.ts'
import {
  drawn,
  negativeFor,
  outcomeOf,
  permuted,
  type ReferenceBprRow,
  type ReferenceRound,
  type ReferenceSample,
  scrambled,
  shareOf,
  tries,
} from './bpr_draw.ts'

/** An item's samples in a round, as the positive of its entries and as the negative of others', in random order. */
export function bprItemDraws(
  own: ReferenceBprRow,
  at: ReferenceRound,
  { userStart, itemsOf, itemStart, usersOf }: Positives,
  itemColumns: ArrayLike<number> | undefined,
  userColumns: ArrayLike<number>,
): ReferenceSample[] {
  const itemsOfUser = (user: number) => itemsOf.subarray(userStart[user]!, userStart[user + 1]!)
  const share = shareOf(own, at)
  const count = share.positives + share.negatives
  const drawKey = drawn(at.drawKey, own.row)

  const asPositive = (place: number, key: number): ReferenceSample => {
    const entry = permuted(share.first + place, own.entries, drawn(at.orderKey, own.row))
    const user = usersOf[own.first + entry]!
    const other = negativeFor(new Set(itemsOfUser(user)), itemStart.length - 1, itemColumns, key)
    return { partner: user, other, asNegative: false }
  }
  const asNegative = (key: number): ReferenceSample => {
    for (let attempt = 0; attempt < tries; attempt++) {
      const word = drawn(key, attempt)
      const user = outcomeOf(userColumns, word)
      const items = itemsOfUser(user)
      if (items.includes(own.row)) continue
      const entry = scrambled(~scrambled(word)) % items.length
      return { partner: user, other: items[entry], asNegative: true }
    }
    return { partner: 0, other: undefined, asNegative: true }
  }
  return Array.from({ length: count }, (_, number) => {
    const place = permuted(number, count, drawKey)
    const key = drawn(drawKey, place)
    return place < share.positives ? asPositive(place, key) : asNegative(key)
  })
}

import type { Positives } from '../../src/layout/positives.ts'
import {
  drawn,
  negativeFor,
  permuted,
  type ReferenceBprRow,
  type ReferenceRound,
  type ReferenceSample,
  shareOf,
} from './bpr_draw.ts'

/** A user's samples in a round: each entry whose turn it is, with a negative. */
export function bprUserDraws(
  own: ReferenceBprRow,
  at: ReferenceRound,
  { itemsOf, itemStart }: Positives,
  columns: ArrayLike<number> | undefined,
): ReferenceSample[] {
  const entries = itemsOf.subarray(own.first, own.first + own.entries)
  const has = new Set(entries)
  const share = shareOf(own, at)
  return Array.from({ length: share.positives }, (_, number) => ({
    partner: entries[permuted(share.first + number, own.entries, drawn(at.orderKey, own.row))]!,
    other: negativeFor(has, itemStart.length - 1, columns, drawn(drawn(at.drawKey, own.row), number)),
    asNegative: false,
  }))
}

import type { BlockLayout } from '../layout/blocks.ts'
import { type RowSpan, spanOf } from '../layout/shards.ts'

/** Ways between the rows of a shard of the model's table and the slots of a shard of the solver's. */
export interface ShardMoves {
  tableShard: number
  slotShard: number
  /**
   * (row, slot), counted from the first of their shards: first the slots that are published, one for each row by ascending
   * rows, then further replicas.
   */
  moves: Uint32Array<ArrayBuffer>
  published: number
}

/** The ways between all rows that have slots and all slots; pairs of shards without one are left out. */
export function listMoves(
  { slotStart, slots }: BlockLayout,
  tableShards: readonly RowSpan[],
  slotShards: readonly RowSpan[],
): ShardMoves[] {
  const pairs = tableShards.length * slotShards.length
  const [published, further] = [new Uint32Array(pairs), new Uint32Array(pairs)]
  const eachSlot = (visit: (pair: number, row: number, slot: number, isFirst: boolean) => void) => {
    tableShards.forEach(({ first, rows }, tableShard) => {
      for (let row = first; row < first + rows; row++) {
        for (let place = slotStart[row]!; place < slotStart[row + 1]!; place++) {
          const slot = slots[place]!
          const slotShard = slotShards.length === 1 ? 0 : spanOf(slotShards, slot)
          const isFirst = place === slotStart[row]
          visit(tableShard * slotShards.length + slotShard, row - first, slot - slotShards[slotShard]!.first, isFirst)
        }
      }
    })
  }
  eachSlot((pair, _row, _slot, isFirst) => {
    if (isFirst) published[pair]!++
    else further[pair]!++
  })
  const all = Array.from(published, (count, pair) => new Uint32Array(2 * (count + further[pair]!)))
  const next = { published: new Uint32Array(pairs), further: published.slice() }
  eachSlot((pair, row, slot, isFirst) => {
    const at = isFirst ? next.published[pair]!++ : next.further[pair]!++
    all[pair]![2 * at] = row
    all[pair]![2 * at + 1] = slot
  })
  return all.flatMap((moves, pair) => {
    const slotShard = pair % slotShards.length
    const tableShard = (pair - slotShard) / slotShards.length
    return moves.length === 0 ? [] : [{ tableShard, slotShard, moves, published: published[pair]! }]
  })
}

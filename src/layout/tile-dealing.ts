import { Random } from '../data/random.ts'
import type { RowCounts } from '../data/row-counts.ts'
import { type BlockLayout, dealBlocks } from './blocks.ts'
import { gridOf, type TileShape } from './tile-grid.ts'

type SideName = 'users' | 'items'

/** How the rows of either side are to be dealt. */
export interface Dealing {
  held: SideName
  streamed: SideName
  blocks: Record<SideName, number>
  /** Entries beyond which a row has replicas. */
  caps: Record<SideName, number>
}

const stream = { users: 0x74696c65, items: 0x74696c66 } as const

/** The side with the longer runs is held. */
export function planDealing(counts: RowCounts, shape: TileShape, entries: number, replicaCap = 1): Dealing {
  const { heldBlocks, streamedBlocks } = gridOf(shape)
  const held = runsOf(counts.users, streamedBlocks) <= runsOf(counts.items, streamedBlocks) ? 'users' : 'items'
  const streamed = held === 'users' ? 'items' : 'users'
  const own = (side: SideName) => (side === streamed ? streamedBlocks : shape.nested ? heldBlocks : shape.workers)
  const blocks = { users: own('users'), items: own('items') }
  const capOf = (side: SideName) => Math.max(1, (replicaCap * entries) / blocks[side])
  return { held, streamed, blocks, caps: { users: capOf('users'), items: capOf('items') } }
}

/** Deals the rows of either side to their blocks. */
export function dealRows(
  counts: RowCounts,
  dealing: Dealing,
  seed: number,
  blockSlots: number | undefined,
): Record<SideName, BlockLayout> {
  const deal = (side: SideName) => dealSide(side, counts[side], dealing, seed, blockSlots)
  return { users: deal('users'), items: deal('items') }
}

export function dealSide(
  side: SideName,
  counts: Uint32Array,
  { blocks, caps }: Dealing,
  seed: number,
  blockSlots: number | undefined,
): BlockLayout {
  return dealBlocks(counts, blocks[side], caps[side], new Random(seed, stream[side]), blockSlots)
}

/** Expected number of (row, block) pairs that hold an entry, when each entry's block is drawn evenly. */
function runsOf(counts: Uint32Array, blocks: number): number {
  let runs = 0
  for (const count of counts) runs += blocks * (1 - (1 - 1 / blocks) ** count)
  return runs
}

import type { RowCounts } from '../data/row-counts.ts'
import type { BlockLayout } from './blocks.ts'
import { type Dealing, dealSide } from './tile-dealing.ts'
import type { TileShape } from './tile-grid.ts'

/** Slots of a block in the mean from which on blocks are about equal, so that rows need not be dealt to know it. */
const manySlots = 64

/**
 * How much larger than by chance a stratum may be: blocks are about equal only, and in a dense matrix heavy rows meet less often
 * than that, so that the others meet more often.
 */
const margin = { manySlots: 1.1, fewSlots: 1.25 }

/** What entries are dealt to. */
export interface StratumInput {
  counts: RowCounts
  entries: number
  shape: TileShape
  /** Slots of either side. */
  replicas: Record<'users' | 'items', { slots: number }>
}

/**
 * Entries of the largest stratum at most, of ratings that stand once a pair: what it has in the mean were each entry's user and
 * item drawn by themselves, a margin, and 4 deviations. Rows are dealt heaviest first, so where blocks have few, neighbours are
 * the heavier ones on both sides, and meet in the same stratum.
 */
export function mostInStratum(
  { counts, entries, shape, replicas }: StratumInput,
  dealing: Dealing,
  seed: number,
  blockSlots: number | undefined,
): number {
  const { workers, strata, slices, nested } = shape
  const hasMany = (side: 'users' | 'items') => replicas[side].slots > manySlots * dealing.blocks[side]
  const loadsOf = (side: 'users' | 'items', groups: number) => {
    if (hasMany(side)) return new Float64Array(groups).fill(entries / groups)
    return groupLoads(dealSide(side, counts[side], dealing, seed, blockSlots), counts[side], nested ? slices : 1)
  }
  const held = loadsOf(dealing.held, workers)
  const streamed = loadsOf(dealing.streamed, strata)
  let largest = 0
  for (let stratum = 0; stratum < strata; stratum++) {
    let own = 0
    for (let worker = 0; worker < workers; worker++) own += held[worker]! * streamed[(worker + stratum) % strata]!
    largest = Math.max(largest, own / entries)
  }
  const uneven = hasMany('users') && hasMany('items') ? margin.manySlots : margin.fewSlots
  return Math.min(entries, Math.ceil(uneven * largest + 4 * Math.sqrt(largest)))
}

/** Entries of each group of `size` neighbouring blocks, a heavy row's in equal shares. */
function groupLoads({ blockStart, rowOf, slotStart }: BlockLayout, counts: Uint32Array, size: number): Float64Array {
  const loads = new Float64Array((blockStart.length - 1) / size)
  for (let block = 0; block + 1 < blockStart.length; block++) {
    const group = Math.floor(block / size)
    for (let slot = blockStart[block]!; slot < blockStart[block + 1]!; slot++) {
      const row = rowOf[slot]!
      loads[group]! += counts[row]! / (slotStart[row + 1]! - slotStart[row]!)
    }
  }
  return loads
}

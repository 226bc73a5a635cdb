import { IdTable } from '../../src/data/ids.ts'
import type { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { sideBatchStruct } from '../../src/kernels/structs.ts'
import { type BatchLayout, runBounds, segmentCount, segmentLength } from '../../src/layout/batches.ts'
import type { ReferenceEntry } from '../reference/residuals.ts'

export type SideName = 'users' | 'items'

/** Ratings over dense ids. */
export function ratingsOfEntries(entries: readonly ReferenceEntry[], users: number, items: number): Ratings {
  return new Ratings({
    users: Uint32Array.from(entries, entry => entry.user),
    items: Uint32Array.from(entries, entry => entry.item),
    values: Float32Array.from(entries, entry => entry.value),
    userIds: IdTable.range(users),
    itemIds: IdTable.range(items),
  })
}

/**
 * Entries most of whose rows hold a few, while user 1 and item 2 hold a third each, and the last user and the last item
 * none.
 */
export function skewedEntries(random: Random, count: number, users: number, items: number): ReferenceEntry[] {
  const draw = (heavy: number, bound: number) => (random.uniform() < 1 / 3 ? heavy : random.below(bound - 1))
  return Array.from({ length: count }, () => ({
    user: draw(1, users),
    item: draw(2, items),
    value: Math.fround(1 + 4 * random.uniform()),
  }))
}

/** The entries of one batch, as the layout holds them. */
export function entriesOf(layout: BatchLayout, batch: number): ReferenceEntry[] {
  const values = new Float32Array(layout.entries.buffer)
  const entries: ReferenceEntry[] = []
  for (let e = layout.entryStart[batch]!; e < layout.entryStart[batch + 1]!; e++) {
    entries.push({ user: layout.entries[3 * e]!, item: layout.entries[3 * e + 1]!, value: values[3 * e + 2]! })
  }
  return entries
}

export interface Segment {
  row: number
  /** Positions in the batch. */
  positions: number[]
}

/** A batch's entries as one side's rows share them out: sorted by row, then by the other side, and cut. */
export function segmentsOf(batch: readonly ReferenceEntry[], side: SideName): Segment[] {
  const rowOf = (position: number) => (side === 'users' ? batch[position]!.user : batch[position]!.item)
  const otherOf = (position: number) => (side === 'users' ? batch[position]!.item : batch[position]!.user)
  const sorted = batch.map((_, position) => position).sort((a, b) => rowOf(a) - rowOf(b) || otherOf(a) - otherOf(b))
  const segments: Segment[] = []
  for (const position of sorted) {
    const last = segments.at(-1)
    if (last?.row === rowOf(position) && last.positions.length < segmentLength) last.positions.push(position)
    else segments.push({ row: rowOf(position), positions: [position] })
  }
  return segments
}

interface StepValues {
  gradient_scale: number
  rate: number
  correction_1: number
  correction_2: number
}

/** The window of one batch that the kernels over one side see. */
export function sideBatch(layout: BatchLayout, batch: number, side: SideName, values: Partial<StepValues> = {}) {
  const { runStart, segmentStart } = layout[side]
  return sideBatchStruct.pack({
    first_run: runStart[batch]!,
    segment_start: segmentStart[batch]!,
    entry_start: layout.entryStart[batch]!,
    run_start: runStart[batch]!,
    run_count: runBounds(layout[side], batch, 0)[1],
    segment_count: segmentCount(layout[side], batch),
    gradient_scale: 1,
    rate: 1,
    correction_1: 1,
    correction_2: 1,
    ...values,
  })
}

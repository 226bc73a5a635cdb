import type { BatchLayout } from '../layout/batches.ts'
import type { StepTables } from './entry-store.ts'

/** What a batch reads of the entries. */
export type BatchTable = 'entries' | 'order' | `${'users' | 'items'}-${'runs' | 'segments'}`

/** Words of an entry, and of a run. */
export const entryWords = 3
export const runWords = 2

export function batchTables({ entryStart, entries, itemOrder, users, items }: BatchLayout): StepTables<BatchTable> {
  const cut = (table: Uint32Array<ArrayBuffer>, start: Uint32Array, words: number) => (batch: number) => [
    table.subarray(words * start[batch]!, words * start[batch + 1]!),
  ]
  return {
    entries: cut(entries, entryStart, entryWords),
    order: cut(itemOrder, entryStart, 1),
    'users-runs': cut(users.runs, users.runStart, runWords),
    'users-segments': cut(users.segments, users.segmentStart, 1),
    'items-runs': cut(items.runs, items.runStart, runWords),
    'items-segments': cut(items.segments, items.segmentStart, 1),
  }
}

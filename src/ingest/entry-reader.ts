import type { BadRows } from './bad-rows.ts'
import type { Entries } from './entries.ts'
import type { IdColumn } from './id-column.ts'
import type { LineBlock } from './text.ts'

/** Turns the lines of a text file into entries. Every line is a row; a bad one changes nothing but the counts. */
export interface EntryReader {
  readonly entries: Entries
  readonly bad: BadRows
  /** Whether the first line holds names. */
  readonly header: boolean
  /** What stands where in a line, in words. */
  readonly layout: string
  /** @throws InputError for a bad row, unless bad rows are skipped. */
  read(block: LineBlock): void
}

/** One that numbers ids in order of first appearance. */
export interface IdReader extends EntryReader {
  readonly users: IdColumn
  readonly items: IdColumn
}

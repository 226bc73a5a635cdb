import { InputError } from '../errors.ts'
import { BadRows } from './bad-rows.ts'
import { Entries } from './entries.ts'
import type { EntryReader } from './entry-reader.ts'
import { type Fields, isBlank } from './fields.ts'
import type { ReadSettings } from './options.ts'
import { type LineBlock, LONGEST_LINE, shownLine, TOO_LONG } from './text.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Reads lines whose fields are separated by any number of spaces and tabs. Lines without fields are passed over. */
export abstract class BlankReader implements EntryReader {
  readonly entries: Entries
  readonly bad: BadRows
  readonly header = false
  abstract readonly layout: string
  /** The line at hand, counted from 1. */
  protected line = 0
  protected readonly file: string
  protected readonly settings: ReadSettings
  readonly #fields: Fields = {
    bytes: new Uint8Array(0),
    starts: new Int32Array(64),
    ends: new Int32Array(64),
    count: 0,
  }

  constructor(file: string, settings: ReadSettings, withTimes = false) {
    this.entries = new Entries(withTimes)
    this.file = file
    this.settings = settings
    this.bad = new BadRows(file, settings)
  }

  read({ bytes, overlong }: LineBlock): void {
    if (overlong) {
      this.bad.reject(bytes, ++this.line, TOO_LONG)
      return
    }
    for (let start = 0; start < bytes.length; ) {
      const feed = bytes.indexOf(LINE_FEED, start)
      const end = feed > start && bytes[feed - 1] === CARRIAGE_RETURN ? feed - 1 : feed
      this.line++
      const problem = end - start > LONGEST_LINE ? TOO_LONG : this.#take(bytes, start, end)
      if (problem !== undefined) this.bad.reject(bytes.subarray(start, end), this.line, problem)
      start = feed + 1
    }
  }

  /** Takes the entries of a line, which has at least one field, or returns what is wrong with it. */
  protected abstract row(fields: Fields): string | undefined

  /** An error about the line at hand that no policy passes over. */
  protected failure(problem: string, { bytes, starts, ends, count }: Fields): InputError {
    const text = shownLine(bytes.subarray(starts[0], ends[count - 1]))
    return new InputError(problem, { file: this.file, line: this.line, text })
  }

  #take(bytes: Uint8Array, start: number, end: number): string | undefined {
    const fields = this.#fields
    fields.bytes = bytes
    fields.count = 0
    for (let p = start; ; ) {
      while (p < end && isBlank(bytes[p])) p++
      if (p === end) break
      if (fields.count === fields.starts.length) grow(fields)
      fields.starts[fields.count] = p
      while (p < end && !isBlank(bytes[p])) p++
      fields.ends[fields.count++] = p
    }
    return fields.count === 0 ? undefined : this.row(fields)
  }
}

function grow(fields: Fields): void {
  for (const name of ['starts', 'ends'] as const) {
    const longer = new Int32Array(2 * fields[name].length)
    longer.set(fields[name])
    fields[name] = longer
  }
}

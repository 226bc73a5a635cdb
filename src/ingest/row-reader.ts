import { BadRows, idProblem, ratingProblem } from './bad-rows.ts'
import { type Dialect, nameDelimiter } from './dialect.ts'
import { Entries } from './entries.ts'
import type { IdReader } from './entry-reader.ts'
import { isBlank, parseNumberBytes, parseTimeBytes, splitQuoted, startsAt } from './fields.ts'
import { IdColumn } from './id-column.ts'
import type { ReadSettings } from './options.ts'
import { type LineBlock, LONGEST_LINE, TOO_LONG } from './text.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const QUOTE = 0x22
const SPACE = 0x20

/** Reads lines of as many fields each, a user, an item and mostly a rating among them. */
export class RowReader implements IdReader {
  readonly users = new IdColumn()
  readonly items = new IdColumn()
  readonly entries: Entries
  readonly bad: BadRows
  readonly header: boolean
  readonly layout: string
  readonly #dialect: Dialect
  readonly #settings: ReadSettings
  readonly #delimiter: Uint8Array
  /** 1 for the bytes that end a run of ordinary ones. */
  readonly #special = new Uint8Array(256)
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #needed: readonly number[]
  #line = 0
  #headerPending: boolean

  constructor(file: string, dialect: Dialect, settings: ReadSettings) {
    this.bad = new BadRows(file, settings)
    this.header = dialect.header
    this.layout = layoutOf(dialect)
    this.#dialect = dialect
    this.#settings = settings
    this.#delimiter = new TextEncoder().encode(dialect.delimiter)
    for (const byte of [LINE_FEED, QUOTE, this.#delimiter[0]!]) this.#special[byte] = 1
    this.#starts = new Int32Array(dialect.fields + 1)
    this.#ends = new Int32Array(dialect.fields + 1)
    this.#headerPending = dialect.header
    this.#needed = Object.values(dialect.roles).filter(column => column !== undefined)
    this.entries = new Entries(dialect.roles.time !== undefined)
  }

  read({ bytes, overlong }: LineBlock): void {
    if (overlong) {
      this.bad.reject(bytes, ++this.#line, TOO_LONG)
      return
    }
    const delimiter = this.#delimiter
    const special = this.#special
    const starts = this.#starts
    const ends = this.#ends
    for (let p = 0; p < bytes.length; p++) {
      const start = p
      let count = 0
      let quoted = false
      starts[0] = start
      for (;;) {
        while (special[bytes[p]!] === 0) p++
        const byte = bytes[p]
        if (byte === LINE_FEED) break
        if (byte === QUOTE) quoted = true
        else if (delimiter.length === 1 || startsAt(bytes, p, delimiter)) {
          ends[count] = p
          p += delimiter.length
          starts[++count] = p
          continue
        }
        p++
      }
      const end = p > start && bytes[p - 1] === CARRIAGE_RETURN ? p - 1 : p
      ends[count++] = end
      this.#line++
      const problem =
        quoted || this.#headerPending || end - start > LONGEST_LINE
          ? this.#odd(bytes.subarray(start, end))
          : this.#row(bytes, starts, ends, count, true)
      if (problem !== undefined) this.bad.reject(bytes.subarray(start, end), this.#line, problem)
    }
  }

  /** The header, a line with quotes, or one that is too long. */
  #odd(line: Uint8Array): string | undefined {
    if (this.#headerPending) {
      this.#headerPending = line.every(isBlank)
      return undefined
    }
    if (line.length > LONGEST_LINE) return TOO_LONG
    const fields = splitQuoted(line, this.#delimiter, this.#dialect.fields + 1)
    if (fields === undefined) return 'a quoted field does not end with its quote'
    return this.#row(fields.bytes, fields.starts, fields.ends, fields.count, false)
  }

  /** What a file that is no table of ratings may be, where no option says what it is. */
  #advice(): string {
    const blanks = this.#dialect.delimiter === ' ' || this.#dialect.delimiter === '\t'
    if (!blanks || this.#settings.format !== 'auto') return ''
    return "; format: 'adjacency' (--format adjacency) takes each line for a user and its items"
  }

  /** Takes the entry of a row, or returns what is wrong with it. */
  #row(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, count: number, padded: boolean): string | undefined {
    const { fields, roles, delimiter } = this.#dialect
    const trailing = count === fields + 1 && starts[fields] === ends[fields]
    if (count !== fields && !trailing) {
      return `expected ${fields} fields separated by ${nameDelimiter(delimiter)}, found ${count}${this.#advice()}`
    }
    if (padded) for (const field of this.#needed) trim(bytes, starts, ends, field)
    const { rating } = roles
    const value = rating === undefined ? 1 : parseNumberBytes(bytes, starts[rating]!, ends[rating]!)
    if (!Number.isFinite(Math.fround(value))) {
      return ratingProblem(value, bytes.subarray(starts[rating!], ends[rating!])) + this.#advice()
    }
    const time = roles.time === undefined ? 0 : parseTimeBytes(bytes, starts[roles.time]!, ends[roles.time]!)
    if (!Number.isFinite(time)) return 'expected a number or an ISO date as timestamp'
    let user = this.users.find(bytes, starts[roles.user]!, ends[roles.user]!)
    let item = this.items.find(bytes, starts[roles.item]!, ends[roles.item]!)
    if (user < 0 || item < 0) {
      const { ids } = this.#settings
      const userId = bytes.subarray(starts[roles.user], ends[roles.user])
      const itemId = bytes.subarray(starts[roles.item], ends[roles.item])
      const problem = idProblem('user', userId, ids) ?? idProblem('item', itemId, ids)
      if (problem !== undefined) return problem
      if (user < 0) user = this.users.add(userId, this.#line)
      if (item < 0) item = this.items.add(itemId, this.#line)
    }
    this.entries.push(user, item, value, time)
    return undefined
  }
}

function layoutOf({ delimiter, fields, roles }: Dialect): string {
  const { user, item, rating, time } = roles
  const places = Object.entries({ user, item, rating, timestamp: time }).filter(([, field]) => field !== undefined)
  const words = places.map(([role, field]) => `${role} ${field! + 1}`).join(', ')
  return `${fields} fields separated by ${nameDelimiter(delimiter)} (${words})`
}

function trim(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, field: number): void {
  let start = starts[field]!
  let end = ends[field]!
  if (bytes[start]! > SPACE && bytes[end - 1]! > SPACE) return
  while (start < end && isBlank(bytes[start])) start++
  while (end > start && isBlank(bytes[end - 1])) end--
  starts[field] = start
  ends[field] = end
}

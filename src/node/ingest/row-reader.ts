import { InputError } from '../../errors.ts'
import { type Dialect, nameDelimiter } from './dialect.ts'
import { Entries } from './entries.ts'
import { integerKind, isBlank, parseNumberBytes, parseTimeBytes, splitQuoted, startsAt } from './fields.ts'
import { IdColumn } from './id-column.ts'
import { type ReadCounts, type ReadSettings, unsafeInteger } from './options.ts'
import { decodeLoosely, type LineBlock, LONGEST_LINE, shownLine } from './text.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const QUOTE = 0x22
const SPACE = 0x20

const TOO_LONG = `the line is longer than ${LONGEST_LINE} bytes`

/** Turns lines into entries. Every line is one row; a bad one changes nothing but the counts. */
export class RowReader implements ReadCounts {
  readonly users = new IdColumn()
  readonly items = new IdColumn()
  readonly entries: Entries
  skipped = 0
  firstSkipped: InputError | undefined
  readonly #file: string
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
    this.#file = file
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

  /** @throws InputError for a bad row, unless bad rows are skipped. */
  read({ bytes, overlong }: LineBlock): void {
    if (overlong) {
      this.#line++
      this.#reject(bytes, TOO_LONG)
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
      if (problem !== undefined) this.#reject(bytes.subarray(start, end), problem)
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

  /** Takes the entry of a row, or returns what is wrong with it. */
  #row(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, count: number, padded: boolean): string | undefined {
    const { fields, roles, delimiter } = this.#dialect
    const trailing = count === fields + 1 && starts[fields] === ends[fields]
    if (count !== fields && !trailing) {
      return `expected ${fields} fields separated by ${nameDelimiter(delimiter)}, found ${count}`
    }
    if (padded) for (const field of this.#needed) trim(bytes, starts, ends, field)
    const value = parseNumberBytes(bytes, starts[roles.rating]!, ends[roles.rating]!)
    if (!Number.isFinite(Math.fround(value))) {
      return ratingProblem(value, decodeLoosely(bytes.subarray(starts[roles.rating], ends[roles.rating])))
    }
    const time = roles.time === undefined ? 0 : parseTimeBytes(bytes, starts[roles.time]!, ends[roles.time]!)
    if (!Number.isFinite(time)) return 'expected a number or an ISO date as timestamp'
    let user = this.users.find(bytes, starts[roles.user]!, ends[roles.user]!)
    let item = this.items.find(bytes, starts[roles.item]!, ends[roles.item]!)
    if (user < 0 || item < 0) {
      const userId = bytes.subarray(starts[roles.user], ends[roles.user])
      const itemId = bytes.subarray(starts[roles.item], ends[roles.item])
      const problem = this.#idProblem('user', userId) ?? this.#idProblem('item', itemId)
      if (problem !== undefined) return problem
      if (user < 0) user = this.users.add(userId, this.#line)
      if (item < 0) item = this.items.add(itemId, this.#line)
    }
    this.entries.push(user, item, value, time)
    return undefined
  }

  #idProblem(role: string, bytes: Uint8Array): string | undefined {
    if (bytes.length === 0) return `the ${role} id is empty`
    if (bytes.indexOf(0) >= 0) return `the ${role} id holds a zero byte`
    if (this.#settings.ids !== 'integer') return undefined
    const text = decodeLoosely(bytes)
    const kind = integerKind(text)
    if (kind === 'unsafe') return unsafeInteger(role, text)
    return kind === 'none' ? `expected an integer without leading zeros as ${role} id` : undefined
  }

  /** Throws or counts a bad row; empty lines are none. */
  #reject(line: Uint8Array, problem: string): void {
    if (line.every(isBlank)) return
    const skips = this.#settings.onBadRow === 'skip'
    if (skips) this.skipped++
    if (this.firstSkipped !== undefined) return
    const error = new InputError(problem, { file: this.#file, line: this.#line, text: shownLine(line) })
    if (!skips) throw error
    this.firstSkipped = error
  }
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

function ratingProblem(value: number, text: string): string {
  if (Number.isNaN(value) && !/^[+-]?(nan|inf|infinity)$/i.test(text)) {
    return `expected a number as rating, found ${JSON.stringify(text.slice(0, 40))}`
  }
  return Number.isNaN(value) ? 'the rating is not finite' : 'the rating is beyond the range of a 32-bit float'
}

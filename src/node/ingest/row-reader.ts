import { InputError } from '../../errors.ts'
import { type Dialect, nameDelimiter } from './dialect.ts'
import { Entries } from './entries.ts'
import { integerKind, isBlank, parseNumberBytes, parseTimeBytes, splitQuoted, startsAt } from './fields.ts'
import { IdColumn } from './id-column.ts'
import type { ReadCounts, ReadSettings } from './options.ts'
import { decodeLoosely, LONGEST_LINE, type LineBlock, shownLine } from './text.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const QUOTE = 0x22

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
  #starts: Int32Array
  #ends: Int32Array
  #line = 0
  #headerPending: boolean

  constructor(file: string, dialect: Dialect, settings: ReadSettings) {
    this.#file = file
    this.#dialect = dialect
    this.#settings = settings
    this.#delimiter = new TextEncoder().encode(dialect.delimiter)
    this.#starts = new Int32Array(dialect.fields + 1)
    this.#ends = new Int32Array(dialect.fields + 1)
    this.#headerPending = dialect.header
    this.entries = new Entries(dialect.roles.time !== undefined)
  }

  /** @throws InputError for a bad row, unless bad rows are skipped. */
  read({ bytes, overlong }: LineBlock): void {
    if (overlong) {
      this.#line++
      this.#reject(bytes, `the line is longer than ${LONGEST_LINE} bytes`)
      return
    }
    const delimiter = this.#delimiter
    const lead = delimiter[0]
    const long = delimiter.length > 1
    const starts = this.#starts
    const ends = this.#ends
    for (let p = 0; p < bytes.length; p++) {
      const start = p
      let count = 0
      let quoted = false
      starts[0] = start
      for (let byte = bytes[p]; byte !== LINE_FEED; byte = bytes[p]) {
        if (byte === lead && (!long || startsAt(bytes, p, delimiter))) {
          ends[count] = p
          p += delimiter.length
          starts[++count] = p
        } else {
          if (byte === QUOTE) quoted = true
          p++
        }
      }
      const end = p > start && bytes[p - 1] === CARRIAGE_RETURN ? p - 1 : p
      ends[count++] = end
      this.#line++
      if (quoted || end - start > LONGEST_LINE) this.#odd(bytes.subarray(start, end))
      else this.#row(bytes, start, end, bytes, starts, ends, count)
    }
  }

  /** A line with quotes, or one that is too long. */
  #odd(line: Uint8Array): void {
    if (line.length > LONGEST_LINE) return this.#reject(line, `the line is longer than ${LONGEST_LINE} bytes`)
    const fields = splitQuoted(line, this.#delimiter, this.#dialect.fields + 1)
    if (fields === undefined) this.#reject(line, 'a quoted field does not end with its quote')
    else this.#row(line, 0, line.length, fields.bytes, fields.starts, fields.ends, fields.count)
  }

  /** The row of `line[lineStart]` to `line[lineEnd - 1]`, whose fields lie in `bytes`. */
  #row(
    line: Uint8Array,
    lineStart: number,
    lineEnd: number,
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    count: number,
  ): void {
    const { fields, roles } = this.#dialect
    const trailing = count === fields + 1 && starts[fields] === ends[fields]
    if (this.#headerPending || (count !== fields && !trailing)) {
      this.#irregular(line.subarray(lineStart, lineEnd), count)
      return
    }
    // Quoted fields have been copied out of the line, and trimmed outside of the quotes.
    if (bytes === line) trimFields(bytes, starts, ends, count)
    const value = parseNumberBytes(bytes, starts[roles.rating]!, ends[roles.rating]!)
    if (!Number.isFinite(Math.fround(value))) {
      const text = decodeLoosely(bytes.subarray(starts[roles.rating], ends[roles.rating]))
      return this.#reject(line.subarray(lineStart, lineEnd), ratingProblem(value, text))
    }
    let time = 0
    if (roles.time !== undefined) {
      time = parseTimeBytes(bytes, starts[roles.time]!, ends[roles.time]!)
      if (!Number.isFinite(time)) {
        return this.#reject(line.subarray(lineStart, lineEnd), 'expected a number or an ISO date as timestamp')
      }
    }
    let user = this.users.find(bytes, starts[roles.user]!, ends[roles.user]!)
    let item = this.items.find(bytes, starts[roles.item]!, ends[roles.item]!)
    if (user < 0 || item < 0) {
      const userBytes = bytes.subarray(starts[roles.user], ends[roles.user])
      const itemBytes = bytes.subarray(starts[roles.item], ends[roles.item])
      const problem = this.#idProblem('user', userBytes) ?? this.#idProblem('item', itemBytes)
      if (problem !== undefined) return this.#reject(line.subarray(lineStart, lineEnd), problem)
      if (user < 0) user = this.users.add(userBytes, 0, userBytes.length, this.#line)
      if (item < 0) item = this.items.add(itemBytes, 0, itemBytes.length, this.#line)
    }
    this.entries.push(user, item, value, time)
  }

  /** An empty line, the header, or a line with another number of fields. */
  #irregular(line: Uint8Array, count: number): void {
    if (line.every(isBlank)) return
    if (this.#headerPending) {
      this.#headerPending = false
      return
    }
    const { fields, delimiter } = this.#dialect
    this.#reject(line, `expected ${fields} fields separated by ${nameDelimiter(delimiter)}, found ${count}`)
  }

  #idProblem(role: string, bytes: Uint8Array): string | undefined {
    if (bytes.length === 0) return `the ${role} id is empty`
    if (bytes.indexOf(0) >= 0) return `the ${role} id holds a zero byte`
    if (this.#settings.ids !== 'integer') return undefined
    const kind = integerKind(decodeLoosely(bytes))
    if (kind === 'safe') return undefined
    return kind === 'none'
      ? `expected an integer without leading zeros as ${role} id`
      : `the ${role} id is beyond the largest safe integer (2^53 - 1); ids: 'string' (--ids string) reads ids as text`
  }

  #reject(line: Uint8Array, problem: string): void {
    if (this.#settings.onBadRow === 'skip') {
      this.skipped++
      if (this.firstSkipped !== undefined) return
    }
    const error = new InputError(problem, { file: this.#file, line: this.#line, text: shownLine(line) })
    if (this.#settings.onBadRow === 'error') throw error
    this.firstSkipped = error
  }
}

function trimFields(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, count: number): void {
  for (let field = 0; field < count; field++) {
    let start = starts[field]!
    let end = ends[field]!
    while (start < end && isBlank(bytes[start])) start++
    while (end > start && isBlank(bytes[end - 1])) end--
    starts[field] = start
    ends[field] = end
  }
}

function ratingProblem(value: number, text: string): string {
  if (Number.isNaN(value) && !/^[+-]?(nan|inf|infinity)$/i.test(text)) {
    return `expected a number as rating, found ${JSON.stringify(text.slice(0, 40))}`
  }
  return Number.isNaN(value) ? 'the rating is not finite' : 'the rating is beyond the range of a 32-bit float'
}

/** Parsing of single fields and lines from bytes; `from` is the first byte and `to` the one behind the last. */

const QUOTE = 0x22
const MINUS = 0x2d
const DOT = 0x2e

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const ISO_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?\s?(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/
const POWERS_OF_TEN = Float64Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)

/** The number that a text spells out in decimal notation, otherwise NaN; `1e999` gives Infinity. */
export function parseNumber(text: string): number {
  const trimmed = text.trim()
  return DECIMAL.test(trimmed) ? Number(trimmed) : Number.NaN
}

/** Seconds since 1970 from a number or an ISO 8601 date (UTC where it names no zone), otherwise NaN. */
export function parseTime(text: string): number {
  const trimmed = text.trim()
  if (DECIMAL.test(trimmed)) return Number(trimmed)
  const parts = ISO_TIME.exec(trimmed)
  if (parts === null) return Number.NaN
  const [, year, month, day, hour = '0', minute = '0', second = '0', zone = 'Z'] = parts
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  const onCalendar = date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day)
  const onClock = Number(hour) < 25 && Number(minute) < 60 && Number(second) < 61
  if (!onCalendar || !onClock) return Number.NaN
  const days = date.getTime() / 1000
  return days + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds(zone)
}

function zoneSeconds(zone: string): number {
  if (zone === 'Z' || zone === 'UTC') return 0
  const digits = zone.replace(':', '')
  const seconds = Number(digits.slice(1, 3)) * 3600 + Number(digits.slice(3) || '0') * 60
  return digits.startsWith('-') ? -seconds : seconds
}

/**
 * `parseNumber` on bytes. Up to 15 digits are one integer below 2^53 and one power of ten, both exact, so that their
 * quotient is the correctly rounded double (Clinger 1990, the fast path).
 */
export function parseNumberBytes(bytes: Uint8Array, from: number, to: number): number {
  const negative = bytes[from] === MINUS
  const first = negative ? from + 1 : from
  if (to - first > 16 || first >= to) return parseNumber(asciiText(bytes, from, to))
  let mantissa = 0
  let dot = -1
  for (let p = first; p < to; p++) {
    const digit = bytes[p]! - 0x30
    if (digit >= 0 && digit <= 9) mantissa = mantissa * 10 + digit
    else if (bytes[p] === DOT && dot < 0) dot = p
    else return parseNumber(asciiText(bytes, from, to))
  }
  const count = to - first - (dot < 0 ? 0 : 1)
  if (count === 0 || count > 15) return parseNumber(asciiText(bytes, from, to))
  const value = dot < 0 ? mantissa : mantissa / POWERS_OF_TEN[to - 1 - dot]!
  return negative ? -value : value
}

/** `parseTime` on bytes; a plain date takes a short way. */
export function parseTimeBytes(bytes: Uint8Array, from: number, to: number): number {
  if (to - from === 10 && bytes[from + 4] === MINUS && bytes[from + 7] === MINUS) {
    const year = digits(bytes, from, from + 4)
    const month = digits(bytes, from + 5, from + 7)
    const day = digits(bytes, from + 8, to)
    // `Date.UTC` takes smaller years for those of the twentieth century; days from 29 on depend on the month.
    if (year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 28) return Date.UTC(year, month - 1, day) / 1000
  }
  const value = parseNumberBytes(bytes, from, to)
  return Number.isNaN(value) ? parseTime(asciiText(bytes, from, to)) : value
}

/** The number that digits alone spell out, otherwise NaN. */
function digits(bytes: Uint8Array, from: number, to: number): number {
  let number = 0
  for (let p = from; p < to; p++) {
    const digit = bytes[p]! - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    number = number * 10 + digit
  }
  return number
}

/** The bytes as characters of the same codes: numbers and dates are ASCII, and other bytes make them invalid anyway. */
function asciiText(bytes: Uint8Array, from: number, to: number): string {
  return to - from > 400 ? '' : String.fromCharCode(...bytes.subarray(from, to))
}

/** What an id may be as an integer: no integer in canonical notation, one that a number holds, or one beyond 2^53 - 1. */
export type IntegerKind = 'none' | 'safe' | 'unsafe'

/** Canonical notation has no plus, no leading zeros and no negative zero, so that it is the integer's only name. */
export function integerKind(text: string): IntegerKind {
  if (!/^(?:0|-?[1-9]\d*)$/.test(text)) return 'none'
  return Number.isSafeInteger(Number(text)) ? 'safe' : 'unsafe'
}

/** The fields of one line: `bytes` from `starts[f]` to `ends[f]`, for f below `count`. */
export interface Fields {
  bytes: Uint8Array
  starts: Int32Array
  ends: Int32Array
  count: number
}

/**
 * Splits a line whose fields may be quoted: a field that opens with `"` ends at the next single `"`, and `""` inside
 * stands for one. Quoted fields never reach beyond the line. Blanks around fields are left out, inside of quotes kept.
 * @returns undefined where a quoted field does not end with its quote. Fields beyond the capacity are only counted.
 */
export function splitQuoted(line: Uint8Array, delimiter: Uint8Array, capacity: number): Fields | undefined {
  const text = new Uint8Array(line.length)
  const fields = { bytes: text, starts: new Int32Array(capacity), ends: new Int32Array(capacity), count: 0 }
  let end = 0
  let p = 0
  const atEnd = () => p >= line.length || startsAt(line, p, delimiter)
  const skipBlanks = () => {
    while (isBlank(line[p]) && !atEnd()) p++
  }
  for (;;) {
    const start = end
    skipBlanks()
    if (line[p] === QUOTE) {
      p++
      while (p < line.length && (line[p] !== QUOTE || line[p + 1] === QUOTE)) {
        if (line[p] === QUOTE) p++
        text[end++] = line[p++]!
      }
      if (p >= line.length) return undefined
      p++
      skipBlanks()
      if (!atEnd()) return undefined
    } else {
      while (!atEnd()) text[end++] = line[p++]!
      while (end > start && isBlank(text[end - 1])) end--
    }
    fields.starts[fields.count] = start
    fields.ends[fields.count] = end
    fields.count++
    if (p >= line.length) return fields
    p += delimiter.length
  }
}

/** A space or a tab. */
export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

/** Whether `pattern` stands in `bytes` at `position`. */
export function startsAt(bytes: Uint8Array, position: number, pattern: Uint8Array): boolean {
  for (let k = 0; k < pattern.length; k++) if (bytes[position + k] !== pattern[k]) return false
  return true
}

import { parseNumber } from '../fields.ts'
import { type FlatColumn, WIDEST_DECIMAL } from './schema.ts'
import type { Values } from './values.ts'

/** The values of a column as numbers. */
export interface Numbers {
  /** NaN where there is no number. */
  numbers: Float64Array
  /** 1 where there is no value at all; undefined where every row has one. */
  missing: Uint8Array | undefined
}

/** The double of a 64-bit integer in two 32-bit halves, rounded once. */
const HIGH = 2 ** 32

/** Infinite dates and timestamps, as DuckDB writes them. */
const INFINITE_DAYS = 2 ** 31 - 1

/** Days from the Julian day 0 to 1970. */
const JULIAN_1970 = 2_440_588

/** Numbers as they are, seconds since 1970 from dates and timestamps. */
export function numbersOf(column: FlatColumn, values: Values): Numbers {
  switch (column.content) {
    case 'text':
      return textNumbers(values)
    case 'days':
    case 'milliseconds':
    case 'microseconds':
    case 'nanoseconds':
    case 'julian':
      return times(column, values)
    default:
      return { numbers: plainNumbers(column, values), missing: undefined }
  }
}

function plainNumbers(column: FlatColumn, values: Values): Float64Array {
  switch (column.content) {
    case 'boolean':
      return Float64Array.from(values.bytes)
    case 'float':
      return floats(values)
    case 'signed':
      return values.width === 4 ? Float64Array.from(new Int32Array(aligned(values))) : longs(values, true)
    case 'unsigned':
      return values.width === 4 ? Float64Array.from(new Uint32Array(aligned(values))) : longs(values, false)
    case 'decimal':
      return decimals(column, values)
    default:
      throw new Error(`${column.name} holds no numbers`)
  }
}

/** A copy of the bytes, which a typed array can begin with. */
function aligned({ bytes }: Values): ArrayBuffer {
  return bytes.slice().buffer
}

function floats(values: Values): Float64Array {
  if (values.width === 8) return new Float64Array(aligned(values))
  if (values.width === 4) return Float64Array.from(new Float32Array(aligned(values)))
  return Float64Array.from(new Uint16Array(aligned(values)), halfToNumber)
}

function halfToNumber(half: number): number {
  const sign = half >>> 15 === 1 ? -1 : 1
  const exponent = (half >>> 10) & 31
  const fraction = (half & 1023) / 1024
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * 2 ** -14 * fraction : sign * 2 ** (exponent - 15) * (1 + fraction)
}

function longs(values: Values, signed: boolean): Float64Array {
  const buffer = aligned(values)
  const low = new Uint32Array(buffer)
  const high = signed ? new Int32Array(buffer) : low
  const numbers = new Float64Array(values.count)
  for (let k = 0; k < values.count; k++) numbers[k] = high[2 * k + 1]! * HIGH + low[2 * k]!
  return numbers
}

/** Quotients of exact integers, as far as doubles hold them, as DuckDB casts them. */
function decimals(column: FlatColumn, values: Values): Float64Array {
  const power = 10n ** BigInt(column.scale)
  const divisor = 10 ** column.scale
  return Float64Array.from({ length: values.count }, (_, k) => {
    const unscaled = unscaledDecimal(column, values, k)
    const number = Number(unscaled)
    if (Number.isSafeInteger(number)) return number / divisor
    return Number(unscaled / power) + Number(unscaled % power) / divisor
  })
}

/** The integer of a decimal: little-endian where it is of a type of integers, otherwise big-endian. */
export function unscaledDecimal({ physical }: FlatColumn, values: Values, k: number): bigint {
  const { bytes, width } = values
  const from = width === 0 ? values.starts[k]! : k * width
  const to = width === 0 ? values.ends[k]! : from + width
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (physical === 'INT32') return BigInt(view.getInt32(from, true))
  if (physical === 'INT64') return view.getBigInt64(from, true)
  if (to - from > WIDEST_DECIMAL) throw new Error(`a decimal takes ${to - from} bytes`)
  let value = 0n
  for (let at = from; at < to; at++) value = value * 256n + BigInt(bytes[at]!)
  return BigInt.asIntN(8 * (to - from), value)
}

function textNumbers(values: Values): Numbers {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const numbers = new Float64Array(values.count)
  const missing = new Uint8Array(values.count)
  for (let k = 0; k < values.count; k++) {
    const from = values.width === 0 ? values.starts[k]! : k * values.width
    const to = values.width === 0 ? values.ends[k]! : from + values.width
    const number = castNumber(decoder.decode(values.bytes.subarray(from, to)))
    numbers[k] = number ?? Number.NaN
    missing[k] = number === undefined ? 1 : 0
  }
  return { numbers, missing }
}

/** The number that DuckDB's cast makes of a text, also `nan` and `inf`; undefined where there is none. */
export function castNumber(text: string): number | undefined {
  const trimmed = text.replace(/^[ \t-\r]+|[ \t-\r]+$/g, '')
  const special = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i.exec(trimmed)
  if (special?.[2] !== undefined) return Number.NaN
  if (special !== null) return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (/[^!-~]/.test(trimmed)) return undefined
  const number = parseNumber(trimmed.replace(/(?<=\d)_(?=\d)/g, ''))
  return Number.isNaN(number) ? undefined : number
}

function times(column: FlatColumn, values: Values): Numbers {
  const buffer = aligned(values)
  const words = new Int32Array(buffer)
  const low = new Uint32Array(buffer)
  const numbers = new Float64Array(values.count)
  const missing = new Uint8Array(values.count)
  for (let k = 0; k < values.count; k++) {
    const high = words[2 * k + 1]!
    if (column.content === 'days') {
      numbers[k] = words[k]! * 86_400
      missing[k] = Math.abs(words[k]!) === INFINITE_DAYS ? 1 : 0
    } else if (column.content === 'julian') {
      const nanoseconds = low[3 * k + 1]! * HIGH + low[3 * k]!
      numbers[k] = ((low[3 * k + 2]! - JULIAN_1970) * 86_400e6 + Math.floor(nanoseconds / 1000)) / 1e6
    } else {
      numbers[k] = seconds(high, low[2 * k]!, column.content)
      // The largest integer is infinity, its negative the other one.
      missing[k] =
        (high === 0x7fffffff && low[2 * k] === 0xffffffff) || (high === -0x80000000 && low[2 * k]! <= 1) ? 1 : 0
    }
    if (missing[k] === 1) numbers[k] = Number.NaN
  }
  return { numbers, missing }
}

function seconds(high: number, low: number, unit: FlatColumn['content']): number {
  if (unit === 'microseconds') return (high * HIGH + low) / 1e6
  if (unit === 'milliseconds') return ((high * HIGH + low) * 1000) / 1e6
  // Whole microseconds, by long division, because doubles do not hold the nanoseconds of our days.
  const quotient = Math.floor(high / 1000)
  const rest = (high - quotient * 1000) * HIGH + low
  const towardsZero = high < 0 && rest % 1000 !== 0 ? 1 : 0
  return (quotient * HIGH + Math.floor(rest / 1000) + towardsZero) / 1e6
}

import { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
import { unpackHybrid } from './hybrid.ts'
import type { FlatColumn } from './schema.ts'

/**
 * Values of a page or a dictionary: of `width` bytes each, one behind the other, or, where that is 0, the bytes from
 * `starts[k]` to `ends[k] - 1`.
 */
export interface Values {
  count: number
  bytes: Uint8Array
  width: number
  starts: Uint32Array
  ends: Uint32Array
}

/** Encodings of values that are not indices into a dictionary. */
export const VALUE_ENCODINGS: readonly string[] = [
  'PLAIN',
  'RLE',
  'BYTE_STREAM_SPLIT',
  'DELTA_BINARY_PACKED',
  'DELTA_LENGTH_BYTE_ARRAY',
  'DELTA_BYTE_ARRAY',
]

const NONE = new Uint32Array(0)

/** @throws Error where the bytes do not hold `count` values in this encoding. */
export function decodeValues(bytes: Uint8Array, encoding: string, column: FlatColumn, count: number): Values {
  if (count === 0) return fixed(new Uint8Array(0), Math.max(1, column.width), 0)
  const { physical, width } = column
  switch (encoding) {
    case 'PLAIN':
      if (physical === 'BOOLEAN') return fixed(bits(bytes, count), 1, count)
      return width === 0 ? prefixed(bytes, count) : fixed(bytes, width, count)
    case 'RLE': {
      if (physical !== 'BOOLEAN') break
      const flags = new Uint8Array(count)
      unpackHybrid(sized(bytes), 1, flags)
      return fixed(flags, 1, count)
    }
    case 'BYTE_STREAM_SPLIT':
      return fixed(gathered(bytes, width, count), width, count)
    case 'DELTA_BINARY_PACKED': {
      if (physical !== 'INT32' && physical !== 'INT64') break
      const integers = physical === 'INT32' ? new Int32Array(count) : new BigInt64Array(count)
      deltaBinaryUnpack(reader(bytes), count, integers)
      return fixed(new Uint8Array(integers.buffer), width, count)
    }
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return suffixed(bytes, count)
    case 'DELTA_BYTE_ARRAY':
      return incremental(bytes, count, width)
    default:
  }
  throw new Error(`values of ${physical} are not encoded by ${encoding}`)
}

/** The bytes behind a 32-bit length. */
export function sized(bytes: Uint8Array): Uint8Array {
  const length = reader(bytes).view.getUint32(0, true)
  if (length > bytes.length - 4) throw new Error('encoded values are cut off')
  return bytes.subarray(4, 4 + length)
}

function reader(bytes: Uint8Array): { view: DataView; offset: number } {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
}

function fixed(bytes: Uint8Array, width: number, count: number): Values {
  if (width === 0 || width * count > bytes.length) throw new Error('values are cut off')
  return { count, width, bytes: bytes.subarray(0, width * count), starts: NONE, ends: NONE }
}

function bits(bytes: Uint8Array, count: number): Uint8Array {
  if (Math.ceil(count / 8) > bytes.length) throw new Error('values are cut off')
  return Uint8Array.from({ length: count }, (_, k) => (bytes[k >>> 3]! >>> (k & 7)) & 1)
}

function gathered(bytes: Uint8Array, width: number, count: number): Uint8Array {
  if (width === 0 || width * count > bytes.length) throw new Error('values are cut off')
  const whole = new Uint8Array(width * count)
  for (let byte = 0; byte < width; byte++) {
    for (let k = 0; k < count; k++) whole[k * width + byte] = bytes[byte * count + k]!
  }
  return whole
}

/** Each behind its length. */
function prefixed(bytes: Uint8Array, count: number): Values {
  if (4 * count > bytes.length) throw new Error('values are cut off')
  const { view } = reader(bytes)
  const starts = new Uint32Array(count)
  const ends = new Uint32Array(count)
  for (let k = 0, at = 0; k < count; k++) {
    starts[k] = at + 4
    at += 4 + view.getUint32(at, true)
    if (at > bytes.length) throw new Error('values are cut off')
    ends[k] = at
  }
  return { count, bytes, width: 0, starts, ends }
}

function lengths(from: { view: DataView; offset: number }, count: number): Int32Array {
  const list = new Int32Array(count)
  deltaBinaryUnpack(from, count, list)
  if (list.some(length => length < 0)) throw new Error('a value has no length')
  return list
}

/** All behind all of their lengths. */
function suffixed(bytes: Uint8Array, count: number): Values {
  const from = reader(bytes)
  const sizes = lengths(from, count)
  const starts = new Uint32Array(count)
  const ends = new Uint32Array(count)
  for (let k = 0, at = from.offset; k < count; k++) {
    starts[k] = at
    at += sizes[k]!
    if (at > bytes.length) throw new Error('values are cut off')
    ends[k] = at
  }
  return { count, bytes, width: 0, starts, ends }
}

/** Values that begin as those in front of them may take this many times as many bytes as the page that holds them. */
const LARGEST_GROWTH = 256

/** Each as the bytes in which it differs from the one in front of it. */
function incremental(bytes: Uint8Array, count: number, width: number): Values {
  const from = reader(bytes)
  const prefixes = lengths(from, count)
  const { starts: sources, ends: sourceEnds } = suffixed(bytes.subarray(from.offset), count)
  const tail = bytes.subarray(from.offset)
  const starts = new Uint32Array(count)
  const ends = new Uint32Array(count)
  let size = 0
  for (let k = 0; k < count; k++) {
    if (prefixes[k]! > (k === 0 ? 0 : ends[k - 1]! - starts[k - 1]!)) throw new Error('a value has no such beginning')
    starts[k] = size
    size += prefixes[k]! + sourceEnds[k]! - sources[k]!
    ends[k] = size
    if (size > LARGEST_GROWTH * bytes.length) throw new Error('values take too much space')
  }
  const whole = new Uint8Array(size)
  for (let k = 0; k < count; k++) {
    const prefix = prefixes[k]!
    if (prefix > 0) whole.copyWithin(starts[k]!, starts[k - 1]!, starts[k - 1]! + prefix)
    whole.set(tail.subarray(sources[k], sourceEnds[k]), starts[k]! + prefix)
  }
  if (width === 0) return { count, bytes: whole, width, starts, ends }
  if (ends.some((end, k) => end - starts[k]! !== width)) throw new Error('a value has another length')
  return fixed(whole, width, count)
}

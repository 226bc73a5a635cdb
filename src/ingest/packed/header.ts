import type { DuplicatePolicy } from '../../data/duplicates.ts'
import { InputError } from '../../errors.ts'
import { crc32 } from '../crc32.ts'

/** First bytes of a packed file. As in PNG, what treats it as text breaks them. */
export const PACKED_MAGIC = Uint8Array.of(0x89, 0x4c, 0x52, 0x50, 0x0d, 0x0a, 0x1a, 0x0a)

const VERSION = 1

/** Bytes of the header; of which the last four are the CRC-32 of the others. */
export const HEADER_BYTES = 128
const HEADER_SUM = HEADER_BYTES - 4
const SUMS = 56

/** Each section begins at a multiple of this, behind zeros. */
const ALIGNMENT = 64

/** Entries, users and items: positions and indices are 32 bits wide, and the largest index means "unknown". */
const MOST_ROWS = 2 ** 32 - 2

const POLICIES: readonly DuplicatePolicy[] = ['last', 'mean', 'sum', 'error']
const TIMES = 1
const USER_TEXT = 2
const ITEM_TEXT = 4
const POLICY_SHIFT = 8

/** What the header of a packed file says. */
export interface PackedHeader {
  entries: number
  users: number
  items: number
  times: boolean
  /** Bytes of the ids in UTF-8; undefined where they are integers. */
  userText: number | undefined
  itemText: number | undefined
  /** By which entries of one user and item were merged. */
  duplicates: DuplicatePolicy
  /** CRC-32 of each section, 0 for one that is not there. */
  sums: readonly number[]
}

export type SectionType = typeof Uint8Array | typeof Uint32Array | typeof Float32Array | typeof Float64Array

export interface Section {
  /** What an error calls it. */
  name: string
  type: SectionType
  /** Elements. */
  length: number
  /** First byte in the file. */
  start: number
}

/**
 * The sections of a file in their order, and its size. All numbers are little-endian:
 *
 * - users, items U32 [entries]; ratings F32 [entries]; times F64 [entries], where there are any
 * - user ids: integers F64 [users], or text U8, the UTF-8 of one id after the other, and its lengths U32 [users]
 * - item ids: the same
 */
export function sectionsOf(header: Omit<PackedHeader, 'sums' | 'duplicates'>): { sections: Section[]; size: number } {
  const sections: Section[] = []
  let end = HEADER_BYTES
  const add = (name: string, type: SectionType, length: number | undefined) => {
    const start = length === undefined ? end : Math.ceil(end / ALIGNMENT) * ALIGNMENT
    sections.push({ name, type, length: length ?? 0, start })
    end = start + (length ?? 0) * type.BYTES_PER_ELEMENT
  }
  const { entries, users, items, userText, itemText } = header
  add('users', Uint32Array, entries)
  add('items', Uint32Array, entries)
  add('ratings', Float32Array, entries)
  add('times', Float64Array, header.times ? entries : undefined)
  add('user ids', userText === undefined ? Float64Array : Uint8Array, userText ?? users)
  add('lengths of the user ids', Uint32Array, userText === undefined ? undefined : users)
  add('item ids', itemText === undefined ? Float64Array : Uint8Array, itemText ?? items)
  add('lengths of the item ids', Uint32Array, itemText === undefined ? undefined : items)
  return { sections, size: end }
}

/**
 * magic; version, flags U32; entries, users, items, bytes of the user ids, of the item ids U64 (0 for integers); the
 * CRC-32s of the eight sections U32; zeros; the CRC-32 of all that U32. Flags: times 1, user ids as text 2, item ids as
 * text 4; from bit 8 on the policy for duplicates: last, mean, sum, error.
 */
export function encodeHeader(header: PackedHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(PACKED_MAGIC)
  view.setUint32(8, VERSION, true)
  const flags =
    (header.times ? TIMES : 0) |
    (header.userText === undefined ? 0 : USER_TEXT) |
    (header.itemText === undefined ? 0 : ITEM_TEXT) |
    (POLICIES.indexOf(header.duplicates) << POLICY_SHIFT)
  view.setUint32(12, flags, true)
  const { entries, users, items, userText = 0, itemText = 0 } = header
  for (const [at, count] of [entries, users, items, userText, itemText].entries()) {
    view.setBigUint64(16 + 8 * at, BigInt(count), true)
  }
  for (const [at, sum] of header.sums.entries()) view.setUint32(SUMS + 4 * at, sum, true)
  view.setUint32(HEADER_SUM, crc32(bytes.subarray(0, HEADER_SUM)), true)
  return bytes
}

/**
 * Reads the first bytes of a file of `size` bytes, and checks that what they promise makes up the file.
 * @throws InputError where they are damaged, of another version, or the file is longer or shorter.
 */
export function decodeHeader(bytes: Uint8Array, size: number, file: string): PackedHeader {
  const fail = (problem: string) => new InputError(problem, { file })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (PACKED_MAGIC.some((byte, at) => bytes[at] !== byte)) throw fail('the file holds no packed ratings')
  if (bytes.length < HEADER_BYTES) throw fail('the packed ratings are cut off within their header')
  const version = view.getUint32(8, true)
  if (version > VERSION) {
    throw fail(`packed by a newer lowrank (packed version ${version}; this one reads ${VERSION})`)
  }
  const sum = crc32(bytes.subarray(0, HEADER_SUM))
  if (sum !== view.getUint32(HEADER_SUM, true)) throw fail("the packed ratings are damaged: the header's check sum")
  const flags = view.getUint32(12, true)
  const duplicates = POLICIES[flags >>> POLICY_SHIFT]
  const reserved = bytes.subarray(SUMS + 32, HEADER_SUM)
  if (version !== VERSION || (flags & 0xf8) !== 0 || duplicates === undefined || reserved.some(byte => byte !== 0)) {
    throw fail('the packed ratings have a header that no version writes')
  }
  const counts = Array.from({ length: 5 }, (_, at) => Number(view.getBigUint64(16 + 8 * at, true)))
  const [entries, users, items, userText, itemText] = counts as [number, number, number, number, number]
  if (entries > MOST_ROWS || users > MOST_ROWS || items > MOST_ROWS) {
    throw fail(`the packed ratings promise ${entries} entries, ${users} users, ${items} items; at most ${MOST_ROWS}`)
  }
  const header = {
    entries,
    users,
    items,
    times: (flags & TIMES) !== 0,
    userText: (flags & USER_TEXT) === 0 ? undefined : userText,
    itemText: (flags & ITEM_TEXT) === 0 ? undefined : itemText,
    duplicates,
    sums: Array.from({ length: 8 }, (_, at) => view.getUint32(SUMS + 4 * at, true)),
  }
  const { size: expected } = sectionsOf(header)
  if (size !== expected) {
    const problem = size < expected ? 'are cut off' : 'have bytes behind their end'
    throw fail(`the packed ratings ${problem}: the header promises ${expected} bytes, the file has ${size}`)
  }
  return header
}

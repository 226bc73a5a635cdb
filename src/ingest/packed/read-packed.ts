import { checkUnique, IdTable } from '../../data/ids.ts'
import { ratingsOf } from '../../data/ratings.ts'
import { InputError, OptionError } from '../../errors.ts'
import type { ReadSettings } from '../options.ts'
import type { ReadResult } from '../report.ts'
import { decodeHeader, HEADER_BYTES, type PackedHeader, type Section, sectionsOf } from './header.ts'
import { requireLittleEndian } from './words.ts'

/** Bytes a read; a piece is still in the cache when its sum is taken. */
const PIECE = 1 << 22

type Column = Uint8Array | Uint32Array | Float32Array | Float64Array

/** The CRC-32 of bytes, behind those whose sum is `before`. */
export type SumOf = (bytes: Uint8Array, before: number) => number

/** A packed file, wherever it comes from. */
export interface PackedSource {
  /** What errors call the file. */
  file: string
  /** Bytes. */
  size: number
  /** Fills `into` with the bytes from `start` on. @throws InputError where they cannot be read, or the file ends. */
  read(into: Uint8Array, start: number): Promise<void>
  sumOf: SumOf
}

/**
 * Ratings from a packed file, straight into their columns: each byte is read once and, but for ids that are text, copied
 * nowhere. Nothing is allocated before the header has been checked against the size of the file.
 * @throws InputError where the file is damaged, cut off or of a newer version.
 * @throws OptionError where `duplicates`, `columns` or `ids` ask for what the file does not hold.
 */
export async function readPacked(source: PackedSource, settings: ReadSettings): Promise<ReadResult> {
  requireLittleEndian()
  const { file, size } = source
  const head = new Uint8Array(Math.min(HEADER_BYTES, size))
  await source.read(head, 0)
  const header = decodeHeader(head, size, file)
  checkSettings(header, settings, file)
  const columns: Column[] = []
  const { sections } = sectionsOf(header)
  const badIn = [badIndex('user', header.users), badIndex('item', header.items), badRating]
  let end = HEADER_BYTES
  for (const [at, section] of sections.entries()) {
    await checkPadding(source, section, end)
    columns.push(await readSection(source, section, header.sums[at]!, settings, badIn[at]))
    end = section.start + section.length * section.type.BYTES_PER_ELEMENT
  }
  const [users, items, values, times, userIds, userLengths, itemIds, itemLengths] = columns
  const ratings = ratingsOf({
    users: users as Uint32Array,
    items: items as Uint32Array,
    values: values as Float32Array,
    times: header.times ? (times as Float64Array) : undefined,
    userIds: idTable('user', userIds!, userLengths as Uint32Array, file),
    itemIds: idTable('item', itemIds!, itemLengths as Uint32Array, file),
  })
  return { ratings, skipped: 0, firstSkipped: undefined, duplicates: header.duplicates, layout: 'packed ratings' }
}

function checkSettings(header: PackedHeader, { duplicates, columns, ids }: ReadSettings, file: string): void {
  const again = 'read the file that it was packed from'
  if (duplicates !== undefined && duplicates !== header.duplicates) {
    const problem = `"duplicates" cannot be ${duplicates}: ${file} was packed with ${header.duplicates}`
    throw new OptionError('duplicates', `${problem}; ${again} for another`)
  }
  if (columns !== undefined) {
    throw new OptionError('columns', `"columns" does not go with ${file}, whose columns were chosen when it was packed`)
  }
  for (const [role, text] of Object.entries({ user: header.userText, item: header.itemText })) {
    const kind = text === undefined ? 'integer' : 'string'
    if (ids === 'auto' || ids === kind) continue
    throw new OptionError('ids', `"ids" cannot be ${ids}: ${file} holds ${role} ids of kind ${kind}; ${again}`)
  }
}

async function checkPadding({ file, read }: PackedSource, { name, start }: Section, end: number): Promise<void> {
  const padding = new Uint8Array(start - end)
  await read(padding, end)
  if (padding.some(byte => byte !== 0)) throw damaged(`the bytes in front of the ${name}`, file)
}

/** Reads a piece while the one before it, still in the cache, is summed and looked through. */
async function readSection(
  source: PackedSource,
  section: Section,
  sum: number,
  settings: ReadSettings,
  badIn: ((column: Column, from: number, to: number) => string | undefined) | undefined,
): Promise<Column> {
  const { file, size, read, sumOf } = source
  const column = new section.type(section.length)
  const bytes = new Uint8Array(column.buffer)
  const readAt = (at: number) => read(bytes.subarray(at, at + PIECE), section.start + at)
  const perElement = section.type.BYTES_PER_ELEMENT
  let found = 0
  let problem: string | undefined
  let reading = readAt(0)
  for (let at = 0; at < bytes.length; at += PIECE) {
    settings.signal?.throwIfAborted()
    await reading
    const end = Math.min(at + PIECE, bytes.length)
    reading = end < bytes.length ? readAt(end) : Promise.resolve()
    // What stops the reading here need not hear of a read under way.
    reading.catch(() => {})
    found = sumOf(bytes.subarray(at, end), found)
    problem ??= badIn?.(column, at / perElement, end / perElement)
    settings.onProgress(section.start + end, size)
  }
  if (found !== sum) throw damaged(`the check sum of the ${section.name}`, file)
  if (problem !== undefined) throw new InputError(problem, { file })
  return column
}

function damaged(what: string, file: string): InputError {
  return new InputError(`the packed ratings are damaged: ${what}`, { file })
}

const badIndex = (role: string, count: number) => (indices: Column, from: number, to: number) => {
  const end = count >>> 0
  for (let e = from; e < to; e++) {
    if (indices[e]! >= end) return `entry ${e} names ${role} ${indices[e]} of ${count}`
  }
  return undefined
}

function badRating(values: Column, from: number, to: number): string | undefined {
  for (let e = from; e < to; e++) {
    if (!Number.isFinite(values[e])) return `the rating of entry ${e} is ${values[e]}, not a finite number`
  }
  return undefined
}

function idTable(role: 'user' | 'item', ids: Column, lengths: Uint32Array, file: string): IdTable {
  if (ids instanceof Float64Array) {
    const unsafe = ids.find(id => !Number.isSafeInteger(id))
    if (unsafe !== undefined) throw new InputError(`the ${role} id ${unsafe} is no safe integer`, { file })
  }
  const table = new IdTable(ids instanceof Float64Array ? ids : textIds(role, ids as Uint8Array, lengths, file))
  checkUnique(role, table, { file })
  return table
}

function textIds(role: string, bytes: Uint8Array, lengths: Uint32Array, file: string): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const ids: string[] = []
  let start = 0
  for (const length of lengths) {
    if (start + length > bytes.length) break
    try {
      ids.push(decoder.decode(bytes.subarray(start, start + length)))
    } catch (cause) {
      throw new InputError(`the ${role} id at ${ids.length} is not UTF-8`, { file }, { cause })
    }
    start += length
  }
  if (ids.length < lengths.length || start < bytes.length) {
    throw new InputError(`the lengths of the ${role} ids do not add up to their ${bytes.length} bytes`, { file })
  }
  return ids
}

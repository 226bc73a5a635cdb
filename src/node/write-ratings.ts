import { pipeline } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { IdTable } from '../data/ids.ts'
import { UNKNOWN } from '../data/ids.ts'
import type { Ratings } from '../data/ratings.ts'
import { InputError, OptionError, OutputError } from '../errors.ts'
import { replaceFile, writeFileWhole } from './write-file.ts'

export type WriteFormat = 'csv' | 'tsv' | 'parquet'

export interface WriteOptions {
  /** By default `.tsv` and `.parquet` say it, and every other name is csv. */
  format?: WriteFormat | undefined
}

/**
 * Writes ratings so that `readRatings` gives the same arrays again: columns user, item, rating and, where there are
 * times, timestamp, under a header of these names; as text (compressed where the name ends in `.gz`) or as Parquet. In
 * text, string ids that all look like integers come back as integers unless they are read with `ids: 'string'`.
 * @throws InputError where an entry has no id, an id cannot be written in that format, or a time is not finite.
 * @throws OutputError where the file cannot be written; what stood there before is then unchanged.
 */
export async function writeRatings(path: string, ratings: Ratings, options: WriteOptions = {}): Promise<void> {
  const format = options.format ?? formatOf(path)
  if (!['csv', 'tsv', 'parquet'].includes(format)) {
    throw new OptionError('format', `"format" must be one of csv, tsv, parquet, not ${JSON.stringify(format)}`)
  }
  checkEntries(ratings)
  checkIds('user', ratings.userIds, format)
  checkIds('item', ratings.itemIds, format)
  if (format === 'parquet') {
    const { writeParquet } = await import('./ingest/write-parquet.ts')
    await replaceFile(path, temporary => writeParquet(temporary, ratings, path))
    return
  }
  const text = textChunks(ratings, format === 'csv' ? ',' : '\t')
  if (!path.endsWith('.gz')) return writeFileWhole(path, text)
  // Errors of the text pass on through the gzip stream, which the pipeline destroys with them.
  await writeFileWhole(
    path,
    pipeline(text, createGzip({ level: 4 }), () => {}),
  )
}

function formatOf(path: string): WriteFormat {
  if (/\.zst$/i.test(path))
    throw new OutputError('cannot be written: Zstandard is only read; write .gz or .parquet', path)
  const extension = /\.(tsv|parquet)(\.gz)?$/i.exec(path)?.[1]?.toLowerCase()
  return extension === 'tsv' || extension === 'parquet' ? extension : 'csv'
}

function checkEntries({ users, items, times, length }: Ratings): void {
  for (let e = 0; e < length; e++) {
    if (users[e] === UNKNOWN || items[e] === UNKNOWN) {
      throw new InputError(
        `entry ${e} is of an unknown ${users[e] === UNKNOWN ? 'user' : 'item'}, which has no id to write`,
      )
    }
    if (times !== undefined && !Number.isFinite(times[e])) throw new InputError(`the time of entry ${e} is ${times[e]}`)
  }
}

function checkIds(role: string, { kind, values }: IdTable, format: WriteFormat): void {
  if (kind === 'integer') return
  for (const id of values as readonly string[]) {
    if (id === '') throw new InputError(`an empty ${role} id cannot be written`)
    const invalid = format === 'parquet' ? /\p{Surrogate}/u : /[\0\r\n]|\p{Surrogate}/u
    if (!invalid.test(id)) continue
    const problem = `the ${role} id ${JSON.stringify(id)} cannot be written as ${format}`
    throw new InputError(`${problem}: it holds a line break, a zero byte or half a surrogate pair`)
  }
}

const ENTRIES_PER_CHUNK = 8192

function* textChunks(ratings: Ratings, delimiter: string): Generator<Uint8Array> {
  const { users, items, values, times, length } = ratings
  const encoder = new TextEncoder()
  const userText = idTexts(ratings.userIds, delimiter)
  const itemText = idTexts(ratings.itemIds, delimiter)
  const names = times === undefined ? ['user', 'item', 'rating'] : ['user', 'item', 'rating', 'timestamp']
  yield encoder.encode(`${names.join(delimiter)}\n`)
  for (let start = 0; start < length; start += ENTRIES_PER_CHUNK) {
    let text = ''
    for (let e = start; e < Math.min(length, start + ENTRIES_PER_CHUNK); e++) {
      text += userText[users[e]!]! + delimiter + itemText[items[e]!]! + delimiter + ratingText(values[e]!)
      text += times === undefined ? '\n' : `${delimiter}${numberText(times[e]!)}\n`
    }
    yield encoder.encode(text)
  }
}

function idTexts({ values }: IdTable, delimiter: string): string[] {
  return Array.from<number | string, string>(values, id => {
    const text = typeof id === 'number' ? numberText(id) : id
    const plain = !text.includes('"') && !text.includes(delimiter) && !/^[ \t]|[ \t]$/.test(text)
    return plain && !text.startsWith('\u{feff}') ? text : `"${text.replaceAll('"', '""')}"`
  })
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** The shortest of 6 to 9 significant digits that give the same f32 again; 9 always do. */
function ratingText(value: number): string {
  if (Object.is(value, -0)) return '-0'
  if (Number.isInteger(value * 1024)) return String(value)
  for (let digits = 6; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)))
    if (Math.fround(Number(text)) === value) return text
  }
  return String(Number(value.toPrecision(9)))
}

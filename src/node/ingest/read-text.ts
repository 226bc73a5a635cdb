import { Ratings } from '../../data/ratings.ts'
import { InputError } from '../../errors.ts'
import { detectDialect } from './dialect.ts'
import { decodeIds, idTable } from './id-tables.ts'
import type { ReadCounts, ReadSettings } from './options.ts'
import { RowReader } from './row-reader.ts'
import { type Source, textChunks } from './source.ts'
import { LONGEST_LINE, lineBlocks, shownLine } from './text.ts'

const HEAD = 1 << 16
const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * Ratings from delimited text, in one pass over its bytes.
 * @throws InputError with file, line and text of the first bad row.
 */
export async function readText(source: Source, settings: ReadSettings): Promise<{ ratings: Ratings } & ReadCounts> {
  const { file } = source
  const chunks = withoutMark(
    textChunks(source, settings.encoding === 'latin-1' ? 'latin-1' : 'utf-8', settings.onProgress),
  )
  try {
    const { head, whole } = await readHead(chunks)
    const dialect = detectDialect(head, whole, settings, file)
    const reader = new RowReader(file, dialect, settings)
    for await (const block of lineBlocks(resumed(head, chunks))) reader.read(block)
    const { skipped, firstSkipped } = reader
    if (reader.entries.length === 0) throw noRatings(file, dialect.header, firstSkipped)
    return { ratings: await assemble(reader, source, settings), skipped, firstSkipped }
  } finally {
    await chunks.return(undefined)
  }
}

function noRatings(file: string, header: boolean, firstSkipped: InputError | undefined): InputError {
  if (firstSkipped !== undefined) {
    return new InputError(
      `no row holds a rating; the first: ${firstSkipped.message}`,
      { file },
      { cause: firstSkipped },
    )
  }
  return new InputError(`the file holds no ratings${header ? ' below its header' : ''}`, { file })
}

async function assemble(reader: RowReader, source: Source, settings: ReadSettings): Promise<Ratings> {
  const { users, items } = reader
  const placeOf = async (line: number) => ({ file: source.file, line, text: await lineText(source, line) })
  // DuckDB has turned the text of a Zstandard file into UTF-8 already.
  const encoding = source.kind === 'zstd' ? 'utf-8' : settings.encoding
  const { lists } = await decodeIds([users, items], encoding, placeOf)
  const [userIds, itemIds] = [
    await idTable('user', lists[0]!, settings.ids, index => placeOf(users.lineOf(index))),
    await idTable('item', lists[1]!, settings.ids, index => placeOf(items.lineOf(index))),
  ]
  return new Ratings({ ...reader.entries.take(), userIds, itemIds })
}

/** The text of a line, counted from 1, found by reading the file again. */
async function lineText(source: Source, line: number): Promise<string> {
  const chunks = textChunks(source, 'utf-8', () => {})
  let before = 0
  for await (const { bytes, overlong } of lineBlocks(chunks)) {
    for (let start = 0; start < bytes.length; before++) {
      const end = overlong ? bytes.length : bytes.indexOf(LINE_FEED, start) + 1
      if (before + 1 === line) return shownLine(bytes.subarray(start, end))
      start = end
    }
  }
  return ''
}

/** The first bytes: at least one line, unless that is longer than any line may be. */
async function readHead(chunks: AsyncGenerator<Uint8Array>): Promise<{ head: Uint8Array; whole: boolean }> {
  const parts: Uint8Array[] = []
  let length = 0
  let lines = false
  while (length < HEAD || (!lines && length <= LONGEST_LINE)) {
    const { value, done } = await chunks.next()
    if (done === true) return { head: Buffer.concat(parts), whole: true }
    parts.push(value)
    length += value.length
    lines ||= value.includes(LINE_FEED)
  }
  return { head: Buffer.concat(parts), whole: false }
}

async function* resumed(head: Uint8Array, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  yield* chunks
}

async function* withoutMark(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first = true
  for await (const chunk of chunks) {
    const marked = first && BYTE_ORDER_MARK.every((byte, k) => chunk[k] === byte)
    first = false
    yield marked ? chunk.subarray(BYTE_ORDER_MARK.length) : chunk
  }
}

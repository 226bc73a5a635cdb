import { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import type { IdReader } from './entry-reader.ts'
import { decodeIds, idTable } from './id-tables.ts'
import { MatrixReader } from './matrix-reader.ts'
import type { ReadSettings } from './options.ts'
import type { ReadResult } from './report.ts'
import type { TextSource } from './source.ts'
import { joined, LONGEST_LINE, lineBlocks, shownLine } from './text.ts'
import { textReader } from './text-reader.ts'

const HEAD = 1 << 16
const HEAD_LINES = 4
const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * Ratings from text, in one pass over its bytes.
 * @throws InputError with file, line and text of the first bad row.
 */
export async function readText(source: TextSource, settings: ReadSettings): Promise<ReadResult> {
  const { file } = source
  const chunks = withoutMark(
    source.chunks(settings.encoding === 'latin-1' ? 'latin-1' : 'utf-8', settings.onProgress),
    settings.signal,
  )
  try {
    const { head, whole } = await readHead(chunks)
    const reader = textReader(head, whole, settings, file)
    for await (const block of lineBlocks(resumed(head, chunks))) reader.read(block)
    const { skipped, firstSkipped } = reader.bad
    const ids = reader instanceof MatrixReader ? reader.idTables() : await idTables(reader, source, settings)
    const empty = reader.entries.length === 0
    if (empty && !(settings.part && skipped === 0)) throw noRatings(file, reader.header, firstSkipped)
    const ratings = new Ratings({ ...reader.entries.take(), ...ids })
    return { ratings, skipped, firstSkipped, layout: reader.layout }
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

async function idTables({ users, items }: IdReader, source: TextSource, settings: ReadSettings) {
  const placeOf = async (line: number) => ({ file: source.file, line, text: await lineText(source, line) })
  const encoding = source.recoded ? 'utf-8' : settings.encoding
  const { lists } = await decodeIds([users, items], encoding, placeOf)
  const [userIds, itemIds] = [
    await idTable('user', lists[0]!, settings.ids, index => placeOf(users.lineOf(index))),
    await idTable('item', lists[1]!, settings.ids, index => placeOf(items.lineOf(index))),
  ]
  return { userIds, itemIds }
}

/** The text of a line, counted from 1, found by reading the file again. */
async function lineText(source: TextSource, line: number): Promise<string> {
  const chunks = source.chunks('utf-8', () => {})
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

/** The first bytes: at least some lines, unless those are longer than any line may be. */
async function readHead(chunks: AsyncGenerator<Uint8Array>): Promise<{ head: Uint8Array; whole: boolean }> {
  const parts: Uint8Array[] = []
  let length = 0
  let feeds = 0
  while (length < HEAD || (feeds < HEAD_LINES && length <= LONGEST_LINE)) {
    const { value, done } = await chunks.next()
    if (done === true) return { head: joined(...parts), whole: true }
    parts.push(value)
    length += value.length
    for (let at = value.indexOf(LINE_FEED); at >= 0 && feeds < HEAD_LINES; at = value.indexOf(LINE_FEED, at + 1))
      feeds++
  }
  return { head: joined(...parts), whole: false }
}

async function* resumed(head: Uint8Array, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  yield* chunks
}

async function* withoutMark(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let first = true
  for await (const chunk of chunks) {
    signal?.throwIfAborted()
    const marked = first && BYTE_ORDER_MARK.every((byte, k) => chunk[k] === byte)
    first = false
    yield marked ? chunk.subarray(BYTE_ORDER_MARK.length) : chunk
  }
}

import { InputError } from '../errors.ts'
import { LONGEST_LINE, lineBlocks, shownLine, TOO_LONG } from '../ingest/text.ts'
import { type Source, textChunks } from '../node/ingest/source.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * The lines of a text file, counted from 1, without their ends and without a byte order mark.
 * @throws InputError for a line that is too long
 */
export async function* linesOf(source: Source): AsyncGenerator<{ line: number; row: Uint8Array }> {
  let line = 0
  for await (const { bytes, overlong } of lineBlocks(textChunks(source, 'utf-8', () => {}))) {
    for (let start = 0; start < bytes.length; ) {
      const end = overlong ? bytes.length : bytes.indexOf(LINE_FEED, start)
      const marked = line === 0 && BYTE_ORDER_MARK.every((byte, at) => bytes[at] === byte)
      const row = bytes.subarray(start + (marked ? 3 : 0), bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end)
      line++
      if (overlong || row.length > LONGEST_LINE) {
        throw new InputError(TOO_LONG, { file: source.file, line, text: shownLine(row) })
      }
      yield { line, row }
      start = end + 1
    }
  }
}

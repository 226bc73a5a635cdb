import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../../errors.ts'
import { LONGEST_LINE } from '../../ingest/text.ts'
import { frameLayout } from '../../ingest/zstd-frame.ts'
import { literalPath, openDuckDB, sqlText } from './duckdb.ts'

/** Cannot stand in text, so that every line is one field. */
const NO_DELIMITER = String.raw`e'\x01\x02\x03\x04'`
const NO_NULL = String.raw`e'\x01\x02\x03\x05'`

/**
 * Unpacks the text of a Zstandard file by DuckDB into a file beside its own ones, in UTF-8 and without empty lines.
 * @returns the unpacked file, and what removes it.
 * @throws InputError where the data is cut off or damaged, or the text is not in `encoding`.
 */
export async function unpackZstd(
  file: string,
  encoding: 'utf-8' | 'latin-1',
): Promise<{ unpacked: string; remove: () => Promise<void> }> {
  await checkZstd(file)
  const { connection, folder, close } = await openDuckDB()
  const unpacked = join(folder, 'unpacked')
  const lines =
    `read_csv(${literalPath(file)}, columns = {'line': 'VARCHAR'}, auto_detect = false, header = false, ` +
    `delim = ${NO_DELIMITER}, quote = '', escape = '', comment = '', nullstr = ${NO_NULL}, strict_mode = false, ` +
    `compression = 'zstd', encoding = '${encoding}', max_line_size = ${2 * LONGEST_LINE}, ` +
    'hive_partitioning = false)'
  try {
    await connection.run(
      `copy (select line from ${lines}) to ${sqlText(unpacked)} ` +
        `(format csv, header false, delimiter ${NO_DELIMITER}, quote '', escape '', nullstr '', compression none)`,
    )
    return { unpacked, remove: close }
  } catch (error) {
    await close()
    throw zstdFailure(file, encoding, error)
  }
}

function zstdFailure(file: string, encoding: string, error: unknown): InputError {
  const message = error instanceof Error ? error.message : ''
  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1]
  const place = { file, line: line === undefined ? undefined : Number(line) }
  const cause = { cause: error }
  if (/maximum line size/i.test(message)) return new InputError('the line is too long', place, cause)
  if (/invalid unicode|not .*encoded/i.test(message)) {
    const other = encoding === 'utf-8' ? "; encoding: 'latin-1' reads it as latin-1" : ''
    return new InputError(`the text is not valid ${encoding}${other}`, place, cause)
  }
  return new InputError('the Zstandard data is damaged', { file }, cause)
}

/**
 * Walks over the frames and block headers of a Zstandard file (RFC 8878, section 3.1) without decompressing, because
 * DuckDB takes the end of the file for the end of the data.
 * @throws InputError where the file does not end with a frame.
 */
export async function checkZstd(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    let position = 0
    while (position < size) position = await frameEnd(handle, position, file)
    if (position > size) throw cutOff(file)
  } finally {
    await handle.close()
  }
}

async function frameEnd(handle: FileHandle, start: number, file: string): Promise<number> {
  const head = await bytesAt(handle, start, 8, file)
  const magic = head.getUint32(0, true)
  if ((magic & 0xfffffff0) === 0x184d2a50) return start + 8 + head.getUint32(4, true)
  if (magic !== 0xfd2fb528) throw new InputError('the Zstandard data is damaged', { file })
  const layout = frameLayout(head.getUint8(4))
  let position = start + layout.bytes
  for (;;) {
    const block = await bytesAt(handle, position, 3, file)
    const header = block.getUint16(0, true) | (block.getUint8(2) << 16)
    const type = (header >> 1) & 3
    if (type === 3) throw new InputError('the Zstandard data is damaged', { file })
    position += 3 + (type === 1 ? 1 : header >> 3)
    if ((header & 1) === 1) return position + layout.checksum
  }
}

async function bytesAt(handle: FileHandle, position: number, count: number, file: string): Promise<DataView> {
  const { buffer, bytesRead } = await handle.read(new Uint8Array(count), 0, count, position)
  if (bytesRead < count) throw cutOff(file)
  return new DataView(buffer.buffer)
}

function cutOff(file: string): InputError {
  return new InputError('the Zstandard data ends too early: the file is cut off', { file })
}

import { type BigIntStats, createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { InputError, LowrankError } from '../../errors.ts'
import { MAGIC_BYTES, type SourceKind, sourceKind } from '../../ingest/source.ts'

/** What the first bytes of a file say that it is. */
export interface Source {
  /** The file as the caller named it. */
  file: string
  kind: SourceKind
  /** Size of the file. */
  bytes: number
  /** Tells the file as it was opened from others of its name, and from itself when it has been written to. */
  version: string
}

/** Bytes per read: large enough that the cost of a read does not count, small against the memory of the columns. */
const CHUNK = 1 << 18

/**
 * Looks at a file's first bytes.
 * @throws InputError where there is no readable regular file, it is empty, or it is of a kind that no reader takes.
 */
export async function openSource(file: string): Promise<Source> {
  const { head, bytes, version } = await firstBytes(file)
  return { file, bytes, version, kind: sourceKind(head, file) }
}

/**
 * To be called when all of a file has been read: a reader goes over some files several times, and takes the end of a file
 * that became shorter for its end.
 * @throws InputError where it is no longer what it was when it was opened.
 */
export async function checkUnchanged({ file, version }: Source): Promise<void> {
  const status = await stat(file, { bigint: true }).catch(() => undefined)
  if (status !== undefined && versionOf(status) === version) return
  const how = status === undefined ? 'removed' : 'written to or replaced'
  throw new InputError(`the file was ${how} while it was read; read it again when it is whole`, { file })
}

const versionOf = ({ dev, ino, size, mtimeNs }: BigIntStats) => [dev, ino, size, mtimeNs].join(' ')

async function firstBytes(file: string): Promise<{ head: Uint8Array; bytes: number; version: string }> {
  try {
    const handle = await open(file, 'r')
    try {
      const status = await handle.stat({ bigint: true })
      if (status.isDirectory()) throw new InputError('is a directory; expected a file', { file })
      if (!status.isFile()) throw new InputError('is not a regular file', { file })
      const { buffer, bytesRead } = await handle.read(new Uint8Array(MAGIC_BYTES), 0, MAGIC_BYTES, 0)
      return { head: buffer.subarray(0, bytesRead), bytes: Number(status.size), version: versionOf(status) }
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw readFailure(file, error)
  }
}

/**
 * The decompressed bytes of a text file, in order.
 * @throws InputError where the file cannot be read, or its compressed data is cut off or damaged.
 */
export async function* textChunks(
  source: Source,
  encoding: 'utf-8' | 'latin-1',
  onProgress: (bytes: number, total: number) => void,
): AsyncGenerator<Uint8Array> {
  try {
    if (source.kind === 'zstd') yield* zstdChunks(source, encoding, onProgress)
    else yield* streamChunks(source, onProgress)
  } catch (error) {
    throw readFailure(source.file, error)
  }
}

async function* zstdChunks(
  { file, bytes }: Source,
  encoding: 'utf-8' | 'latin-1',
  onProgress: (bytes: number, total: number) => void,
): AsyncGenerator<Uint8Array> {
  const { unpackZstd } = await import('./zstd.ts')
  const { unpacked, remove } = await unpackZstd(file, encoding)
  try {
    const size = Math.max(1, (await stat(unpacked)).size)
    const scaled = (done: number) => onProgress(Math.round((done / size) * bytes), bytes)
    yield* streamChunks({ file: unpacked, bytes: size, kind: 'plain' }, scaled)
  } finally {
    await remove()
  }
}

async function* streamChunks(
  { file, bytes, kind }: Omit<Source, 'version'>,
  onProgress: (bytes: number, total: number) => void,
): AsyncGenerator<Uint8Array> {
  const input = createReadStream(file, { highWaterMark: CHUNK })
  const output = kind === 'gzip' ? input.pipe(createGunzip({ chunkSize: CHUNK })) : input
  input.once('error', error => output.destroy(error))
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) {
      onProgress(input.bytesRead, bytes)
      yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
    }
  } finally {
    output.destroy()
    input.destroy()
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'the file cannot be read: permission denied',
  EPERM: 'the file cannot be read: permission denied',
  ELOOP: 'the file cannot be read: its symbolic links run in a circle',
  ENAMETOOLONG: 'there is no such file: the name is too long',
  Z_BUF_ERROR: 'the gzip data ends too early: the file is cut off',
  Z_DATA_ERROR: 'the gzip data is damaged',
}

/** An InputError for a failure to read; other errors of this library pass. */
export function readFailure(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LowrankError) return error
  const code = (error as NodeJS.ErrnoException).code
  if (code === undefined) return error
  return new InputError(REASONS[code] ?? `the file cannot be read (${code})`, { file }, { cause: error })
}

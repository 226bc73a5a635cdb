import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { LowrankError, OutputError } from '../errors.ts'
import { removeAbandoned, temporaryName } from './temporary.ts'

/** Bytes of a file: in one piece, or in order. */
export type FileChunks = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * Writes a whole file or nothing: beside its place, synchronised with the disk, then renamed, so that a reader sees
 * either what stood there before or all of `chunks`.
 * @throws OutputError where the file cannot be written. What `chunks` throws passes unchanged.
 */
export async function writeFileWhole(path: string, chunks: FileChunks): Promise<void> {
  await replaceFile(path, async temporary => {
    const handle = await open(temporary, 'wx')
    try {
      await writeChunks(handle, path, chunks)
    } finally {
      await handle.close()
    }
  })
}

async function writeChunks(handle: FileHandle, path: string, chunks: FileChunks): Promise<void> {
  for await (const chunk of chunks instanceof Uint8Array ? [chunks] : chunks) {
    try {
      await handle.writeFile(chunk)
    } catch (error) {
      throw outputFailure(path, error)
    }
  }
}

/**
 * Puts in the place of `path` what `write` has written to the temporary path that it is given, which is in the same
 * folder. The temporary file is removed where that fails, and with it those that killed processes left of the same path.
 * @throws OutputError where the file cannot be written. Errors of this library and others of `write` pass unchanged.
 */
export async function replaceFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const target = await regularFile(path)
  const prefix = `.${basename(target).slice(0, 100)}.`
  const temporary = join(dirname(target), temporaryName(prefix, '.tmp'))
  await removeAbandoned(dirname(target), prefix, '.tmp')
  try {
    await write(temporary)
    await synchronise(temporary)
    await rename(temporary, target)
    await synchroniseFolder(dirname(target))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw outputFailure(path, error)
  }
}

/**
 * A rename would put a file in the place of a device, a pipe or a link, and cannot replace a folder.
 * @returns the file itself, where `path` is a symbolic link to one
 */
async function regularFile(path: string): Promise<string> {
  const status = await stat(path).catch(() => undefined)
  if (status === undefined) return path
  if (status.isDirectory()) throw new OutputError('cannot be written: is a directory', path)
  if (!status.isFile()) throw new OutputError('cannot be written: is no regular file', path)
  return await realpath(path)
}

async function synchronise(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** So that the new name outlives a failure of power; not every system and file system can do that for a folder. */
async function synchroniseFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is a file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'no space is left for this user',
  EISDIR: 'is a directory',
  EFBIG: 'the file becomes too large for the file system',
  ENAMETOOLONG: 'the name is too long',
}

/** What C libraries call the errors that other libraries hand on as text. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/no space left/i, 'ENOSPC'],
  [/quota exceeded/i, 'EDQUOT'],
  [/file too large/i, 'EFBIG'],
  [/read-only file system/i, 'EROFS'],
]

/** Why a file cannot be written, from the words of a library that has written to it; undefined where they do not say. */
export function reasonOfText(message: string): string | undefined {
  const code = TEXTS.find(([pattern]) => pattern.test(message))?.[1]
  return code && REASONS[code]
}

/** An OutputError for a system error; errors of this library and those without a system's code pass. */
export function outputFailure(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LowrankError) return error
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === undefined || syscall === undefined) return error
  return new OutputError(`cannot be written: ${REASONS[code] ?? code}`, path, { cause: error })
}

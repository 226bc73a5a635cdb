import { type FileHandle, open, stat } from 'node:fs/promises'
import { InputError } from '../errors.ts'

/** Node reads at most 2 GiB at once. */
const mostAtOnce = 2 ** 30

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'the file cannot be read: permission denied',
}

/**
 * All bytes of a file of any size, in pieces.
 * @param expected what the file is to be, for the error where it is none
 * @throws InputError where it is no regular file, cannot be read, does not fit the memory, or becomes shorter meanwhile
 */
export async function readFileWhole(path: string, expected: string, pieceBytes = mostAtOnce): Promise<Uint8Array> {
  try {
    // Before it is opened: a pipe would wait for its writer.
    const status = await stat(path)
    if (!status.isFile()) {
      const what = status.isDirectory() ? 'is a directory' : 'is no regular file'
      throw new InputError(`${what}; expected ${expected}`, { file: path })
    }
    const handle = await open(path)
    try {
      const { size } = await handle.stat()
      return await readInto(handle, bytesFor(size, path), path, pieceBytes)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof InputError) throw cause
    const { code = (cause as Error).message } = cause as NodeJS.ErrnoException
    throw new InputError(reasons[code] ?? `the file cannot be read (${code})`, { file: path }, { cause })
  }
}

async function readInto(handle: FileHandle, bytes: Uint8Array, file: string, pieceBytes: number): Promise<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(pieceBytes, bytes.length - at), at)
    if (bytesRead === 0) throw new InputError('the file became shorter while it was read', { file })
    at += bytesRead
  }
  return bytes
}

function bytesFor(size: number, file: string): Uint8Array {
  try {
    return new Uint8Array(size)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new InputError(`the file has ${size} bytes, for which there is no memory`, { file }, { cause })
  }
}

import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OutputError } from '../errors.ts'

/**
 * Looks whether a file can be written at `path` before anything is computed for it.
 * @throws OutputError
 */
export async function checkWritable(path: string): Promise<void> {
  const folder = dirname(path)
  const status = await stat(folder).catch((cause: unknown) => {
    throw new OutputError('cannot be written: its folder does not exist', path, { cause })
  })
  if (!status.isDirectory()) throw new OutputError('cannot be written: its folder is a file', path)
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw new OutputError('cannot be written: its folder is not writable', path, { cause })
  })
  const present = await stat(path).catch(() => undefined)
  if (present?.isDirectory() === true) throw new OutputError('cannot be written: is a directory', path)
  if (present !== undefined && !present.isFile()) throw new OutputError('cannot be written: is no regular file', path)
}

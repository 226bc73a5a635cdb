import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { InputError } from '../../errors.ts'
import { fitsGlob, isGlob } from './glob.ts'
import { readFailure } from './source.ts'

/**
 * The files that a folder or a glob stands for, in the order of their names by code units; undefined where `path` is the
 * literal name of anything but a folder, or of nothing. A glob may stand in the last part of a path only. Names that
 * begin with a dot or an underscore, as those that Spark writes beside the parts, and check sums (`.crc`) are no parts.
 * Parts lie in the folder itself: a link among them is refused, so that no part is read from elsewhere or twice.
 * @throws InputError where there are no parts, or something that is no file is among them.
 */
export async function listParts(path: string): Promise<string[] | undefined> {
  const status = await stat(path).catch(() => undefined)
  const glob = status === undefined && isGlob(basename(path)) ? basename(path) : undefined
  if (status?.isDirectory() !== true && glob === undefined) return undefined
  const folder = glob === undefined ? path : dirname(path)
  const entries = await entriesOf(folder, path)
  const parts = entries.filter(({ name }) => (glob === undefined ? isPart(name) : fitsGlob(name, glob)))
  if (parts.length === 0) {
    const none = glob === undefined ? 'is a directory without parts of ratings' : 'no name in its folder fits the glob'
    throw new InputError(`${none}; expected files such as part-00000.parquet`, { file: path })
  }
  for (const part of parts) checkPart(folder, part)
  return parts.map(({ name }) => join(folder, name)).sort(byCodeUnits)
}

async function entriesOf(folder: string, path: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new InputError('there is no such folder', { file: path }, { cause: error })
    }
    throw readFailure(path, error)
  }
}

function isPart(name: string): boolean {
  return !/^[._]|\.crc$/.test(name)
}

function checkPart(folder: string, part: Dirent): void {
  if (part.isFile()) return
  const file = join(folder, part.name)
  if (part.isSymbolicLink()) {
    throw new InputError('is a symbolic link; expected the parts of a folder to lie in it themselves', { file })
  }
  const what = part.isDirectory() ? 'is a folder' : 'is no regular file'
  throw new InputError(`${what} among the parts; expected files alone`, { file })
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

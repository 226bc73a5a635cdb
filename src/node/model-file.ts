import { readFile } from 'node:fs/promises'
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Model } from '../model/model.ts'
import { writeFileWhole } from './write-file.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'is a directory; expected a model file',
  EACCES: 'the file cannot be read: permission denied',
}

/**
 * Reads a model file.
 * @param gpu for everything but predictions of single pairs
 * @throws InputError for a file that cannot be read, is damaged, or holds no model
 */
export async function readModel(path: string, gpu?: Gpu): Promise<Model> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    throw new InputError(reasons[code] ?? `the file cannot be read (${code})`, { file: path }, { cause })
  }
  return Model.decode(bytes, gpu, path)
}

/**
 * Writes a model file (safetensors): the whole of it in one step, or nothing.
 * @returns its size in bytes
 * @throws OutputError
 */
export async function writeModel(path: string, model: Model): Promise<number> {
  const pieces = model.encode()
  await writeFileWhole(path, pieces)
  return pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
}

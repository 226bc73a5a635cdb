import type { Gpu } from '../gpu/gpu.ts'
import { Model } from '../model/model.ts'
import { readFileWhole } from './read-file.ts'
import { writeFileWhole } from './write-file.ts'

/**
 * Reads a model file.
 * @param gpu for everything but predictions of single pairs
 * @throws InputError for a file that cannot be read, is damaged, or holds no model
 */
export async function readModel(path: string, gpu?: Gpu): Promise<Model> {
  const bytes = await readFileWhole(path, 'a model file')
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

import { readFile } from 'node:fs/promises'
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Model } from '../model/model.ts'
import { writeFileWhole } from '../node/write-file.ts'
import { bytes as inBytes } from './format.ts'
import type { Terminal } from './terminal.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'is a directory; expected a model file',
  EACCES: 'the file cannot be read: permission denied',
}

/** @throws InputError */
export async function readModelBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    throw new InputError(reasons[code] ?? `the file cannot be read (${code})`, { file }, { cause })
  }
}

/** @throws InputError for a file that is damaged or no model */
export async function readModel(file: string, gpu?: Gpu): Promise<Model> {
  return Model.decode(await readModelBytes(file), gpu, file)
}

/** What kind of model it is, as its training's options say: `explicit`. */
export function modelKind(model: Model): string {
  return String(model.parts.options['model'] ?? 'explicit')
}

/** Writes a model file and says so. */
export async function writeModel(terminal: Terminal, file: string, model: Model): Promise<void> {
  const pieces = model.encode()
  await writeFileWhole(file, pieces)
  const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
  terminal.say(`wrote ${file} (${inBytes(size)})`)
}

import type { Model } from '../model/model.ts'
import { writeModel } from '../node/model-file.ts'
import { bytes } from './format.ts'
import type { Terminal } from './terminal.ts'

/** What kind of model it is, as its training's options say: `explicit`. */
export function modelKind(model: Model): string {
  return String(model.parts.options.model ?? 'explicit')
}

/** Writes a model file and says so. */
export async function saveModel(terminal: Terminal, file: string, model: Model): Promise<void> {
  const size = await writeModel(file, model)
  terminal.say(`wrote ${file} (${bytes(size)})`)
}

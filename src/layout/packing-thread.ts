import type { PackingPass } from './entry-router.ts'
import { type PackerInput, TilePacker } from './tile-packer.ts'

/** What `packOnThreads` asks of a thread; `finish` is answered by its `TilePart`. */
export type PackingMessage =
  | { step: 'begin'; input: PackerInput }
  | { step: 'route'; pass: PackingPass; round: number; lengths: readonly number[] }
  | { step: 'take'; pass: PackingPass; round: number }
  | { step: 'finish' }

export interface ThreadAnswer {
  answer: unknown
  /** Memory that goes over to the one who asked. */
  transfer: ArrayBuffer[]
}

/** The program of a thread that packs tiles: answers message after message. */
export function packingThread(): (message: PackingMessage) => ThreadAnswer {
  let packer: TilePacker
  return message => {
    if (message.step === 'finish') {
      const part = packer.finish()
      const { entries, tileStart, replicas } = part
      const transfer = [entries, tileStart, replicas.held, replicas.streamed].map(({ buffer }) => buffer)
      return { answer: part, transfer }
    }
    if (message.step === 'begin') packer = new TilePacker(message.input)
    else if (message.step === 'route') packer.route(message.pass, message.round, message.lengths)
    else packer.take(message.pass, message.round)
    return { answer: undefined, transfer: [] }
  }
}

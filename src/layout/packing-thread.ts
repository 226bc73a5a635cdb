import type { BlockRange } from './tile-grid.ts'
import { type EntryPiece, type Placing, TileShare } from './tile-share.ts'

/** What `packOnThreads` asks of a thread; `finish` is answered by its `TilePart`. */
export type PackingMessage =
  | { step: 'begin'; placing: Placing; blocks: BlockRange; slots: readonly Omit<EntryPiece, 'length'>[] }
  /** A piece of the entries, which lies in a slot. */
  | { step: 'count' | 'place'; slot: number; length: number }
  | { step: 'finish' }

export interface ThreadAnswer {
  answer: unknown
  /** Memory that goes over to the one who asked. */
  transfer: ArrayBuffer[]
}

/** The program of a thread that packs tiles: answers message after message. */
export function packingThread(): (message: PackingMessage) => ThreadAnswer {
  let share: TileShare
  let slots: readonly Omit<EntryPiece, 'length'>[]
  return message => {
    if (message.step === 'finish') {
      const part = share.finish()
      const { entries, tileStart, replicas } = part
      const transfer = [entries, tileStart, replicas.held, replicas.streamed].map(({ buffer }) => buffer)
      return { answer: part, transfer }
    }
    if (message.step === 'begin') {
      share = new TileShare(message.placing, message.blocks)
      slots = message.slots
    } else {
      share[message.step]({ ...slots[message.slot]!, length: message.length })
    }
    return { answer: undefined, transfer: [] }
  }
}

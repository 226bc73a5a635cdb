import type { Evaluation } from '../model/model.ts'
import { count, counted } from './format.ts'
import type { Terminal } from './terminal.ts'

type Counts = Pick<Evaluation, 'entries' | 'unknownUsers' | 'unknownItems'>

/** Warns of entries whose user or item the model does not know. */
export function warnOfUnknown(terminal: Terminal, { entries, unknownUsers, unknownItems }: Counts): void {
  if (unknownUsers + unknownItems === 0) return
  terminal.warn(
    `of ${counted(entries, 'entry')}, ${count(unknownUsers)} with a user and ${count(unknownItems)} with an item ` +
      'that the model does not know; those are predicted from what it does know, and counted',
  )
}

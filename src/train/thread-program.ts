import { type PackingMessage, packingThread, type ThreadAnswer } from '../layout/packing-thread.ts'
import { type DrawingMessage, drawRowsOf } from './initialize.ts'

/** The program of a thread of the host: answers message after message, whatever is asked of it. */
export function threadProgram(): (message: PackingMessage | DrawingMessage) => ThreadAnswer {
  const pack = packingThread()
  return message => {
    if (message.step !== 'draw') return pack(message)
    const answer = drawRowsOf(message.counts, message.options)
    return { answer, transfer: Object.values(answer).map(({ buffer }) => buffer) }
  }
}

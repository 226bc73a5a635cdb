import { type PackingMessage, packingThread, type ThreadAnswer } from '../layout/packing-thread.ts'
import { type DrawingMessage, drawNumbers } from './draw-parameters.ts'

/** The program of a thread of the host: answers message after message, whatever is asked of it. */
export function threadProgram(): (message: PackingMessage | DrawingMessage) => ThreadAnswer {
  const pack = packingThread()
  return message => {
    if (message.step !== 'draw') return pack(message)
    const answer = drawNumbers(message)
    return { answer, transfer: [answer.buffer] }
  }
}

import { createHash } from 'node:crypto'
import type { PackingMessage } from '../../src/layout/packing-thread.ts'
import { type HostThreads, ThreadError } from '../../src/layout/threads.ts'
import type { Parameters } from '../../src/model/tables.ts'
import type { DrawingMessage } from '../../src/train/draw-parameters.ts'
import { threadProgram } from '../../src/train/thread-program.ts'

/** The bits of parameters, by table. */
export const parameterBits = (parameters: Parameters) =>
  Object.entries(parameters).map(([name, numbers]) => `${name} ${createHash('sha256').update(numbers).digest('hex')}`)

/** Threads that are none: each answers in its turn, and what goes between them goes as it does between threads. */
export function turnThreads(
  count: number,
  faults: { failAt?: number } = {},
): HostThreads & { started: number; ended: number } {
  let asked = 0
  const threads = {
    count,
    started: 0,
    ended: 0,
    start() {
      threads.started++
      const answerTo = threadProgram()
      return {
        async ask(message: unknown) {
          const sent = structuredClone(message) as PackingMessage | DrawingMessage
          await undefined
          if (++asked === faults.failAt) throw new ThreadError('a thread failed')
          const { answer, transfer } = answerTo(sent)
          return structuredClone(answer, { transfer })
        },
        end: () => void threads.ended++,
      }
    },
  }
  return threads
}

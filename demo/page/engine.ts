import { proxy, type Remote, wrap } from 'comlink'
import type { Engine, Fault, Outcome, ReadProgress } from '../engine/messages.ts'

/** The worker that holds the GPU, the data and the model, so that the page's own thread stays free. */
const worker = new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module', name: 'lowrank' })

export const engine: Remote<Engine> = wrap<Engine>(worker)

/** Settles when the worker is gone or cannot start: nothing that was asked of it is answered then. */
const gone = new Promise<Fault>(resolve => {
  const report = (message: string) => resolve({ kind: 'defect', message })
  worker.addEventListener('error', event => {
    report(`The worker of this page stopped${event.message ? `: ${event.message}` : ''}. Load the page again.`)
  })
  worker.addEventListener('messageerror', () => report('The worker of this page sent what cannot be read.'))
})

/** The answer to a question put to the worker; a fault where the worker is gone. */
export async function answer<Value>(asked: Promise<Outcome<Value>>): Promise<Outcome<Value>> {
  const failed = gone.then((fault): Outcome<Value> => ({ ok: false, fault }))
  try {
    return await Promise.race([asked, failed])
  } catch (error) {
    return { ok: false, fault: { kind: 'defect', message: error instanceof Error ? error.message : String(error) } }
  }
}

/** A function of the page that the worker can call. */
export const callback = proxy

/**
 * The answer to a question whose progress is reported. Reports go another way to the page than the answer: those that come
 * after it are left out.
 */
export async function answerReporting<Value>(
  report: ReadProgress,
  ask: (onProgress: ReturnType<typeof proxy<ReadProgress>>) => Promise<Outcome<Value>>,
): Promise<Outcome<Value>> {
  let take: ReadProgress | undefined = report
  const outcome = await answer(ask(proxy<ReadProgress>((bytes, total) => take?.(bytes, total))))
  take = undefined
  return outcome
}

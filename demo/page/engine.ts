import { proxy, type Remote, wrap } from 'comlink'
import type { Fault, Outcome, ReadProgress, WorkerEngine } from '../engine/messages.ts'

/** A worker, and word of when it is gone: nothing that was asked of it is answered then. */
interface Started {
  worker: Worker
  remote: Remote<WorkerEngine>
  gone: Promise<Fault>
}

/** The worker that holds the GPU, the data and the model, so that the page's own thread stays free. */
let current = startWorker()

/** The session of the worker at hand. */
export const engine = new Proxy({} as Remote<WorkerEngine>, {
  get: (_, name) => Reflect.get(current.remote, name) as unknown,
})

let onGone = (_: Fault): void => {}

/** Has a function called when a worker is gone. */
export function whenGone(listener: (fault: Fault) => void): void {
  onGone = listener
}

/** Puts a new worker, which holds nothing yet, in the place of the one that is gone. */
export function startAgain(): void {
  current.worker.terminate()
  current = startWorker()
}

function startWorker(): Started {
  const worker = new Worker(new URL('../engine/worker.ts', import.meta.url), { type: 'module', name: 'lowrank' })
  const remote = wrap<WorkerEngine>(worker)
  const gone = new Promise<Fault>(resolve => {
    const report = (message: string) => resolve({ kind: 'gone', message })
    worker.addEventListener('error', event => {
      report(`The worker of this page stopped${event.message ? `: ${event.message}` : ''}.`)
    })
    worker.addEventListener('messageerror', () => report('The worker of this page sent what cannot be read.'))
    // A browser that ends a worker says nothing of it, but gives on what the worker had locked.
    remote
      .hold()
      .then(name => navigator.locks.request(name, () => report('The browser ended the worker of this page.')))
      .catch(() => {})
  })
  const started = { worker, remote, gone }
  void gone.then(fault => {
    if (started === current) onGone(fault)
  })
  return started
}

/** The answer to a question put to the worker; a fault where the worker is gone. */
export async function answer<Value>(asked: Promise<Outcome<Value>>): Promise<Outcome<Value>> {
  const failed = current.gone.then((fault): Outcome<Value> => ({ ok: false, fault }))
  try {
    return await Promise.race([asked, failed])
  } catch (error) {
    return { ok: false, fault: { kind: 'defect', message: error instanceof Error ? error.message : String(error) } }
  }
}

/** What the worker says, or `otherwise` where it is gone. */
export function saidOr<Value>(asked: Promise<Value>, otherwise: Value): Promise<Value> {
  return Promise.race([asked, current.gone.then(() => otherwise)])
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

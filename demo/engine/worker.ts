import { expose, transfer } from 'comlink'
import { Gpu } from '../../src/index.ts'
import type { Outcome } from './messages.ts'
import { Session } from './session.ts'

/** The session of this worker: what is large goes to the page without a copy. */
class WorkerSession extends Session {
  override async saveModel(): Promise<Outcome<Uint8Array<ArrayBuffer>>> {
    const outcome = await super.saveModel()
    return outcome.ok ? transfer(outcome, [outcome.value.buffer]) : outcome
  }
}

expose(new WorkerSession(() => Gpu.open()))

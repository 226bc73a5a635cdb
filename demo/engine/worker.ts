import { expose, transfer } from 'comlink'
import { Gpu } from '../../src/index.ts'
import type { Outcome, WorkerEngine } from './messages.ts'
import { Session } from './session.ts'

/** The session of this worker: what is large goes to the page without a copy. */
class WorkerSession extends Session implements WorkerEngine {
  override async saveModel(): Promise<Outcome<Uint8Array<ArrayBuffer>>> {
    const outcome = await super.saveModel()
    return outcome.ok ? transfer(outcome, [outcome.value.buffer]) : outcome
  }

  hold(): Promise<string> {
    const name = `lowrank worker ${crypto.randomUUID()}`
    return new Promise((resolve, reject) => {
      const forever = () => new Promise<never>(() => resolve(name))
      navigator.locks.request(name, forever).catch(reject)
    })
  }
}

expose(new WorkerSession(() => Gpu.open()))

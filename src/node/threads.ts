import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type HostThread, type HostThreads, ThreadError } from '../layout/threads.ts'

/** Beyond so many, one thread cannot hand out entries as fast as the others want them. */
const mostThreads = 16

/** What a thread runs, beside this file in the build; under a name that no file of others has. */
const threadFile = './lowrank-thread.js'

/**
 * The threads of this machine; none where there is no program for them: among the sources, or where a bundler has put the
 * package into another file.
 */
export function hostThreads(
  program: URL = new URL(threadFile, import.meta.url),
  count: number = Math.min(mostThreads, availableParallelism()),
): HostThreads | undefined {
  return existsSync(program) ? { count, start: () => new NodeThread(program) } : undefined
}

/** What waits for an answer. */
interface Asked {
  resolve(answer: unknown): void
  reject(error: ThreadError): void
}

class NodeThread implements HostThread {
  readonly #worker: Worker
  #asked: Asked[] = []
  #failure: ThreadError | undefined

  constructor(program: URL) {
    try {
      this.#worker = new Worker(program, { name: 'lowrank', execArgv: [] })
    } catch (cause) {
      throw new ThreadError('a thread cannot be started', { cause })
    }
    this.#worker.on('message', answer => this.#asked.shift()?.resolve(answer))
    this.#worker.on('messageerror', cause => this.#fail('an answer cannot be read', cause))
    this.#worker.on('error', cause => this.#fail('a thread failed', cause))
    this.#worker.on('exit', () => this.#fail('a thread has ended'))
  }

  ask(message: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#asked.push({ resolve, reject })
      this.#worker.postMessage(message)
    })
  }

  end(): void {
    this.#fail('a thread has ended')
    void this.#worker.terminate()
  }

  #fail(problem: string, cause?: unknown): void {
    this.#failure ??= new ThreadError(problem, { cause })
    for (const { reject } of this.#asked) reject(this.#failure)
    this.#asked = []
  }
}

/** A thread of the host that computes for another one. */
export interface HostThread {
  /**
   * Sends a message, whose shared memory is not copied, and waits for the answer. Messages are answered in their order.
   * @throws ThreadError where the thread could not be started, fails or has ended
   */
  ask(message: unknown): Promise<unknown>
  /** Frees what it holds. */
  end(): void
}

/** What a thread takes before it does anything. */
export const threadBytes = 8 * 2 ** 20

/** What the host has beside the thread that computes. */
export interface HostThreads {
  /** Threads that it runs at once, the caller's among them. */
  readonly count: number
  /** @throws ThreadError where that is plain at once; else the first answer tells */
  start(): HostThread
}

/** A thread is not there to answer; what it was to do has to be done without it. */
export class ThreadError extends Error {}

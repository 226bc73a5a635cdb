/** The reason with which the signal of an interrupted program aborts. */
export class Interruption extends Error {
  constructor(readonly signalName: NodeJS.Signals) {
    super(`interrupted by ${signalName}`)
  }
}

const signalNames = ['SIGINT', 'SIGTERM'] as const

/**
 * Aborts on the first SIGINT or SIGTERM, so that work ends in order; a second one then ends the program at once, as it
 * would have without this.
 */
export function listenForInterruption(): AbortSignal {
  const controller = new AbortController()
  const listener = (name: NodeJS.Signals) => {
    for (const each of signalNames) process.removeListener(each, listener)
    controller.abort(new Interruption(name))
  }
  for (const each of signalNames) process.on(each, listener)
  return controller.signal
}

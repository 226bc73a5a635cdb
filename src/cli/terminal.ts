import { once } from 'node:events'
import pc from 'picocolors'
import { outputFailure } from '../node/write-file.ts'
import { describeError, explainError } from './failure.ts'

type Colors = ReturnType<typeof pc.createColors>

/**
 * The program's two outputs. What people read goes to standard output, or to standard error where standard output holds
 * data: one JSON object under `--json`, or rows. Errors and warnings always go to standard error.
 */
export class Terminal {
  readonly json: boolean
  #rowsOnOutput = false
  readonly #gone = new AbortController()

  constructor(json: boolean) {
    this.json = json
    const streams = { 'standard output': process.stdout, 'standard error': process.stderr }
    for (const [name, stream] of Object.entries(streams)) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw outputFailure(name, error)
        if (stream === process.stdout) this.#gone.abort()
      })
    }
  }

  /** Whether the reader of standard output has gone (`| head`): what is written there is then dropped without a word. */
  get closed(): boolean {
    return this.#gone.signal.aborted
  }

  /** Reserves standard output for rows; text goes to standard error from here on. */
  reserveOutput(): void {
    this.#rowsOnOutput = true
  }

  /** Where people read. */
  get stream(): NodeJS.WriteStream {
    return this.json || this.#rowsOnOutput ? process.stderr : process.stdout
  }

  /** Whether that is a terminal, which bars and colours need. */
  get interactive(): boolean {
    return this.stream.isTTY === true && process.env.TERM !== 'dumb'
  }

  get colors(): Colors {
    return colorsFor(this.stream)
  }

  /** Writes a line, or several, for people. */
  say(text: string): void {
    if (this.stream === process.stdout && this.closed) return
    this.stream.write(`${text}\n`)
  }

  warn(text: string): void {
    process.stderr.write(`${colorsFor(process.stderr).yellow('warning:')} ${text}\n`)
  }

  /** Writes rows to standard output and waits while its reader is behind. */
  async rows(text: string): Promise<void> {
    if (this.closed || process.stdout.write(text)) return
    try {
      await once(process.stdout, 'drain')
    } catch (error) {
      if (!this.closed) throw error
    }
  }

  /** The one JSON object, where it was asked for; numbers that are not finite become null. */
  result(object: unknown): void {
    if (this.json && !this.closed) process.stdout.write(`${JSON.stringify(object, undefined, 2)}\n`)
  }

  fail(error: unknown): void {
    process.stderr.write(`${colorsFor(process.stderr).red('error:')} ${explainError(error)}\n`)
    this.result({ error: describeError(error) })
  }
}

/** `NO_COLOR` and `FORCE_COLOR` (any value that is not empty) decide, then whether the stream is a terminal. */
function colorsFor(stream: NodeJS.WriteStream): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (NO_COLOR) return pc.createColors(false)
  return pc.createColors(Boolean(FORCE_COLOR) || (stream.isTTY === true && TERM !== 'dumb'))
}

import type { Command } from 'commander'
import { OptionError } from '../errors.ts'
import type { Terminal } from './terminal.ts'
import { inFlags } from './usage.ts'

/** What every command works with. */
export interface Session {
  terminal: Terminal
  /** Aborts with an `Interruption` on SIGINT and SIGTERM. */
  signal: AbortSignal
  /** Exit status where nothing was thrown. */
  exitCode: number
}

/** Does what a command's words say and returns its JSON object. */
export type Run = (session: Session, command: Command) => Promise<object>

/** `run` as commander calls it. */
export function perform(session: Session, run: Run): (...words: unknown[]) => Promise<void> {
  return async (...words) => {
    const command = words.at(-1) as Command
    try {
      session.terminal.result(await run(session, command))
    } catch (error) {
      throw error instanceof OptionError ? inFlags(error, command) : error
    }
  }
}

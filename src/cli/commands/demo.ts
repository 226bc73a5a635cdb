import { once } from 'node:events'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { OptionError } from '../../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { type PageServer, servePage } from '../page-server.ts'
import type { Session } from '../session.ts'
import { integerValue } from '../values.ts'

/** Where the page is found from one run to the next, so that the browser knows it again. */
const USUAL_PORT = 8642

/** The build puts the page beside the program. */
const folder = join(import.meta.dirname, 'demo')

export function addDemo(program: Command, session: Session): void {
  program
    .command('demo')
    .description('serve the page that trains in the browser, to this machine alone, until interrupted')
    .addOption(
      new Option('--port <n>', `port to serve at; 0 is any free one (default: ${USUAL_PORT} if it is free)`).argParser(
        integerValue('--port', 0, 65_535),
      ),
    )
    .action((_, command: Command) => demo(session, command.opts<{ port?: number }>().port))
}

/** Its JSON object comes at the start, and being interrupted is how it ends: neither is as `perform` has it. */
async function demo(session: Session, port: number | undefined): Promise<void> {
  const { terminal, signal } = session
  const server = await open(port)
  try {
    terminal.say(server.url)
    if (terminal.interactive) terminal.say('Open it in a browser with WebGPU; Ctrl+C ends this.')
    terminal.result({ url: server.url, port: server.port })
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await server.close()
  }
  session.exitCode = exitCodes.interrupted
}

async function open(port: number | undefined): Promise<PageServer> {
  try {
    return await servePage(folder, port ?? USUAL_PORT)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    if (port === undefined) return await servePage(folder)
    const why = code === 'EACCES' ? 'is not allowed to this user' : 'is in use'
    throw new OptionError('--port', `--port ${port}: the port ${why}; choose another, or 0 for any free one`)
  }
}

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import sirv from 'sirv'
import { InputError } from '../errors.ts'
import { pagePolicy } from './page-policy.ts'

/** Only this machine: WebGPU needs a secure context, which plain HTTP is nowhere else. */
const LOOPBACK = '127.0.0.1'

/**
 * Names of this machine in a request's `Host`. A page of another site whose name was pointed at this machine sends its
 * own, and is refused.
 */
const hosts = new Set([LOOPBACK, 'localhost', '[::1]'])

const headers: Readonly<Record<string, string>> = {
  'Content-Security-Policy': `${pagePolicy}; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

export interface PageServer {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string
  readonly port: number
  /** Ends the server and the connections that it has. */
  close(): Promise<void>
}

/**
 * Serves the files of a folder on the loopback interface, under the page's policy.
 * @param port 0 takes a free one.
 * @throws InputError without an `index.html` in the folder; Node's error (`EADDRINUSE`, `EACCES`) where the port is not to be had.
 */
export async function servePage(folder: string, port = 0): Promise<PageServer> {
  const index = join(folder, 'index.html')
  if (!existsSync(index)) throw new InputError('there is no page here; `npm run build` makes it', { file: index })
  // Looked up a request at a time (`dev`): the page may be built anew while it is served.
  const serveFile = sirv(folder, { etag: true, dev: true })
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const refusal = refuse(request)
    if (refusal !== undefined) return end(response, refusal.status, refusal.text)
    // Whole files alone: a range that runs backwards would throw in the file stream.
    delete request.headers.range
    // A file that goes between the look at it and its opening is the end of a response, not of the server.
    response.on('pipe', file => file.on('error', () => response.destroy()))
    serveFile(request, response, () => end(response, 404, 'not found'))
  })
  server.listen(port, LOOPBACK)
  await once(server, 'listening')
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${LOOPBACK}:${taken}/`,
    port: taken,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function refuse({ method, headers }: IncomingMessage): { status: number; text: string } | undefined {
  const host = (headers.host ?? '').replace(/:\d*$/, '').toLowerCase()
  if (!hosts.has(host)) return { status: 403, text: 'this server answers to the names of this machine alone' }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'GET and HEAD alone' }
  return undefined
}

function end(response: ServerResponse, status: number, text: string): void {
  if (status === 405) response.setHeader('Allow', 'GET, HEAD')
  response.writeHead(status, { 'Content-Type': 'text/plain;charset=utf-8' })
  response.end(`${text}\n`)
}

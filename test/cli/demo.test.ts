import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { pagePolicy } from '../../src/cli/page-policy.ts'
import { servePage } from '../../src/cli/page-server.ts'
import { type Failure, type Outcome, useProgram } from './program.ts'

const program = useProgram({ page: true })

interface Serving {
  url: string
  port: number
  /** Ends the program and gives what became of it. */
  end(signal?: NodeJS.Signals): Promise<Outcome>
}

/** Starts the program and waits for the address that it says. */
async function serve(...words: string[]): Promise<Serving> {
  const { promise: url, resolve, reject } = withResolvers<string>()
  let child: ChildProcess | undefined
  const outcome = program.run(['demo', ...words], {
    onStart(started) {
      child = started
      let said = ''
      child.stdout!.on('data', chunk => {
        said += chunk
        const address = /http:[^\s"]+(?="?,?\n)/.exec(said)?.[0]
        if (address !== undefined) resolve(address)
      })
    },
  })
  outcome.then(ended => reject(new Error(`ended without an address: ${JSON.stringify(ended)}`))).catch(reject)
  onTestFinished(() => void child!.kill('SIGKILL'))
  const end = (signal: NodeJS.Signals = 'SIGINT') => {
    child!.kill(signal)
    return outcome
  }
  return { url: await url, port: Number(new URL(await url).port), end }
}

function withResolvers<Value>() {
  let resolve!: (value: Value) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<Value>((...both) => {
    ;[resolve, reject] = both
  })
  return { promise, resolve, reject }
}

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

async function ask(url: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const [response] = await once(get(url, options), 'response')
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

/** The answer's first line and body to a path as it stands, which clients would tidy up before they send it. */
async function askRaw(port: number, path: string, headers = `Host: 127.0.0.1:${port}\r\n`): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`)
  return await text(socket)
}

describe('demo', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('says its address, serves the page, and exits 130 on %s', async signal => {
    const { url, port, end } = await serve('--port', '0')
    expect(url).toBe(`http://127.0.0.1:${port}/`)
    const { status, body, headers } = await ask(url)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html;charset=utf-8')
    for (const [, path] of body.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)) {
      expect({ path, status: (await ask(new URL(path!, url).href)).status }).toEqual({ path, status: 200 })
    }
    expect(await end(signal)).toMatchObject({ code: 130, stdout: `${url}\n`, stderr: '' })
    await expect(ask(url)).rejects.toThrow(/ECONNREFUSED/)
  })

  it('gives its address as one JSON object at once', async () => {
    const { url, port, end } = await serve('--port', '0', '--json')
    const { code, stdout } = await end()
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toEqual({ url, port })
  })

  it('takes a free port where its usual one is in use, and no other than the one that it was told', async () => {
    const first = await serve()
    const second = await serve()
    expect(second.port).not.toBe(first.port)
    const words = ['demo', '--port', String(second.port)]
    const { code, result } = await program.json<Failure>(words)
    expect(code).toBe(2)
    expect(result.error.message).toBe(
      `--port ${second.port}: the port is in use; choose another, or 0 for any free one`,
    )
    await Promise.all([first.end(), second.end()])
  })

  it.each(['-1', '65536', '80.5', 'http'])('refuses the port %s', async port => {
    const { code, stderr } = await program.run(['demo', `--port=${port}`])
    expect(code).toBe(2)
    expect(stderr).toContain(`--port must be an integer from 0 to 65535, not "${port}"`)
  })
})

describe('the server of the page', () => {
  it('sends the policy and keeps the page to itself', async () => {
    const { url, end } = await serve('--port', '0')
    for (const path of ['', 'nothing-here', 'licenses.txt']) {
      expect((await ask(new URL(path, url).href)).headers).toMatchObject({
        'content-security-policy': `${pagePolicy}; frame-ancestors 'none'`,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
        'cross-origin-resource-policy': 'same-origin',
      })
    }
    await end()
  })

  it('answers to the names of this machine alone', async () => {
    const { url, port, end } = await serve('--port', '0')
    for (const host of ['127.0.0.1', 'localhost', `LOCALHOST:${port}`, '[::1]:80']) {
      expect({ host, status: (await ask(url, { headers: { host } })).status }).toEqual({ host, status: 200 })
    }
    for (const host of ['evil.test', `evil.test:${port}`, '127.0.0.1.evil.test', 'localhost.', '192.168.0.1']) {
      const { status, body } = await ask(url, { headers: { host } })
      expect({ host, status }).toEqual({ host, status: 403 })
      expect(body).not.toMatch(/<html/)
    }
    expect(await askRaw(port, '/', 'Host: \r\n')).toMatch(/^HTTP\/1\.1 403 /)
    expect(await askRaw(port, '/', '')).toMatch(/^HTTP\/1\.1 400 /)
    await end()
  })

  it('reads and nothing else', async () => {
    const { url, end } = await serve('--port', '0')
    const head = await ask(url, { method: 'HEAD' })
    expect([head.status, head.body]).toEqual([200, ''])
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers } = await ask(url, { method })
      expect({ method, status, allow: headers.allow }).toEqual({ method, status: 405, allow: 'GET, HEAD' })
    }
    await end()
  })

  it('has nothing outside of its folder', async () => {
    const { port, end } = await serve('--port', '0')
    const paths = [
      '/../cli.js',
      '/assets/../../cli.js',
      '/%2e%2e/cli.js',
      '/%2e%2e%2fcli.js',
      '/..%2fcli.js',
      '/..%5ccli.js',
      '/%252e%252e/cli.js',
      '/assets/%2e%2e/%2e%2e/cli.js',
      '//../cli.js',
      '/..;/cli.js',
      '/%00/../../cli.js',
      '/%',
      '/%c0%ae%c0%ae/cli.js',
      '/../../../../../../../../etc/passwd',
      'http://127.0.0.1/../cli.js',
      `/${'a'.repeat(10_000)}`,
    ]
    for (const path of paths) {
      const answer = await askRaw(port, path)
      expect({ path, status: answer.split('\r\n')[0] }).toEqual({ path, status: 'HTTP/1.1 404 Not Found' })
      expect(answer.split('\r\n\r\n')[1]).toMatch(/^(?:[0-9a-f]+\r\n)?not found\n/)
    }
    expect(await askRaw(port, '/')).toMatch(/^HTTP\/1\.1 200 OK/)
    await end()
  })

  it('gives whole files where it is asked for a range', async () => {
    const { url, end } = await serve('--port', '0')
    const whole = await ask(url)
    for (const range of ['bytes=0-4', 'bytes=9-2', 'bytes=-5', 'bytes=99999999-', 'lines=1']) {
      const { status, body } = await ask(url, { headers: { range } })
      expect({ range, status, body }).toEqual({ range, status: 200, body: whole.body })
    }
    await end()
  })

  it('says where a page is missing', async () => {
    await expect(servePage(program.folder)).rejects.toThrow(
      `${program.path('index.html')}: there is no page here; \`npm run build\` makes it`,
    )
  })
})

describe('demo without a page', () => {
  const bare = useProgram()

  it('exits 3 and names the command that makes it', async () => {
    const { code, result } = await bare.json<Failure>(['demo'])
    expect(code).toBe(3)
    expect(result.error).toMatchObject({ code: 'INPUT', message: expect.stringContaining('npm run build') })
  })
})

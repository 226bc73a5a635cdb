import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, inject } from 'vitest'
import { buildPage } from '../support/build-page.ts'

const root = resolve(import.meta.dirname, '../..')

export interface Outcome {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string>
  /** Called with the process when it has started. */
  onStart?: (child: ChildProcess) => void
}

/** The built program and an empty folder to run it in, for the tests of one file. */
export interface Program {
  readonly folder: string
  /** The program itself, for `node`. */
  readonly script: string
  path(name: string): string
  /** Runs the program as people do. */
  run(words: readonly string[], options?: RunOptions): Promise<Outcome>
  /** Runs it with `--json` and parses the one object on its standard output. */
  json<Result = Record<string, unknown>>(
    words: readonly string[],
    options?: RunOptions,
  ): Promise<Outcome & { result: Result }>
}

/** Builds the program, and the page where it is wanted, before the tests of a file. */
export function useProgram({ page = false } = {}): Program {
  const dist = join(inject('programFolder'), page ? 'with-page' : 'program')
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lowrank-cli-'))
    await once(dist, async () => {
      // In a process of its own: the test runner's settings have no say in the build.
      const built = await start(
        join(root, 'node_modules/vite/bin/vite.js'),
        ['build', '--outDir', dist, '--logLevel', 'warn'],
        root,
      )
      if (built.code !== 0) throw new Error(`the build failed: ${built.stderr}`)
      if (page) await buildPage(join(dist, 'demo'))
    })
  }, 60_000)
  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true })
  })
  const run = (words: readonly string[], options?: RunOptions) => start(join(dist, 'cli.js'), words, folder, options)
  return {
    get folder() {
      return folder
    },
    get script() {
      return join(dist, 'cli.js')
    },
    path: name => join(folder, name),
    run,
    async json<Result>(words: readonly string[], options?: RunOptions) {
      const outcome = await run([...words.slice(0, 1), '--json', ...words.slice(1)], options)
      return { ...outcome, result: JSON.parse(outcome.stdout) as Result }
    },
  }
}

/** Does what makes a folder, in the first process that asks for it; the others wait. */
async function once(made: string, make: () => Promise<void>): Promise<void> {
  const [begun, ended] = [`${made}.begun`, `${made}.ended`]
  try {
    mkdirSync(begun)
  } catch {
    while (!existsSync(ended)) await setTimeout(20)
    const failure = readFileSync(ended, 'utf8')
    if (failure !== '') throw new Error(failure)
    return
  }
  const failure = await make().then(
    () => '',
    (error: unknown) => String(error),
  )
  writeFileSync(`${ended}.tmp`, failure)
  renameSync(`${ended}.tmp`, ended)
  if (failure !== '') throw new Error(failure)
}

function start(script: string, words: readonly string[], cwd: string, options: RunOptions = {}): Promise<Outcome> {
  const { NO_COLOR, FORCE_COLOR, CI, DEBUG, NODE_ENV, ...env } = process.env
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, [script, ...words], { cwd, env: { ...env, ...options.env } })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => settle({ code, signal, stdout, stderr }))
    options.onStart?.(child)
  })
}

/** The `error` field of a failed command's JSON object. */
export interface Failure {
  error: {
    code: string
    message: string
    option?: string
    nearest?: string
    file?: string
    line?: number
    text?: string
    epoch?: number
    loss?: number | null
    suggestedRate?: number
    row?: { side: 'users' | 'items'; row: number; id: number | string }
  }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** Builds the page into a folder as `npm run build` does, in a process of its own: the test runner has no say in it. */
export async function buildPage(folder: string): Promise<void> {
  const { NODE_ENV, ...env } = process.env
  const vite = [resolve(root, 'node_modules/vite/bin/vite.js'), 'build', 'demo', '--outDir', folder]
  const child = spawn(process.execPath, [...vite, '--logLevel', 'warn'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the page does not build:\n${output}`)
}

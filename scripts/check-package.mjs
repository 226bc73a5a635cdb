// Packs the package, installs the tarball in an empty folder, and uses it there as a stranger would: from Node, from the
// command line, from TypeScript and through a bundler. Needs a GPU adapter.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lowrank-package-'))
const tools = join(root, 'node_modules', '.bin')
let checks = 0

/**
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
function check(what, command, args, cwd = folder) {
  process.stderr.write(`${what} ... `)
  try {
    const output = execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    checks++
    process.stderr.write('ok\n')
    return output
  } catch (error) {
    process.stderr.write(`failed\n${error.stdout ?? ''}${error.stderr ?? ''}\n`)
    throw new Error(`${what} failed`)
  }
}

const useInNode = `
import { fit, plantedRatings, splitRandom } from 'lowrank'
import { openGpu, readModel, writeModel } from 'lowrank/node'
const gpu = await openGpu()
const planted = plantedRatings({ users: 60, items: 40, entries: 900, seed: 1 })
const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 1 })
const { model } = await fit(gpu, train, { factors: 4, epochs: 5 })
await writeModel('model.safetensors', model)
const copy = await readModel('model.safetensors', gpu)
const [a, b] = [await model.evaluate(test), await copy.evaluate(test)]
if (!(a.rmse > 0) || a.rmse !== b.rmse) throw new Error('the model changed on its way through the file')
gpu.destroy()
`

const useInTypeScript = `
import { type EpochReport, fit, type FitResult, type Gpu, type Ratings, OptionError } from 'lowrank'
import { openGpu, readRatings } from 'lowrank/node'
export async function run(): Promise<number> {
  const gpu: Gpu = await openGpu()
  const ratings: Ratings = await readRatings('u.data')
  const losses: number[] = []
  const onEpoch = (report: EpochReport) => void losses.push(report.trainLoss)
  const result: FitResult = await fit(gpu, ratings, { factors: 8, optimizer: 'adam', onEpoch })
  // @ts-expect-error a device has limits, not these
  gpu.device.limits.maxFactors
  // @ts-expect-error no such optimizer
  await fit(gpu, ratings, { optimizer: 'adamw' }).catch((error: unknown) => error instanceof OptionError)
  return result.model.predict('1', 2)
}
`

const useInPage = `
import { fit, Gpu, Ratings } from 'lowrank'
const gpu = await Gpu.open()
const { model } = await fit(gpu, Ratings.from(['a'], ['x'], [4]), { epochs: 1 })
document.title = String(model.predict('a', 'x'))
`

const servePage = `
import { spawn } from 'node:child_process'
import { once } from 'node:events'
const server = spawn(process.execPath, ['node_modules/lowrank/dist/cli.js', 'demo', '--port', '0'])
const [line] = await once(server.stdout.setEncoding('utf8'), 'data')
const page = await (await fetch(line.trim())).text()
for (const [, file] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
  if (!(await fetch(new URL(file, line.trim()))).ok) throw new Error('the page lacks ' + file)
}
server.kill('SIGINT')
const [code] = await once(server, 'exit')
if (code !== 130 || !page.includes('Content-Security-Policy')) throw new Error('exit status ' + code + ', page: ' + page)
`

try {
  check('build', 'npm', ['run', '--silent', 'build'], root)
  check('publint', join(tools, 'publint'), ['--strict'], root)
  const packed = JSON.parse(
    check('npm pack', 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root),
  )
  const tarball = join(folder, packed[0].filename)
  const files = packed[0].files.map(file => file.path)
  for (const wanted of [
    'dist/index.js',
    'dist/node.js',
    'dist/cli.js',
    'dist/lowrank-thread.js',
    'dist/types/index.d.ts',
    'dist/demo/index.html',
    'dist/demo/licenses.txt',
    'README.md',
    'LICENSE',
  ]) {
    if (!files.includes(wanted)) throw new Error(`the tarball lacks ${wanted}`)
  }
  check('attw', join(tools, 'attw'), [tarball, '--profile', 'esm-only'], root)

  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
  check('npm install', 'npm', ['install', '--no-audit', '--no-fund', tarball])
  writeFileSync(join(folder, 'use.mjs'), useInNode)
  check('use in Node', process.execPath, ['use.mjs'])
  const info = check('use the command line', 'npx', ['--no-install', 'lowrank', 'info', 'model.safetensors', '--json'])
  JSON.parse(info)

  writeFileSync(join(folder, 'serve.mjs'), servePage)
  check('serve the page', process.execPath, ['serve.mjs'])

  writeFileSync(join(folder, 'use.ts'), useInTypeScript)
  for (const resolution of ['nodenext', 'bundler']) {
    const module = resolution === 'nodenext' ? 'nodenext' : 'esnext'
    const args = ['--strict', '--noEmit', '--target', 'es2023', '--lib', 'es2023', '--types', '', '--module', module]
    check(`types, ${resolution}`, join(tools, 'tsc'), [
      ...args,
      '--moduleResolution',
      resolution,
      '--skipLibCheck',
      'use.ts',
    ])
  }

  mkdirSync(join(folder, 'page'))
  writeFileSync(join(folder, 'page', 'index.html'), '<script type="module" src="./main.js"></script>')
  writeFileSync(join(folder, 'page', 'main.js'), useInPage)
  check('bundle for a page', join(tools, 'vite'), ['build', 'page', '--logLevel', 'warn', '--target', 'es2023'])
  const html = readFileSync(join(folder, 'page', 'dist', 'index.html'), 'utf8')
  if (!html.includes('.js')) throw new Error('the bundle has no script')
  process.stderr.write(`package: ${checks} checks, ${packed[0].files.length} files, ${packed[0].size} bytes\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

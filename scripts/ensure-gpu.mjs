// Sees to it that there is a GPU adapter, and with --browser a Chromium, before something needs them: where one is
// missing, it runs the set-up script, and where that does not help it exits 4 with what to do. Never falls back silently.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findChromium } from './chromium.mjs'

const wantsBrowser = process.argv.includes('--browser')
const setup = fileURLToPath(new URL('setup-gpu.sh', import.meta.url))

// In a process of its own: a driver installed meanwhile is seen only by a fresh Vulkan loader.
const probe = `
  import { create } from 'webgpu'
  const gpu = create([])
  const adapter = await gpu.requestAdapter()
  process.exit(adapter === null ? 1 : 0)
`

const hasAdapter = () =>
  spawnSync(process.execPath, ['--input-type=module', '--eval', probe], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'ignore',
  }).status === 0
const hasBrowser = () => !wantsBrowser || findChromium() !== undefined

if (!hasAdapter() || !hasBrowser()) {
  const missing = [hasAdapter() ? [] : 'a GPU adapter', hasBrowser() ? [] : 'Chromium'].flat().join(' and ')
  console.error(`${missing} missing; running ${setup}`)
  const run = spawnSync('bash', wantsBrowser ? [setup, '--browser'] : [setup], { stdio: ['ignore', 2, 2] })
  if (run.error !== undefined) console.error(`cannot run bash: ${run.error.message}`)
  if (run.status !== 0) process.exit(4)
  if (!hasAdapter()) {
    console.error('There is still no GPU adapter that WebGPU can use: see `npx lowrank doctor`.')
    process.exit(4)
  }
  if (!hasBrowser()) {
    console.error('There is still no Chromium: install one, or name it in CHROMIUM_PATH.')
    process.exit(4)
  }
}

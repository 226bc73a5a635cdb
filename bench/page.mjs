/**
 * What the page costs its visitor, in headless Chromium: first paint to ready, weight, a ratings file from drop to packed,
 * a training of 20 epochs, a fold-in, and the long tasks of the page's own thread while a million entries train. Needs a
 * build: `npm run build && node bench/page.mjs --data ../shared/data/ml-100k/u.data`. Without `--data` a generated file of
 * the same shape takes its place; `--large FILE` also reads that one and watches the page's thread meanwhile. Prints one JSON object; medians over `--rounds` where a figure is taken more than once.
 */

import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { chromiumArguments, findChromium, softwareGpuArguments } from '../scripts/chromium.mjs'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    large: { type: 'string' },
    entries: { type: 'string', default: '1000000' },
    epochs: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    /** Takes the machine's own GPU instead of the one played by the CPU. */
    hardware: { type: 'boolean', default: false },
  },
})

const LONG_TASK = 50

const program = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const server = spawn(process.execPath, [program, 'demo', '--port', '0', '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const folder = await mkdtemp(join(tmpdir(), 'lowrank-page-'))
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: [...chromiumArguments, ...(values.hardware ? ['--enable-unsafe-webgpu'] : softwareGpuArguments)],
})
try {
  const address = await new Promise((resolve, reject) => {
    server.stdout.once('data', line => resolve(JSON.parse(String(line)).url))
    server.once('exit', code => reject(new Error(`lowrank demo ended with ${code}`)))
  })
  const rounds = Number(values.rounds)
  const opened = []
  for (let round = 0; round < rounds; round++) opened.push(await openOnce(address))
  const file = values.data ?? (await generatedFile())
  const read = []
  for (let round = 0; round < rounds; round++) read.push(await dropOnce(address, file))
  const result = {
    adapter: opened[0].adapter,
    cpus: cpus()[0]?.model,
    weight: await weigh(address),
    open: { firstPaintMs: median(opened, 'firstPaint'), readyMs: median(opened, 'ready') },
    drop: { file: values.data ? 'given' : 'generated', readMs: median(read, 'milliseconds') },
    trained: await trainDropped(address, file),
    longTasks: await watchTraining(address),
    ...(values.large === undefined ? {} : { large: await readLarge(address, values.large) }),
  }
  console.log(JSON.stringify(result, undefined, 2))
} finally {
  await browser.close()
  server.kill('SIGTERM')
  await rm(folder, { recursive: true, force: true })
}

/** Milliseconds from the start of navigation. @param {string} address */
async function openOnce(address) {
  const page = await browser.newPage()
  await page.goto(address)
  await ready(page)
  const times = await page.evaluate(() => ({
    firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
    ready: performance.getEntriesByName('lowrank-ready')[0]?.startTime ?? Number.NaN,
  }))
  const adapter = (await page.locator('#machine summary').innerText()).replace(/\s+/g, ' ').trim()
  await page.close()
  return { ...times, adapter }
}

/** Bytes of all that the page loads before a file is opened. @param {string} address */
async function weigh(address) {
  const page = await browser.newPage()
  const bodies = []
  page.on('response', response => bodies.push(response.body().then(body => ({ url: response.url(), body }))))
  await page.goto(address)
  await ready(page)
  const files = await Promise.all(bodies)
  await page.close()
  const plain = files.reduce((sum, { body }) => sum + body.length, 0)
  const gzip = files.reduce((sum, { body }) => sum + gzipSync(body).length, 0)
  return { files: files.length, bytes: plain, gzipBytes: gzip }
}

/** Milliseconds from the choice of a file to its summary. @param {string} address @param {string} file */
async function dropOnce(address, file) {
  const page = await browser.newPage()
  await page.goto(address)
  await ready(page)
  const milliseconds = await open(page, file)
  await page.close()
  return { milliseconds }
}

/** @param {string} address @param {string} file */
async function trainDropped(address, file) {
  const page = await browser.newPage()
  await page.goto(`${address}?epochs=20`)
  await ready(page)
  await open(page, file)
  const started = performance.now()
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  await untilTraining(page, status => status !== 'preparing')
  const prepared = (performance.now() - started) / 1000
  await untilTraining(page, status => status === 'finished')
  const seconds = (performance.now() - started) / 1000
  const rmse = Number.parseFloat(await page.locator('[data-figure=best]').innerText())
  const foldIns = []
  for (let title = 0; title < 5; title++) foldIns.push({ milliseconds: await rateOne(page, title) })
  await page.close()
  return { epochs: 20, preparedSeconds: prepared, seconds, rmse, foldInMs: median(foldIns, 'milliseconds') }
}

/** Gives stars to one of the titles to start with; milliseconds as the page says them. */
async function rateOne(page, title) {
  const stars = page
    .locator('#rate fieldset.stars')
    .nth(title)
    .locator('label')
    .nth(title % 5)
  const found = page.locator('#rate').getByText(/^Found in /)
  const ratings = title + 1
  await stars.click()
  await page.waitForFunction(
    wanted => document.querySelectorAll('#rate input[type=radio]:checked').length >= wanted,
    ratings,
  )
  await page.waitForTimeout(500)
  const [, value, unit] = /Found in ([\d.]+) (ms|s)/.exec(await found.innerText()) ?? []
  return Number(value) * (unit === 's' ? 1000 : 1)
}

/** The page's own thread while entries train: what blocked it for over 50 ms, by the clock and by its own CPU time. */
async function watchTraining(address) {
  const page = await watchedPage()
  await page.goto(`${address}?movies=${values.entries}&epochs=${values.epochs}`)
  await ready(page)
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] })
  const from = await page.evaluate(() => performance.now())
  await train(page)
  const tasks = await longTasksSince(page, from)
  const trace = JSON.parse(String(await browser.stopTracing()))
  await page.close()
  const own = mainThreadTasks(trace.traceEvents)
  return {
    entries: Number(values.entries),
    epochs: Number(values.epochs),
    overFifty: tasks.length,
    totalBlockingMs: tasks.reduce((sum, { duration }) => sum + duration - LONG_TASK, 0),
    tasks: own.length,
    longestMs: Math.max(0, ...own.map(({ dur }) => dur / 1000)),
    longestCpuMs: Math.max(0, ...own.map(({ tdur = 0 }) => tdur / 1000)),
    overFiftyCpu: own.filter(({ tdur = 0 }) => tdur / 1000 > LONG_TASK).length,
  }
}

/** A file from its choice to its summary, and what blocked the page's own thread meanwhile. */
async function readLarge(address, file) {
  const page = await watchedPage()
  await page.goto(address)
  await ready(page)
  const from = await page.evaluate(() => performance.now())
  const readMs = await open(page, file)
  const tasks = await longTasksSince(page, from)
  await page.close()
  return { bytes: (await stat(file)).size, readMs, overFifty: tasks.length }
}

/** A page that notes its long tasks. */
async function watchedPage() {
  const page = await browser.newPage()
  await page.addInitScript(() => {
    globalThis.longTasks = []
    new PerformanceObserver(list => {
      for (const { startTime, duration } of list.getEntries()) globalThis.longTasks.push({ startTime, duration })
    }).observe({ type: 'longtask' })
  })
  return page
}

async function longTasksSince(page, from) {
  const tasks = await page.evaluate(() => globalThis.longTasks)
  return tasks.filter(({ startTime }) => startTime >= from)
}

/** The outermost tasks of the page's main thread. */
function mainThreadTasks(events) {
  const threads = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
  const runs = events.filter(({ name, ph }) => ph === 'X' && name === 'RunTask')
  const ofThread = threads.map(({ pid, tid }) => runs.filter(run => run.pid === pid && run.tid === tid))
  // The busiest renderer is the page; others belong to spare processes.
  return ofThread.sort((a, b) => b.length - a.length)[0] ?? []
}

async function ready(page) {
  await page.waitForFunction(() => performance.getEntriesByName('lowrank-ready').length > 0, undefined, {
    timeout: 60_000,
  })
}

/** Opens a file by the picker; milliseconds until the page shows its entries. */
async function open(page, file) {
  const name = file.split(/[/\\]/).at(-1)
  await page.evaluate(() => {
    const input = document.querySelector('#data-body input[type=file]')
    input.addEventListener('change', () => performance.mark('chosen'), { capture: true, once: true })
  })
  await page.locator('#data-body input[type=file]').setInputFiles(file)
  await page.waitForFunction(wanted => document.querySelector('#data-body .file-name')?.textContent === wanted, name, {
    polling: 5,
    timeout: 120_000,
  })
  return await page.evaluate(() => performance.now() - performance.getEntriesByName('chosen')[0].startTime)
}

async function train(page) {
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  await untilTraining(page, status => status === 'finished')
}

/** Waits for a state of the training. @param {(status: string) => boolean} holds */
async function untilTraining(page, holds) {
  const deadline = performance.now() + 600_000
  for (;;) {
    const status = await page.locator('#training-body').getAttribute('data-status')
    if (holds(status)) return
    if (status === 'failed' || performance.now() > deadline) throw new Error(`the training is ${status}`)
    await page.waitForTimeout(20)
  }
}

/** A file of ML-100K's shape: 943 users, 1,682 items, 100,000 ratings, tabs. */
async function generatedFile() {
  const { plantedRatings } = await import('../dist/index.js')
  const { ratings } = plantedRatings({ users: 943, items: 1682, entries: 100_000, seed: 1 })
  const lines = Array.from(ratings.values, (value, e) => {
    const stars = Math.min(5, Math.max(1, Math.round(value)))
    return `${ratings.userIds.at(ratings.users[e])}\t${ratings.itemIds.at(ratings.items[e])}\t${stars}\t${880_000_000 + e}`
  })
  const path = join(folder, 'u.data')
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

function median(list, name) {
  const sorted = list.map(one => one[name]).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

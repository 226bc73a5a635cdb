import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AxeResults, source as axe } from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, expect, inject, onTestFinished, TestRunner } from 'vitest'
import { chromiumArguments, findChromium, softwareGpuArguments } from '../../scripts/chromium.mjs'
import { patchWorker, removeGpu, routeWorkers } from './worker-patches.ts'

export { hideFeatures, keepDevice, lateLoss, loseOnCall, patchWorker } from './worker-patches.ts'

/** What the browser has: SwiftShader, WebGPU without an adapter, or no WebGPU at all. */
export type GpuKind = 'software' | 'no-adapter' | 'absent'

export interface OpenOptions extends Pick<BrowserContextOptions, 'colorScheme' | 'reducedMotion' | 'viewport'> {
  gpu?: GpuKind
  /** Relative to the page's address: a query, a fragment, or a whole address of another server. */
  path?: string
  /** Patches for the page's workers, as `patchWorker` takes them. */
  worker?: readonly string[]
  /** Runs in the page before its own scripts. */
  init?: () => void
}

export interface OpenedPage {
  readonly page: Page
  /** What went wrong so far: errors in the console and uncaught ones, of workers too, and requests that fail or go elsewhere. */
  readonly problems: readonly string[]
  /** Every request's address so far. */
  readonly requests: readonly string[]
  /** Fails where something went wrong; `expected` are problems that the test brought about. */
  expectClean(...expected: RegExp[]): void
}

const browsers = new Map<boolean, Promise<Browser>>()

/** The file's browser, with the software GPU or without. */
function launch(gpu: boolean): Promise<Browser> {
  let browser = browsers.get(gpu)
  if (browser === undefined) {
    const args = [...chromiumArguments, ...(gpu ? softwareGpuArguments : [])]
    browser = chromium.launch({ executablePath: findChromium() ?? 'no-chromium-found', args })
    browsers.set(gpu, browser)
  }
  return browser
}

afterAll(async () => {
  for (const browser of browsers.values()) await (await browser).close()
})

/** Opens the built page in a fresh profile, closed at the end of the test (of the file, outside of a test). */
export async function openPage(options: OpenOptions = {}): Promise<OpenedPage> {
  const { gpu = 'software', path = '', worker = [], init, ...contextOptions } = options
  const browser = await launch(gpu === 'software')
  const context = await browser.newContext({ serviceWorkers: 'block', ...contextOptions })
  const page = await context.newPage()
  const close = async () => {
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await context.close()
  }
  if (TestRunner.getCurrentTest() !== undefined) onTestFinished(close)
  const url = new URL(path, inject('pageUrl'))
  const problems: string[] = []
  const requests: string[] = []
  page.on('console', message => {
    if (message.type() === 'error') problems.push(`console: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', error => problems.push(`uncaught: ${error.stack ?? error.message}`))
  page.on('crash', () => problems.push('the page crashed'))
  page.on('websocket', socket => problems.push(`web socket: ${socket.url()}`))
  page.on('requestfailed', request => problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`))
  context.on('request', request => {
    const address = request.url()
    requests.push(address)
    if (!address.startsWith('data:') && new URL(address).origin !== url.origin) problems.push(`request: ${address}`)
  })
  await routeWorkers(page)
  patchWorker(page, ...worker)
  if (gpu === 'absent') {
    patchWorker(page, removeGpu)
    await page.addInitScript(removeGpu)
  }
  if (init !== undefined) await page.addInitScript(init)
  await page.goto(url.href)
  return {
    page,
    problems,
    requests,
    expectClean(...expected) {
      expect(problems.filter(problem => !expected.some(pattern => pattern.test(problem)))).toEqual([])
    },
  }
}

/**
 * Checks the page as it stands for accessibility. Fails on what axe calls serious or critical; prints and returns the rest.
 */
export async function expectAccessible(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const { violations }: AxeResults = await page.evaluate('axe.run()')
  const described = violations.map(({ id, impact, help, nodes }) => {
    const places = nodes.map(({ target, failureSummary }) => `\n  ${target.join(' ')}: ${failureSummary}`)
    return { grave: impact === 'serious' || impact === 'critical', text: `${impact} ${id}: ${help}${places.join('')}` }
  })
  const texts = (wanted: boolean) => described.filter(({ grave }) => grave === wanted).map(({ text }) => text)
  if (texts(true).length > 0) expect.fail(texts(true).join('\n'))
  const lesser = texts(false)
  for (const text of lesser) process.stdout.write(`${text}\n`)
  return lesser
}

/** Windows that people have, in CSS pixels. */
export const sizes = {
  'small phone': { width: 320, height: 568 },
  phone: { width: 390, height: 844 },
  tablet: { width: 820, height: 1180 },
  laptop: { width: 1280, height: 720 },
  wide: { width: 1920, height: 1080 },
} as const

/** An empty folder for the test that runs. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lowrank-page-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { servePage } from '../../src/cli/page-server.ts'
import { expectAccessible, hideFeatures, keepDevice, openPage, patchWorker, temporaryFolder } from './support.ts'

// A page of its own that does what the real one must not: what the tests rely on has to notice it.

let url = ''

beforeEach(async () => {
  const folder = temporaryFolder()
  const files = {
    'index.html': `<!doctype html><title>x</title><script type="module" crossorigin src="page.js"></script><p>text`,
    'page.js': `const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' })
      globalThis.answers = []
      worker.onmessage = ({ data }) => answers.push(data)
      globalThis.ask = data => worker.postMessage(data)
      ask('early')`,
    'worker.js': `import { seen } from './imported.js'
      onmessage = async ({ data }) => {
        if (data === 'throw') throw new Error('thrown in the worker')
        if (data.startsWith('http')) await fetch(data).catch(() => {})
        const adapter = await navigator.gpu?.requestAdapter()
        await adapter?.requestDevice()
        postMessage({ data, seen, gpu: navigator.gpu !== undefined, features: adapter && [...adapter.features] })
      }`,
    'imported.js': 'export const seen = globalThis.patched',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const server = await servePage(folder)
  onTestFinished(server.close)
  url = server.url
})

interface Answer {
  data: string
  seen?: number
  gpu: boolean
  features?: string[] | null
}

type Scope = typeof globalThis & { answers: Answer[]; ask(data: string): void; __device: GPUDevice }

async function answersOf({ page }: Awaited<ReturnType<typeof openPage>>, count = 1): Promise<Answer[]> {
  await page.waitForFunction(wanted => (globalThis as Partial<Scope>).answers!.length >= wanted, count)
  return await page.evaluate(() => (globalThis as Scope).answers)
}

describe('openPage', () => {
  it('patches a worker before all that it imports, and loses no message', async () => {
    const opened = await openPage({ path: url, worker: ['globalThis.patched = 7'] })
    expect(await answersOf(opened)).toMatchObject([{ data: 'early', seen: 7, gpu: true }])
    opened.expectClean()
    patchWorker(opened.page, 'globalThis.patched += 1')
    await opened.page.reload()
    expect(await answersOf(opened)).toMatchObject([{ seen: 8 }])
  })

  it('reaches the device of a worker, and hides features of its adapter', async () => {
    const plain = await answersOf(await openPage({ path: url }))
    const name = plain[0]!.features![0]!
    const opened = await openPage({ path: url, worker: [keepDevice, hideFeatures(name)] })
    const [answer] = await answersOf(opened)
    expect(answer!.features).toEqual(plain[0]!.features!.slice(1))
    const reason = await opened.page.workers()[0]!.evaluate(async () => {
      const device = (globalThis as Scope).__device
      device.destroy()
      return (await device.lost).reason
    })
    expect(reason).toBe('destroyed')
  })

  it('opens a browser without an adapter, and one without WebGPU', async () => {
    const withoutAdapter = await openPage({ path: url, gpu: 'no-adapter' })
    expect(await answersOf(withoutAdapter)).toMatchObject([{ gpu: true, features: null }])
    const without = await openPage({ path: url, gpu: 'absent' })
    expect((await answersOf(without))[0]).toEqual({ data: 'early', gpu: false })
    expect(await without.page.evaluate(() => 'gpu' in navigator)).toBe(false)
  })

  it.each([
    ['an error thrown in a worker', 'throw', /uncaught: .*thrown in the worker/],
    ['a request of a worker to another origin', 'http://127.0.0.1:9/', /policy violated in a worker: connect-src/],
  ])('notices %s', async (_, message, problem) => {
    const opened = await openPage({ path: url })
    await answersOf(opened)
    await opened.page.evaluate(text => (globalThis as Scope).ask(text), message)
    await expect.poll(() => opened.problems.join('\n')).toMatch(problem)
    expect(() => opened.expectClean()).toThrow()
    opened.expectClean(problem)
  })

  it.each([
    ['a file that is not there', () => void fetch('missing.txt'), /console: .*404/],
    ['a request to another origin', () => void fetch('http://127.0.0.1:9/').catch(() => {}), /Content Security Policy/],
    ['a style in the markup', () => document.body.setAttribute('style', 'color: red'), /Content Security Policy/],
    ['a window of another origin', () => void open('http://127.0.0.1:9/'), /request: http:\/\/127\.0\.0\.1:9/],
  ])('notices %s', async (_, act, problem) => {
    const opened = await openPage({ path: url })
    await opened.page.evaluate(act)
    await expect.poll(() => opened.problems.join('\n')).toMatch(problem)
    expect(() => opened.expectClean()).toThrow()
  })
})

describe('expectAccessible', () => {
  it('fails on a serious fault and returns lesser ones', async () => {
    const { page } = await openPage({ path: url })
    await expect(expectAccessible(page)).rejects.toThrow(/html-has-lang/)
    await page.evaluate(() => document.documentElement.setAttribute('lang', 'en'))
    expect((await expectAccessible(page)).join()).toMatch(/landmark-one-main/)
  })
})

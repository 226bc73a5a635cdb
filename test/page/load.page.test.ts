import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { pagePolicy } from '../../src/cli/page-policy.ts'
import { servePage } from '../../src/cli/page-server.ts'
import { expectAccessible, type GpuKind, openPage, sizes, temporaryFolder } from './support.ts'

const gpuKinds: GpuKind[] = ['software', 'no-adapter', 'absent']

describe('the page', () => {
  it.each(gpuKinds)('opens without an error and loads from its own origin alone: GPU %s', async gpu => {
    const { page, requests, expectClean } = await openPage({ gpu })
    await page.waitForLoadState('networkidle')
    expect(await page.title()).toMatch(/lowrank/)
    const [worker] = page.workers().map(started => started.url())
    expect(new URL(worker!).origin).toBe(new URL(inject('pageUrl')).origin)
    expect(requests).toContain(worker)
    expectClean()
  })

  it('is under its policy, in the document before every script and in the headers', async () => {
    const { page } = await openPage()
    const [first, policy] = await page.evaluate(() => {
      const meta = document.head.firstElementChild
      return [meta?.getAttribute('http-equiv'), meta?.getAttribute('content')]
    })
    expect([first, policy]).toEqual(['Content-Security-Policy', pagePolicy])
    const response = await page.request.get(inject('pageUrl'))
    expect(response.headers()['content-security-policy']).toBe(`${pagePolicy}; frame-ancestors 'none'`)
  })

  it('works below a path of a server', async () => {
    const root = temporaryFolder()
    writeFileSync(join(root, 'index.html'), '')
    cpSync(inject('pageFolder'), join(root, 'some/path'), { recursive: true })
    const server = await servePage(root)
    onTestFinished(server.close)
    const { page, requests, expectClean } = await openPage({ path: `${server.url}some/path/` })
    await page.waitForLoadState('networkidle')
    expect(requests.length).toBeGreaterThan(1)
    expect(requests.filter(address => !address.startsWith(`${server.url}some/path/`))).toEqual(
      requests.filter(address => address.startsWith('data:')),
    )
    expectClean()
  })

  it('names the licences of what is in the page and in its worker', async () => {
    const { page } = await openPage()
    const link = await page.getByRole('link', { name: /licence/i }).getAttribute('href')
    const answer = await page.request.get(new URL(link!, inject('pageUrl')).href)
    const named = [...(await answer.text()).matchAll(/^## (\S+) \d/gm)].map(([, name]) => name)
    expect(named).toEqual(expect.arrayContaining(['comlink', 'lit-html', 'valibot', 'wesl']))
  })

  it('weighs less than 300 KB compressed before there is data', async () => {
    const { page, requests } = await openPage()
    await page.waitForLoadState('networkidle')
    let bytes = 0
    for (const address of new Set(requests)) {
      if (!/^https?:/.test(address) || address.endsWith('?patch')) continue
      bytes += gzipSync(await (await page.request.get(address)).body()).length
    }
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThan(300_000)
  })

  it.each(['light', 'dark'] as const)('has no serious fault of accessibility when it opens: %s', async colorScheme => {
    const { page } = await openPage({ colorScheme })
    await page.waitForLoadState('networkidle')
    await expectAccessible(page)
  })

  it.each(Object.entries(sizes))('is no wider than the window of a %s', async (_, viewport) => {
    const { page } = await openPage({ viewport })
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBeLessThanOrEqual(viewport.width)
  })
})

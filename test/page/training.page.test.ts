import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { expectAccessible, hideFeatures, keepDevice, lateLoss, openPage, sizes } from './support.ts'

type Scope = typeof globalThis & { __device: GPUDevice; __spoken: string[] }

const button = (page: Page, name: string | RegExp) =>
  page.locator('#training').getByRole('button', { name, exact: typeof name === 'string' })
const notice = (page: Page) => page.locator('.notice')
const textOf = (page: Page, figure: string) => page.locator(`[data-figure="${figure}"]`).innerText()
const numberOf = async (page: Page, figure: string) => Number.parseFloat(await textOf(page, figure))
const yardstick = async (page: Page, kind: string) =>
  Number(await page.locator(`[data-yardstick="${kind}"] .number`).innerText())

/** Waits until the training is in a state. */
async function reach(page: Page, status: string): Promise<void> {
  await page.waitForFunction(wanted => document.getElementById('training-body')!.dataset.status === wanted, status, {
    timeout: 90_000,
  })
}

const statusOf = (page: Page) => page.locator('#training-body').getAttribute('data-status')

/** Whether a proposal is there and says something else. */
const moved = async (proposal: Locator, words: string) =>
  (await proposal.count()) === 1 && (await proposal.innerText()) !== words

async function reachEpoch(page: Page, epoch: number): Promise<void> {
  await expect.poll(() => numberOf(page, 'epoch'), { timeout: 60_000 }).toBeGreaterThanOrEqual(epoch)
}

async function train(page: Page): Promise<void> {
  await button(page, 'Train').click()
}

/** Makes the device's bindings smaller than they are. */
const smallBindings = (bytes: number) => `const { get } = Object.getOwnPropertyDescriptor(GPUDevice.prototype, 'limits')
Object.defineProperty(GPUDevice.prototype, 'limits', {
  get() {
    const limits = get.call(this)
    return new Proxy(limits, {
      get: (_, name) => name === 'maxStorageBufferBindingSize' ? ${bytes} : Reflect.get(limits, name, limits),
    })
  },
})`

describe('a training', () => {
  it('of the planted set takes one click and comes within 10% of what nobody can beat', async () => {
    const { page, expectClean } = await openPage()
    await train(page)
    await reach(page, 'finished')
    await expect.poll(() => textOf(page, 'epoch')).toMatch(/^20\s+of 20$/)
    const heldOut = await numberOf(page, 'held-out')
    const [mean, biases, floor] = [
      await yardstick(page, 'mean'),
      await yardstick(page, 'biases'),
      await yardstick(page, 'floor'),
    ]
    process.stdout.write(`planted set: ${heldOut} against ${floor}, ${await textOf(page, 'time')}\n`)
    expect(heldOut / floor).toBeLessThan(1.1)
    expect(floor).toBeLessThan(biases)
    expect(biases).toBeLessThan(mean)
    expect(await page.locator('.training-meaning').innerText()).toMatch(/typically off by .* above the noise floor/)
    // The learning rate that was left to the solver is known now.
    expect(await page.getByLabel('Learning rate').getAttribute('placeholder')).toMatch(/^[\d.]+$/)
    expectClean()
  })

  it('says what its chart shows, in a sentence and as a table', async () => {
    const { page } = await openPage({ path: '?movies=1000&epochs=230&factors=4' })
    await train(page)
    await reach(page, 'finished')
    await reachEpoch(page, 230)
    expect(await page.getByRole('img', { name: /^Chart of the RMSE/ }).getAttribute('aria-label')).toMatch(
      /from \d\.\d{4} to \d\.\d{4} over epochs 1 to 230\. Yardsticks: the global mean \d/,
    )
    await page.locator('.training-chart').hover({ position: { x: 90, y: 100 } })
    const shown = async () => Number(/values at epoch (\d+)/.exec(await page.locator('figcaption').innerText())?.[1])
    expect(await shown()).toBeLessThan(60)
    await page.mouse.move(0, 0)
    await expect.poll(shown).toBe(230)
    expect(await page.locator('#training table').count()).toBe(0)
    await page.getByText('As a table').click()
    const rows = page.locator('#training tbody tr')
    await expect.poll(() => rows.last().locator('th').innerText()).toBe('230')
    expect(await rows.count()).toBe(200)
    expect(await rows.last().locator('td').first().innerText()).toBe(await textOf(page, 'held-out'))
    expect(await page.locator('#training caption').innerText()).toContain('The last 200 of 230 epochs.')
    await expectAccessible(page)
  })

  it('says its start, its quarters and its end to those who listen, and not each epoch', async () => {
    const { page } = await openPage({ path: '?movies=20000&epochs=20' })
    await page.evaluate(() => {
      const spoken: string[] = []
      ;(globalThis as Scope).__spoken = spoken
      const region = document.querySelector('#training [role="status"]')!
      new MutationObserver(() => spoken.push(region.textContent)).observe(region, { childList: true })
    })
    await train(page)
    await reach(page, 'finished')
    const spoken = await page.evaluate(() => (globalThis as Scope).__spoken)
    expect(spoken[0]).toMatch(/^Training started: \d\d,\d{3} entries, 20 epochs\.$/)
    expect(spoken.at(-1)).toMatch(/^Finished: 20 epochs\. On ratings/)
    expect(spoken.length).toBeLessThanOrEqual(5)
  })

  it('trains one epoch, and draws it', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=1000&epochs=1' })
    await train(page)
    await reach(page, 'finished')
    await expect.poll(() => textOf(page, 'epoch')).toMatch(/^1\s+of 1$/)
    expect(await page.locator('#training canvas').count()).toBe(1)
    expectClean()
  })

  it('pauses after an epoch, goes on, and stops with the model so far', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=20000&epochs=10000' })
    await train(page)
    // The button that was pressed makes way for another, which keeps the focus.
    await expect.poll(() => button(page, 'Pause').evaluate(node => node === document.activeElement)).toBe(true)
    await reachEpoch(page, 2)
    await button(page, 'Pause').click()
    await reach(page, 'paused')
    const paused = Number(/^Paused after epoch (\d+)$/.exec(await page.locator('.training-status').innerText())![1])
    await expect.poll(() => numberOf(page, 'epoch')).toBe(paused)
    await page.waitForTimeout(1000)
    expect(await numberOf(page, 'epoch')).toBe(paused)
    await expectAccessible(page)
    await button(page, 'Resume').click()
    await reachEpoch(page, paused + 2)
    await button(page, 'Stop').click()
    await reach(page, 'stopped')
    expect(await page.locator('.training-status').innerText()).toMatch(/^Stopped after epoch \d/)
    await expect.poll(() => button(page, 'Train').evaluate(node => node === document.activeElement)).toBe(true)
    await expect.poll(() => page.locator('#file').innerText()).toMatch(/Epoch\s+\d/)
    expectClean()
  })

  it('takes a pause back before its epoch ends', async () => {
    const { page } = await openPage({ path: '?epochs=10000&factors=64' })
    await train(page)
    await reachEpoch(page, 1)
    const states = await page.evaluate(() => {
      const panel = document.getElementById('training-body')!
      return [0, 1].map(() => {
        panel.querySelector('button')!.click()
        return panel.dataset.status
      })
    })
    expect(states).toEqual(['pausing', 'running'])
    await reachEpoch(page, (await numberOf(page, 'epoch')) + 2)
    await reach(page, 'running')
    await button(page, 'Stop').click()
    await reach(page, 'stopped')
  })

  it('is stopped while it pauses', async () => {
    const { page } = await openPage({ path: '?movies=20000&epochs=10000' })
    await train(page)
    await reachEpoch(page, 1)
    await button(page, 'Pause').click()
    await reach(page, 'paused')
    await button(page, 'Stop').click()
    await reach(page, 'stopped')
  })

  it('keeps the last epoch when the device is lost, and goes on from it', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=50000&epochs=40', worker: [keepDevice, lateLoss] })
    await train(page)
    await reachEpoch(page, 3)
    await page.workers()[0]!.evaluate(() => (globalThis as Scope).__device.destroy())
    await reach(page, 'failed')
    expect(await notice(page).innerText()).toMatch(/The GPU was lost[\s\S]*Go on from epoch \d+/)
    const goOn = button(page, /^Go on from epoch \d+$/)
    const kept = Number(/\d+/.exec(await goOn.innerText())![0])
    expect(kept).toBeGreaterThanOrEqual(3)
    expect(kept).toBeLessThan(40)
    expect(await page.locator('.training-meaning').innerText()).toBe(`The model of epoch ${kept} is kept.`)
    await expect.poll(() => numberOf(page, 'epoch')).toBe(kept)
    const before = await numberOf(page, 'held-out')
    await goOn.click()
    expect(await notice(page).count()).toBe(0)
    await reach(page, 'finished')
    await expect.poll(() => textOf(page, 'epoch')).toMatch(/^40\s+of 40$/)
    await page.getByText('As a table').click()
    const epochs = () => page.locator('#training tbody th').allInnerTexts()
    await expect.poll(epochs).toEqual(Array.from({ length: 40 }, (_, index) => String(index + 1)))
    expect(await numberOf(page, 'held-out')).toBeLessThan(before)
    expectClean()
  })

  it('needs neither subgroups nor 16-bit floats', async () => {
    const worker = [hideFeatures('subgroups', 'shader-f16')]
    const { page, expectClean } = await openPage({ path: '?movies=20000&epochs=5', worker })
    await page.locator('#machine summary').click()
    expect(await page.locator('#machine').innerText()).toMatch(/Subgroups\s+no\s+16-bit floats\s+no/)
    await page.locator('#machine summary').click()
    await train(page)
    await reach(page, 'finished')
    await expect.poll(() => numberOf(page, 'held-out')).toBeLessThan(await yardstick(page, 'mean'))
    expectClean()
  })

  it('that diverges proposes a learning rate, which trains', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=20000&epochs=5&rate=100' })
    await train(page)
    await reach(page, 'failed')
    expect(await notice(page).innerText()).toMatch(/The training diverged/)
    await notice(page)
      .getByRole('button', { name: /^Train at a rate of/ })
      .click()
    await reach(page, 'finished')
    expect(await notice(page).count()).toBe(0)
    const rate = Number(await page.getByLabel('Learning rate').inputValue())
    expect(rate).toBeGreaterThan(0)
    expect(rate).toBeLessThan(1)
    expect(new URL(page.url()).searchParams.get('rate')).toBe(String(rate))
    expectClean()
  })

  it('that exceeds a binding says the numbers and proposes fewer factors, until they train', async () => {
    const worker = [smallBindings(2 ** 17)]
    const path = '?movies=4000&epochs=2&factors=512&solver=adam'
    const { page, expectClean } = await openPage({ path, worker })
    await train(page)
    await reach(page, 'failed')
    expect(await notice(page).innerText()).toMatch(
      /This does not fit this GPU[\s\S]*It needs [\d.]+ [KM]iB; this device allows [\d.]+ [KM]iB\.[\s\S]*Train with \d+ factors/,
    )
    const proposal = notice(page).getByRole('button', { name: /^Train with \d+ factors$/ })
    const factors = page.locator('#setting-factors')
    // The proposal holds in the mean over all draws of batches: another one may follow it.
    for (let proposals = 0; proposals < 3 && (await statusOf(page)) !== 'finished'; proposals++) {
      const words = await proposal.innerText()
      await proposal.click()
      await expect.poll(() => factors.inputValue()).toBe(/\d+/.exec(words)![0])
      await expect.poll(async () => (await statusOf(page)) === 'finished' || (await moved(proposal, words))).toBe(true)
    }
    expect(await statusOf(page)).toBe('finished')
    expect(Number(await factors.inputValue())).toBeGreaterThanOrEqual(4)
    expect(Number(await factors.inputValue())).toBeLessThan(512)
    expectClean()
  })

  it('of what was used shows NDCG@10 against popularity', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=20000&model=implicit&epochs=3' })
    await train(page)
    await reach(page, 'finished')
    await expect.poll(() => numberOf(page, 'held-out')).toBeGreaterThan(0)
    expect(await page.locator('#training').innerText()).toMatch(/Held-out NDCG@10/)
    expect(await yardstick(page, 'popular')).toBeGreaterThan(0)
    expectClean()
  })

  it('fits its chart to the window, and its colours to the scheme', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=1000&epochs=3', colorScheme: 'light' })
    await train(page)
    await reach(page, 'finished')
    const picture = () => page.locator('#training canvas').evaluate(canvas => (canvas as HTMLCanvasElement).toDataURL())
    for (const viewport of Object.values(sizes)) {
      await page.setViewportSize(viewport)
      const room = () =>
        page.locator('.training-chart').evaluate(node => node.clientWidth - node.querySelector('canvas')!.clientWidth)
      await expect.poll(room).toBe(0)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width)
    }
    const light = await picture()
    // As a browser may leave it of a hidden tab.
    await page.locator('#training canvas').evaluate(canvas => {
      const { width, height } = canvas as HTMLCanvasElement
      ;(canvas as HTMLCanvasElement).getContext('2d')!.clearRect(0, 0, width, height)
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await expect.poll(picture).toBe(light)
    await page.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(picture).not.toBe(light)
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(picture).toBe(light)
    await expectAccessible(page)
    expectClean()
  })
})

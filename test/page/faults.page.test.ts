import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { csv, drop, madeRows } from './files-support.ts'
import { expectAccessible, keepDevice, loseOnCall, openPage } from './support.ts'

type Method = 'writeBuffer' | 'submit' | 'mapAsync'
type Scope = typeof globalThis & { __lose?: { method: Method; after: number }; __workers: Worker[] }

const status = (page: Page) => page.locator('#training-body').getAttribute('data-status')
const notice = (page: Page) => page.locator('.notice')
const starters = (page: Page) => page.getByRole('list', { name: 'Items to rate' }).getByRole('listitem')
const recommended = (page: Page) => page.getByRole('list', { name: 'Recommended for you' }).getByRole('listitem')
const mine = (page: Page) => page.getByRole('list', { name: 'Your ratings' }).getByRole('listitem')
const epoch = async (page: Page) => Number.parseInt(await page.locator('[data-figure="epoch"]').innerText(), 10)

const reach = (page: Page, wanted: string) => expect.poll(() => status(page), { timeout: 90_000 }).toBe(wanted)

const clickTrain = (page: Page) => page.getByRole('button', { name: 'Train', exact: true }).click()

async function train(page: Page): Promise<void> {
  await clickTrain(page)
  await reach(page, 'finished')
}

const giveFour = (row: Locator) => row.getByRole('radio', { name: '4 stars' }).check({ force: true })

/** Has the worker's device lost at a call from now on. */
const lose = (page: Page, method: Method, after: number) =>
  page.workers()[0]!.evaluate(
    ([lostAt, calls]) => {
      ;(globalThis as Scope).__lose = { method: lostAt, after: calls }
    },
    [method, after] as const,
  )

const calls = (page: Page) => page.workers()[0]!.evaluate(() => (globalThis as Scope).__lose!.after)

/** The first use of a program of the GPU compiles it, on the CPU here. */
const slow = { timeout: 30_000 }

const worker = [keepDevice, loseOnCall]

describe('a device that is lost', () => {
  it.each([
    ['writeBuffer', 1],
    ['writeBuffer', 5],
    ['submit', 1],
    ['mapAsync', 1],
  ] as const)('before the first epoch is replaced without a word: at %s %i', async (method, after) => {
    const { page, expectClean } = await openPage({ path: '?movies=20000&epochs=3', worker })
    await page.getByRole('button', { name: 'Train', exact: true, disabled: false }).waitFor()
    await lose(page, method, after)
    await clickTrain(page)
    await reach(page, 'finished')
    expect(await calls(page)).toBeLessThanOrEqual(0)
    expect(await notice(page).count()).toBe(0)
    await expect.poll(() => epoch(page)).toBe(3)
    expectClean()
  })

  it.each([
    ['submit', 7],
    ['mapAsync', 3],
  ] as const)('in the middle of the epochs leaves a model to go on from: at %s %i', async (method, after) => {
    const { page, expectClean } = await openPage({ path: '?movies=50000&epochs=40', worker })
    await clickTrain(page)
    await expect.poll(() => epoch(page), { timeout: 60_000 }).toBeGreaterThanOrEqual(2)
    await lose(page, method, after)
    await reach(page, 'failed')
    expect(await notice(page).innerText()).toMatch(/The GPU was lost/)
    const goOn = page.locator('#training-body').getByRole('button', { name: /^Go on from epoch \d+$/ })
    const kept = Number(/\d+/.exec(await goOn.innerText())![0])
    expect(kept).toBeGreaterThanOrEqual(2)
    await goOn.click()
    await reach(page, 'finished')
    await expect.poll(() => epoch(page)).toBe(40)
    expectClean()
  })

  it('over recommendations is replaced without a word: for stars, for a user', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=20000&epochs=3', worker })
    await train(page)
    await starters(page).first().waitFor()
    for (const [method, after] of [
      ['writeBuffer', 1],
      ['submit', 1],
      ['submit', 3],
      ['mapAsync', 1],
    ] as const) {
      const before = await mine(page).count()
      await lose(page, method, after)
      await giveFour(starters(page).nth(before))
      await expect.poll(() => calls(page), slow).toBeLessThanOrEqual(0)
      await expect.poll(() => mine(page).count()).toBe(before + 1)
      await page
        .locator('#rate')
        .getByRole('status')
        .filter({ hasText: 'recommendations updated' })
        .waitFor({ state: 'attached' })
      await expect.poll(() => recommended(page).count(), slow).toBe(10)
      expect(await page.locator('#rate').getByRole('button', { name: 'Try again' }).count()).toBe(0)
    }
    for (const method of ['submit', 'mapAsync'] as const) {
      await lose(page, method, 1)
      await page.getByRole('button', { name: 'Someone else', exact: true }).click()
      await expect.poll(() => calls(page), slow).toBeLessThanOrEqual(0)
      await expect.poll(() => page.locator('#users tbody tr').count(), slow).toBeGreaterThanOrEqual(10)
    }
    expect(await notice(page).count()).toBe(0)
    expectClean()
  })
})

/** Runs in the page: keeps the workers that it starts. */
function keepWorkers(): void {
  const scope = globalThis as Scope
  scope.__workers = []
  scope.Worker = class extends Worker {
    constructor(...words: ConstructorParameters<typeof Worker>) {
      super(...words)
      scope.__workers.push(this)
    }
  }
}

const end = (page: Page) => page.evaluate(() => (globalThis as Scope).__workers.at(-1)!.terminate())

const startAgain = (page: Page) => notice(page).getByRole('button', { name: 'Start again' })

/** Waits for the one notice of a worker that is gone. */
async function expectGone(page: Page, says: RegExp): Promise<void> {
  await startAgain(page).waitFor()
  expect(await notice(page).count()).toBe(1)
  expect(await notice(page).innerText()).toMatch(/^The worker is gone\n/)
  expect(await notice(page).innerText()).toMatch(says)
  // Nothing goes on without it.
  expect(await notice(page).getByRole('button').count()).toBe(1)
}

describe('a worker that is gone', () => {
  it('in a training ends it, and another one trains by the same settings', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=20000&epochs=10000&factors=24', init: keepWorkers })
    await clickTrain(page)
    await expect.poll(() => epoch(page), { timeout: 60_000 }).toBeGreaterThanOrEqual(1)
    await end(page)
    await reach(page, 'failed')
    await expectGone(page, /The browser ended the worker of this page\. Settings and your stars are kept\./)
    await expectAccessible(page)
    await page.locator('#setting-epochs').fill('3')
    await page.locator('#setting-epochs').blur()
    await startAgain(page).click()
    await page.locator('#data').getByText('Planted movies').first().waitFor()
    expect(await page.locator('#setting-factors').inputValue()).toBe('24')
    await train(page)
    await expect.poll(() => epoch(page)).toBe(3)
    expect(await notice(page).count()).toBe(0)
    expectClean()
  })

  it('with a trained model says that it is lost; stars stay, and are used by the next', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=20000&epochs=3', init: keepWorkers })
    await train(page)
    await starters(page).first().waitFor()
    await giveFour(starters(page).first())
    await expect.poll(() => recommended(page).count(), slow).toBe(10)
    await end(page)
    await expectGone(page, /The trained model is lost with it\./)
    await startAgain(page).click()
    await page.getByRole('button', { name: 'Train', exact: true, disabled: false }).waitFor()
    await train(page)
    await expect.poll(() => mine(page).count(), slow).toBe(1)
    await expect.poll(() => recommended(page).count(), slow).toBe(10)
    expectClean()
  })

  it('by an error that nobody caught says what it was; files are read again', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=1000', init: keepWorkers })
    await page.getByRole('button', { name: 'Train', exact: true, disabled: false }).waitFor()
    await drop(page, { name: 'own.csv', content: csv(madeRows({ users: 50, items: 40, rows: 900 })) })
    await page.locator('#data').getByText('own.csv').first().waitFor()
    await page.workers()[0]!.evaluate(() => {
      setTimeout(() => {
        throw new Error('out of sorts')
      })
    })
    await expectGone(page, /The worker of this page stopped: .*out of sorts\. .*your files are read again\./)
    await startAgain(page).click()
    await page.getByRole('button', { name: 'Train', exact: true, disabled: false }).waitFor()
    await expect.poll(() => page.locator('#data').innerText()).toMatch(/own\.csv[\s\S]*900/)
    expect(await page.evaluate(() => (globalThis as Scope).__workers.length)).toBe(2)
    expectClean(/out of sorts/)
  })

  it('while a file is read ends the reading', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=1000', init: keepWorkers })
    await page.getByRole('button', { name: 'Train', exact: true, disabled: false }).waitFor()
    const rows = csv(madeRows({ users: 2000, items: 900, rows: 400_000 }))
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({ name: 'long.csv', mimeType: 'text/csv', buffer: Buffer.from(rows) })
    await end(page)
    await expectGone(page, /The browser ended the worker/)
    await startAgain(page).click()
    await page.locator('#data').getByText('Planted movies').first().waitFor()
    await page.getByRole('button', { name: 'Train', exact: true, disabled: false }).waitFor()
    expectClean()
  })
})

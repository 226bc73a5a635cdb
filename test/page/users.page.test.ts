import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { csv, drop, type madeRows } from './files-support.ts'
import { openPage } from './support.ts'

type Rows = ReturnType<typeof madeRows>

/** Every user rated another third of the items, so that there is something left to recommend. */
const rows: Rows = Array.from({ length: 60 * 30 }, (_, at) => {
  const user = at % 60
  const turn = Math.floor(at / 60)
  return [user + 1, ((user + 3 * turn) % 90) + 1, 1 + ((user * turn) % 5)] as const
})

async function openTrained(): Promise<Awaited<ReturnType<typeof openPage>>> {
  const opened = await openPage({ path: '?movies=20000&epochs=5' })
  const { page } = opened
  await page.locator('#training').getByRole('button', { name: 'Train', exact: true, disabled: false }).waitFor()
  await drop(page, { name: 'few.csv', content: csv(rows) })
  await page.locator('#data').getByText('few.csv').first().waitFor()
  await train(page)
  return opened
}

async function train(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  await page.locator('#training-body[data-status="finished"]').waitFor({ timeout: 60_000 })
}

/** The first use of a program of the GPU compiles it, on the CPU here. */
const slow = { timeout: 30_000 }

const field = (page: Page) => page.getByLabel('User id')
const button = (page: Page, name: string) => page.locator('#users').getByRole('button', { name, exact: true })
const cells = (page: Page, table: RegExp, column: number) =>
  page.getByRole('table', { name: table }).locator(`tbody td:nth-child(${column})`)

describe('recommendations for a user', () => {
  it('shows ten that the user has not rated, for some user and for the one asked for', async () => {
    const { page, expectClean } = await openTrained()
    await expect.poll(() => field(page).inputValue(), slow).toMatch(/^\d+$/)
    await button(page, 'Someone else').click()

    await field(page).fill('7')
    await field(page).press('Enter')
    await page.getByRole('heading', { name: 'Recommended to user 7', exact: true }).waitFor()
    const own = rows.filter(([user]) => user === 7)
    const rated = new Map(own.map(([, item, rating]) => [`Item ${item}`, rating]))
    const recommended = await cells(page, /^Recommended to user 7$/, 1).allTextContents()
    expect(new Set(recommended.map(text => text.trim())).size).toBe(10)
    expect(recommended.filter(text => rated.has(text.trim()))).toEqual([])

    const best = (await cells(page, /^Rated best by user 7$/, 1).allTextContents()).map(text => text.trim())
    const ratings = (await cells(page, /^Rated best by user 7$/, 2).allTextContents()).map(Number)
    expect(best.map(title => rated.get(title))).toEqual(ratings)
    const descending = own.map(([, , rating]) => rating).sort((a, b) => b - a)
    expect(ratings).toEqual(descending.slice(0, 10))
    await button(page, `Show ${own.length}`).click()
    expect(await cells(page, /^Rated best by user 7$/, 1).count()).toBe(own.length)
    expectClean()
  })

  it('says at the field that a user is not known, and keeps the one that is shown when the model changes', async () => {
    const { page, expectClean } = await openTrained()
    await field(page).fill('12')
    await button(page, 'Show').click()
    const heading = page.getByRole('heading', { name: 'Recommended to user 12', exact: true })
    await heading.waitFor()

    const problem = page.locator(`#${await field(page).getAttribute('aria-describedby')}`)
    await field(page).fill('')
    await button(page, 'Show').click()
    await expect.poll(() => problem.textContent()).toContain('Type an id')
    await field(page).fill('<img src=x onerror=alert(1)>')
    await button(page, 'Show').click()
    await expect.poll(() => field(page).getAttribute('aria-invalid'), slow).toBe('true')
    expect(await problem.textContent()).toContain('<img src=x onerror=alert(1)>')
    expect(await page.getByRole('alert').count()).toBe(0)

    const before = await cells(page, /^Recommended to user 12$/, 2).allTextContents()
    await page.getByLabel('Factors', { exact: true }).fill('4')
    await train(page)
    await expect.poll(() => cells(page, /^Recommended to user 12$/, 2).allTextContents(), slow).not.toEqual(before)
    expect(await heading.count()).toBe(1)
    expect(await field(page).inputValue()).toBe('12')
    expectClean()
  })
})

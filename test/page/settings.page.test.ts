import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { expectAccessible, openPage } from './support.ts'

const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })
const choice = (page: Page, name: string) => page.getByRole('radio', { name, exact: true })
const trainButton = (page: Page) => page.getByRole('button', { name: 'Train', exact: true })
const query = (page: Page) => new URL(page.url()).search

describe('the settings', () => {
  it('are what the address says', async () => {
    const { page, expectClean } = await openPage({
      path: '?solver=adam&factors=24&epochs=7&rate=1e-3&penalty=0&seed=9',
    })
    expect(await choice(page, 'Adam').isChecked()).toBe(true)
    expect(await choice(page, 'Ratings').isChecked()).toBe(true)
    for (const [name, text] of Object.entries({
      Factors: '24',
      Epochs: '7',
      'Learning rate': '0.001',
      Penalty: '0',
      Seed: '9',
    })) {
      expect([name, await field(page, name).inputValue()]).toEqual([name, text])
    }
    expectClean()
  })

  it('change the address, which opens the same settings again', async () => {
    const { page } = await openPage({ path: '?movies=1000' })
    await choice(page, 'ALS').check()
    await field(page, 'Factors').fill('32')
    await field(page, 'Penalty').fill('0.5')
    await field(page, 'Seed').fill(' 4 ')
    await field(page, 'Seed').press('Tab')
    expect(await field(page, 'Seed').inputValue()).toBe('4')
    expect(Object.fromEntries(new URLSearchParams(query(page)))).toEqual({
      solver: 'als',
      factors: '32',
      epochs: '12',
      penalty: '0.5',
      seed: '4',
      movies: '1000',
    })
    await page.reload()
    expect(await field(page, 'Factors').inputValue()).toBe('32')
    expect(await choice(page, 'ALS').isChecked()).toBe(true)
    await page.getByRole('button', { name: 'Defaults' }).click()
    expect(query(page)).toBe('?movies=1000')
    expect(await field(page, 'Epochs').inputValue()).toBe('20')
    expect(await choice(page, 'Fused SGD').isChecked()).toBe(true)
  })

  it('name the parts of an address that make no sense', async () => {
    const { page, expectClean } = await openPage({
      path: '?factors=1e9&solver=<b>x</b>&model=implicit&rate=abc&movies=1000',
    })
    const notices = page.locator('.notice')
    await expect.poll(() => notices.count()).toBe(3)
    const texts = (await notices.allInnerTexts()).join('\n')
    for (const part of ['factors="1e9": must be a whole number', 'solver="<b>x</b>"', 'rate="abc"'])
      expect(texts).toContain(part)
    expect(await choice(page, 'What was used').isChecked()).toBe(true)
    expect(await field(page, 'Factors').inputValue()).toBe('16')
    expectClean()
  })

  it('say at a field what is wrong with it, do not take it, and let the training wait', async () => {
    const { page, expectClean } = await openPage({ path: '?movies=1000' })
    await expect.poll(() => trainButton(page).isEnabled()).toBe(true)
    await field(page, 'Factors').fill('0')
    // Nothing is said while one types, but nothing can be trained either.
    expect(await trainButton(page).isDisabled()).toBe(true)
    expect(await field(page, 'Factors').getAttribute('aria-invalid')).toBeNull()
    await field(page, 'Factors').press('Tab')
    expect(await field(page, 'Factors').getAttribute('aria-invalid')).toBe('true')
    expect(await page.locator('#setting-factors-hint').innerText()).toBe('This must be a whole number from 1 to 512.')
    expect(await page.locator('#training').innerText()).toContain('Correct in the settings first: factors.')
    expect(query(page)).toBe('?movies=1000')
    await expectAccessible(page)
    await field(page, 'Factors').fill('8')
    expect(await page.locator('#setting-factors-hint').innerText()).toMatch(/^Numbers learnt/)
    expect(await trainButton(page).isEnabled()).toBe(true)
    expect(query(page)).toBe('?factors=8&movies=1000')
    await field(page, 'Epochs').fill('')
    await field(page, 'Epochs').press('Tab')
    await page.getByRole('button', { name: 'Defaults' }).click()
    expect(await field(page, 'Epochs').inputValue()).toBe('20')
    expect(await trainButton(page).isEnabled()).toBe(true)
    expectClean()
  })

  it('leave the solver of what was used to ALS, which has no learning rate', async () => {
    const { page } = await openPage({ path: '?movies=1000&solver=adam&rate=0.01' })
    await choice(page, 'What was used').check()
    expect(await choice(page, 'ALS').isChecked()).toBe(true)
    for (const name of ['Fused SGD', 'Adam']) expect(await choice(page, name).isDisabled()).toBe(true)
    expect(await field(page, 'Learning rate').isDisabled()).toBe(true)
    expect(await page.locator('#settings').innerText()).toMatch(/What was used is learnt by ALS alone/)
    expect(new URLSearchParams(query(page)).has('rate')).toBe(false)
    await choice(page, 'Ratings').check()
    expect(await choice(page, 'Adam').isChecked()).toBe(true)
    expect(await field(page, 'Learning rate').inputValue()).toBe('')
  })

  it('are copied as a link', async () => {
    const { page, expectClean } = await openPage({ path: '?factors=8&movies=1000' })
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Copy link' }).click()
    await expect.poll(() => page.locator('#settings').innerText()).toContain('The link is copied.')
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url())
    expectClean()
  })

  it('show the link to copy where the clipboard is closed', async () => {
    const init = () => Object.defineProperty(navigator, 'clipboard', { value: undefined })
    const { page } = await openPage({ path: '?factors=8&movies=1000', init })
    await page.getByRole('button', { name: 'Copy link' }).click()
    const link = field(page, 'Link to this run')
    expect(await link.inputValue()).toBe(page.url())
    expect(await page.evaluate(() => getSelection()?.toString())).toBe(page.url())
    await field(page, 'Factors').fill('12')
    expect(await link.inputValue()).toBe(page.url())
    await expectAccessible(page)
  })
})

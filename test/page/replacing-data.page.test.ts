import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { csv, dataName, drop, factsOf, madeRows, openPlanted, readingTime, untilRead } from './files-support.ts'
import { expectAccessible } from './support.ts'

const file = { name: 'next.csv', content: csv(madeRows({ users: 60, items: 40, rows: 900 })) }

describe('a second file', () => {
  it('while a training runs: asks, keeps training, or stops it and reads', async () => {
    const { page, expectClean } = await openPlanted('?epochs=9999')
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor()
    const question = page.getByRole('alert').filter({ hasText: 'A training is under way' })
    await drop(page, file)
    await question.waitFor()
    await expectAccessible(page)
    await question.getByRole('button', { name: 'Keep training' }).click()
    await question.waitFor({ state: 'detached' })
    expect(await dataName(page)).toBe('Planted movies')
    expect(await page.getByRole('button', { name: 'Stop', exact: true }).isEnabled()).toBe(true)
    await drop(page, file)
    await question.getByRole('button', { name: 'Stop and read next.csv' }).click()
    await untilRead(page, 'next.csv')
    expect(await factsOf(page, '#data')).toMatchObject({ Ratings: '900', Users: '60' })
    await expect.poll(() => page.getByRole('button', { name: 'Train', exact: true }).isEnabled()).toBe(true)
    expectClean()
  })
})

describe('a large file', () => {
  /**
   * Drops a csv that is made in the page: so many blocks of 100,000 rows, each of 500 users of its own, all of it again and
   * again. Keeps what the progress shows.
   */
  async function dropLarge(page: Page, blocks: number, times: number): Promise<void> {
    await page.evaluate(
      ([count, repeats]) => {
        const shown: number[] = []
        Object.assign(globalThis, { shown })
        new MutationObserver(() => {
          const bar = document.querySelector<HTMLProgressElement>('#data .reading progress')
          if (bar !== null && bar.value > 0) shown.push(bar.value / bar.max)
        }).observe(document.getElementById('data')!, { subtree: true, childList: true, characterData: true })
        const parts: string[] = []
        for (let block = 0; block < count; block++) {
          let text = ''
          for (let row = 0; row < 100_000; row++)
            text += `${block * 500 + (row % 500)},${(row / 500) | 0},${1 + (row % 5)}\n`
          parts.push(text)
        }
        const transfer = new DataTransfer()
        const rows = new Blob(parts)
        // The browser keeps one copy of the rows, however large the file that they make.
        const file = new File(['user,item,rating\n', ...Array.from({ length: repeats }, () => rows)], 'large.csv')
        transfer.items.add(file)
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))
      },
      [blocks, times] as const,
    )
  }

  const shownOf = (page: Page) => page.evaluate(() => (globalThis as unknown as { shown: number[] }).shown)

  it('shows how far it is, and is read to its end', async () => {
    const { page, expectClean } = await openPlanted()
    await dropLarge(page, 20, 1)
    await untilRead(page, 'large.csv', 90_000)
    expect(await factsOf(page, '#data')).toMatchObject({ Ratings: '2,000,000', Users: '10,000', Items: '200' })
    const shown = await shownOf(page)
    expect(new Set(shown).size).toBeGreaterThan(1)
    expect(shown).toEqual(shown.toSorted((a, b) => a - b))
    process.stdout.write(`2,000,000 rows: ${await readingTime(page)}\n`)
    expectClean()
  })

  it('can be left in the middle: the data from before stay, and the next file is read', async () => {
    const { page, expectClean } = await openPlanted()
    await dropLarge(page, 1, 1000)
    await expect.poll(async () => (await shownOf(page)).length, { timeout: 60_000 }).toBeGreaterThan(0)
    await expectAccessible(page)
    await page.locator('#data').getByRole('button', { name: 'Cancel' }).click()
    await page.locator('#data .reading').waitFor({ state: 'detached', timeout: 5000 })
    expect(await dataName(page)).toBe('Planted movies')
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('data-files')
    await drop(page, file)
    await untilRead(page, 'next.csv')
    expectClean()
  })

  it('gives way to another when the visitor wants it', async () => {
    const { page, expectClean } = await openPlanted()
    await dropLarge(page, 1, 1000)
    await expect.poll(async () => (await shownOf(page)).length, { timeout: 60_000 }).toBeGreaterThan(0)
    await drop(page, file)
    await page.getByRole('button', { name: 'Stop and read next.csv' }).click()
    await untilRead(page, 'next.csv')
    expectClean()
  })
})

describe('planted movies', () => {
  it('of a chosen size are made at once, and the address says so', async () => {
    const { page, expectClean } = await openPlanted('?movies=20000')
    const sizes = page.getByRole('radiogroup').or(page.locator('#data fieldset')).locator('label')
    expect((await sizes.allTextContents()).map(text => text.trim())).toEqual([
      '20 thousand ratings',
      '100 thousand ratings',
      '1 million ratings',
      '5 million ratings',
    ])
    expect(await page.getByLabel('20 thousand').isChecked()).toBe(true)
    await page.getByText('1 million').click()
    await expect.poll(async () => (await factsOf(page, '#data')).Ratings, { timeout: 30_000 }).toBe('1,000,000')
    expect(new URL(page.url()).search).toBe('?movies=1000000')
    await page.getByText('100 thousand').click()
    await expect.poll(async () => (await factsOf(page, '#data')).Ratings, { timeout: 30_000 }).toBe('100,000')
    expect(new URL(page.url()).search).toBe('')
    await drop(page, { ...file, name: 'own.csv' })
    await untilRead(page, 'own.csv')
    expect(await page.locator('#data input[type=radio]:checked').count()).toBe(0)
    expectClean()
  })

  it('are not replaced where the visitor keeps training: the size goes back', async () => {
    const { page, expectClean } = await openPlanted('?epochs=9999')
    await page.getByRole('button', { name: 'Train', exact: true }).click()
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor()
    await page.getByText('1 million').click()
    await page.getByRole('button', { name: 'Keep training' }).click()
    await expect.poll(() => page.getByLabel('100 thousand').isChecked()).toBe(true)
    expect(new URL(page.url()).search).toBe('?epochs=9999')
    expectClean()
  })
})

import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { type OpenedPage, openPage } from './support.ts'

export interface NamedBytes {
  name: string
  content: string | Uint8Array
}

export interface Shape {
  users: number
  items: number
  rows: number
}

/** MovieLens 100K's. */
export const ML_100K: Shape = { users: 943, items: 1682, rows: 100_000 }

/** Distinct pairs of a user and an item with ratings from 1 to 5 that both of them sway. */
export function madeRows({ users, items, rows }: Shape, seed = 1): (readonly [number, number, number])[] {
  const random = new Random(seed)
  const lean = () => Math.floor(random.uniform() * 3) - 1
  const userLean = Array.from({ length: users }, lean)
  const itemLean = Array.from({ length: items }, lean)
  // A stride without a divisor of the number of pairs visits each pair once.
  const pairs = users * items
  const stride = coprimeNear(Math.floor(pairs * 0.618), pairs)
  return Array.from({ length: rows }, (_, row) => {
    const pair = (row * stride) % pairs
    const user = pair % users
    const item = Math.floor(pair / users)
    const rating = 3 + userLean[user]! + itemLean[item]! + (random.uniform() < 0.3 ? 1 : 0)
    return [user + 1, item + 1, Math.min(5, Math.max(1, rating))] as const
  })
}

function coprimeNear(start: number, of: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  let stride = start
  while (divisor(stride, of) !== 1) stride++
  return stride
}

/** Rows as `u.data` has them: user, item, rating and a time, between tabs. */
export const uData = (rows: ReturnType<typeof madeRows>): string =>
  rows.map(([user, item, rating], row) => `${user}\t${item}\t${rating}\t${880_000_000 + row}\n`).join('')

/** Rows below a header. */
export const csv = (rows: ReturnType<typeof madeRows>): string =>
  `userId,movieId,rating\n${rows.map(row => `${row.join(',')}\n`).join('')}`

/** Drops files on the page as a visitor does from the system's windows. */
export async function drop(page: Page, ...files: NamedBytes[]): Promise<void> {
  const encoded = files.map(({ name, content }) => ({ name, content: Buffer.from(content).toString('base64') }))
  const transfer = await page.evaluateHandle(dropped => {
    const made = new DataTransfer()
    for (const { name, content } of dropped) {
      made.items.add(new File([Uint8Array.from(atob(content), letter => letter.charCodeAt(0))], name))
    }
    return made
  }, encoded)
  for (const type of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent('#data .drop', type, { dataTransfer: transfer })
  }
  await transfer.dispose()
}

/** Chooses files by the input with this label. */
export async function choose(page: Page, label: string, ...files: NamedBytes[]): Promise<void> {
  await page
    .getByLabel(label, { exact: true })
    .setInputFiles(
      files.map(({ name, content }) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) })),
    )
}

/** Names and values of a panel's facts. */
export const factsOf = (page: Page, panel: string): Promise<Record<string, string>> =>
  page.evaluate(
    selector =>
      Object.fromEntries(
        [...document.querySelectorAll(`${selector} .facts > div`)].map(fact => [
          fact.querySelector('dt')?.textContent?.trim() ?? '',
          fact.querySelector('dd')?.textContent?.trim() ?? '',
        ]),
      ),
    panel,
  )

/** The heading of the data at hand. */
export const dataName = (page: Page): Promise<string | null> => page.locator('#data h3').textContent()

/** Opens the page and waits until it has its first data: planted movies. */
export async function openPlanted(path = ''): Promise<OpenedPage> {
  const opened = await openPage({ path })
  await expect
    .poll(() => opened.page.locator('#data h3').allTextContents(), { timeout: 60_000 })
    .toEqual(['Planted movies'])
  return opened
}

/** Waits until the data at hand are those of a file. */
export async function untilRead(page: Page, name: string, timeout = 30_000): Promise<void> {
  await expect.poll(() => dataName(page), { timeout }).toBe(name)
  await page.locator('#data .reading').waitFor({ state: 'detached' })
}

/** How long the page says that reading took. */
export const readingTime = (page: Page): Promise<string | null> =>
  page.locator('#data .hint', { hasText: 'read in' }).textContent()

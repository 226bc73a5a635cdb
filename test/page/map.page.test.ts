import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { expectAccessible, type OpenOptions, openPage } from './support.ts'

/** The page with a small planted set trained for a few epochs, and its map drawn. */
async function openMap(options: OpenOptions = {}) {
  const opened = await openPage({ path: '?epochs=8', viewport: { width: 1280, height: 900 }, ...options })
  const { page } = opened
  await page.locator('#map .empty').getByText('Train first').waitFor()
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  await drawn(page)
  const map = page.getByRole('application')
  await map.scrollIntoViewIfNeeded()
  return { ...opened, map }
}

async function drawn(page: Page): Promise<number> {
  const stage = page.locator('.map-stage[data-drawn]')
  await stage.waitFor({ timeout: 90_000 })
  return Number(await stage.getAttribute('data-drawn'))
}

const tip = (page: Page) => page.locator('.map-tip')
const chosen = (page: Page) => page.locator('#map-chosen')
const neighbours = (page: Page) => page.locator('.map-near ol > li')

/** Where a point is that can be pointed at: the pointer goes over the map in steps until a title shows. */
async function somePoint(page: Page, map: Locator): Promise<{ x: number; y: number; title: string }> {
  const box = (await map.boundingBox())!
  for (let step = 1; step < 400; step++) {
    const [x, y] = [box.x + ((step * 37) % box.width), box.y + ((step * 23) % (box.height - 10))]
    await page.mouse.move(x, y)
    if (await tip(page).isVisible()) return { x, y, title: (await tip(page).locator('strong').textContent())! }
  }
  throw new Error('no point was found under the pointer')
}

describe('the map of the items', () => {
  it('shows the items after a training, says what it shows, and names the one under the pointer', async () => {
    const { page, map, expectClean } = await openMap()
    expect(await drawn(page)).toBeGreaterThan(500)
    expect(await map.getAttribute('aria-label')).toMatch(
      /^Map of \d+ items, coloured by genre: Drama \d+, .*two directions hold [4-9]\d% of the variance/,
    )
    const { x, y, title } = await somePoint(page, map)
    expect(title).toMatch(/ \(\d{4}\)$/)
    expect(await tip(page).textContent()).toMatch(/\d ratings?$/)
    const [inner, outer] = [(await tip(page).boundingBox())!, (await page.locator('.map-stage').boundingBox())!]
    expect(inner.x >= outer.x && inner.x + inner.width <= outer.x + outer.width).toBe(true)
    expect(inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height).toBe(true)

    await page.mouse.click(x, y)
    await expect.poll(() => chosen(page).textContent()).toBe(title)
    await expect.poll(() => neighbours(page).count()).toBe(10)
    const likeness = await neighbours(page).locator('.number').allTextContents()
    expect(likeness.map(Number)).toEqual([...likeness.map(Number)].sort((a, b) => b - a))
    const first = neighbours(page).first()
    const next = (await first.locator('.item-name > span').first().textContent())!
    await first.getByRole('button').click()
    await expect.poll(() => chosen(page).textContent()).toBe(next)
    await expect.poll(() => neighbours(page).count()).toBe(10)
    await page.getByRole('button', { name: 'Clear', exact: true }).click()
    await expect.poll(() => chosen(page).count()).toBe(0)
    expectClean()
  })

  it('is walked through by keyboard', async () => {
    const { page, map, expectClean } = await openMap()
    const spoken = page.locator('#map-body > .stack > [role="status"]')
    // As a keyboard comes to it: from the control before.
    await page.getByRole('radio', { name: 'Genre', exact: true }).focus()
    await page.keyboard.press('Tab')
    expect(await map.evaluate(node => node === document.activeElement)).toBe(true)
    await expect.poll(() => spoken.textContent()).toMatch(/\(\d{4}\), \D+, [\d,]+ ratings?$/)
    const start = await spoken.textContent()
    const visited = new Set([start])
    for (const key of ['ArrowLeft', 'ArrowUp', 'ArrowUp', 'ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowLeft']) {
      await page.keyboard.press(key)
      visited.add(await spoken.textContent())
    }
    expect(visited.size).toBeGreaterThan(3)
    const at = (await spoken.textContent())!
    await page.keyboard.press('Enter')
    await expect.poll(() => chosen(page).textContent()).toBe(at.slice(0, at.indexOf('), ') + 1))
    await expect.poll(() => neighbours(page).count()).toBe(10)
    await page.keyboard.press('+')
    await page.keyboard.press('+')
    expect(await zoomOf(map)).toBeCloseTo(1.6 ** 2, 6)
    await page.keyboard.press('0')
    expect(await zoomOf(map)).toBe(1)
    await page.keyboard.press('Escape')
    await expect.poll(() => chosen(page).count()).toBe(0)
    expectClean()
  })

  it('lets the wheel scroll the page until it is clicked, and then zooms', async () => {
    const { page, map } = await openMap()
    const box = (await map.boundingBox())!
    const scrolled = () => page.evaluate(() => scrollY)
    const before = await scrolled()
    await page.mouse.move(box.x + 60, box.y + 60)
    await page.mouse.wheel(0, -120)
    await expect.poll(scrolled).toBe(before - 120)
    expect(await zoomOf(map)).toBe(1)
    await page.mouse.click(box.x + 60, box.y + 190)
    await page.mouse.wheel(0, -240)
    await expect.poll(() => zoomOf(map)).toBeGreaterThan(1.2)
    expect(await scrolled()).toBe(before - 120)
    await page.getByRole('button', { name: 'Show all of the map' }).click()
    expect(await zoomOf(map)).toBe(1)
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.getByRole('button', { name: 'Zoom out' }).click()
    expect(await zoomOf(map)).toBeCloseTo(1.6, 6)
  })

  it('finds an item by its title', async () => {
    const { page, map } = await openMap()
    const { title } = await somePoint(page, map)
    await page.getByRole('combobox', { name: 'Find an item' }).fill(title)
    await page.locator('#map-hits li').first().waitFor()
    await page.keyboard.press('Enter')
    await expect.poll(() => chosen(page).textContent()).toBe(title)
  })

  it('switches its colours, makes a genre stand out, and is accessible in each state', async () => {
    const { page, map, expectClean } = await openMap({ colorScheme: 'dark' })
    const picture = () => page.locator('.map-points').evaluate(node => (node as HTMLCanvasElement).toDataURL())
    const byGenre = await picture()
    const drama = page.locator('.map-legend').getByRole('button', { name: /^Drama/ })
    await drama.click()
    await drawn(page)
    expect(await drama.getAttribute('aria-pressed')).toBe('true')
    await expect.poll(picture).not.toBe(byGenre)
    for (let at = 0; at < 3; at++) {
      await page.mouse.move(0, 0)
      await somePoint(page, map)
      expect(await tip(page).textContent()).toMatch(/Drama, \d+ ratings?$/)
    }
    await drama.click()
    await expect.poll(picture).toBe(byGenre)
    await page.getByRole('radio', { name: 'Number of ratings' }).check()
    await expect.poll(picture).not.toBe(byGenre)
    expect(await map.getAttribute('aria-label')).toMatch(/coloured by number of ratings: \d+ to \d+ \d+, /)
    await expectAccessible(page)
    await map.focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => neighbours(page).count()).toBe(10)
    await expectAccessible(page)
    // Another theme, other colours.
    const dark = await picture()
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(picture).not.toBe(dark)
    await expectAccessible(page)
    expectClean()
  })

  it('follows the width of a phone and takes taps and pinches', async () => {
    const { page, map } = await openMap({ viewport: { width: 390, height: 844 } })
    const canvas = page.locator('.map-points')
    const ratio = await canvas.evaluate(node => (node as HTMLCanvasElement).width / node.clientWidth / devicePixelRatio)
    expect(ratio).toBeCloseTo(1, 1)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    await page.setViewportSize({ width: 320, height: 700 })
    await expect
      .poll(() => canvas.evaluate(node => (node as HTMLCanvasElement).width - node.clientWidth * devicePixelRatio))
      .toBeCloseTo(0, 0)
    expect(await map.evaluate(node => node.style.touchAction)).toBe('pan-x pan-y')
    const { x, y, title } = await somePoint(page, map)
    const client = await page.context().newCDPSession(page)
    const box = (await map.boundingBox())!
    const fingers = (apart: number) =>
      [-1, 1].map((side, id) => ({ id, x: box.x + box.width / 2 + side * apart, y: box.y + box.height / 2 }))
    await client.send('Emulation.setTouchEmulationEnabled', { enabled: true, maxTouchPoints: 2 })
    await client.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] })
    await client.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
    await expect.poll(() => chosen(page).textContent()).toBe(title)
    await client.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(20) })
    await client.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(40) })
    await client.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(60) })
    await client.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
    await expect.poll(() => zoomOf(map)).toBeGreaterThan(1.5)
  })

  it('keeps the item that is chosen when the model is trained anew', async () => {
    const { page, map } = await openMap()
    const { x, y, title } = await somePoint(page, map)
    await page.mouse.click(x, y)
    await expect.poll(() => neighbours(page).count()).toBe(10)
    const before = await map.getAttribute('aria-label')
    await page.getByRole('textbox', { name: 'Epochs' }).fill('3')
    await page.getByRole('button', { name: /^Train/ }).click()
    await expect.poll(() => map.getAttribute('aria-label'), { timeout: 60_000 }).not.toBe(before)
    expect(await chosen(page).textContent()).toBe(title)
    await expect.poll(() => neighbours(page).count()).toBe(10)
  })
})

/** How far the map is zoomed: where d3-zoom keeps it. */
const zoomOf = (map: Locator): Promise<number> =>
  map.evaluate(node => (node as unknown as { __zoom: { k: number } }).__zoom.k)

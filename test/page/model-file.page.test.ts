import { readFile, writeFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { useProgram } from '../cli/program.ts'
import {
  choose,
  csv,
  drop,
  factsOf,
  madeRows,
  type NamedBytes,
  openPlanted,
  uData,
  untilRead,
} from './files-support.ts'
import { expectAccessible } from './support.ts'

const program = useProgram()

const shape = { users: 120, items: 80, rows: 4000 }
const ratings = uData(madeRows(shape))
/** Ratings of users and items of which some are in no training. */
const test = csv(madeRows({ users: 130, items: 84, rows: 700 }, 2))

interface Evaluated {
  entries: number
  unknownUsers: number
  unknownItems: number
  metrics: { rmse: number; mae: number }
}

/** The model at hand as the page saves it. */
async function save(page: Page): Promise<Uint8Array> {
  const download = page.waitForEvent('download')
  await page.locator('#file').getByRole('button', { name: 'Save' }).click()
  const saved = await download
  expect(saved.suggestedFilename()).toBe('model.safetensors')
  return await readFile(await saved.path())
}

/** What the page measures the model at hand to be on a file. */
async function measured(page: Page, file: NamedBytes): Promise<Record<string, string>> {
  await choose(page, 'Choose ratings', file)
  await page.locator('#evaluation').waitFor({ timeout: 60_000 })
  return await factsOf(page, '#measure')
}

async function train(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Train', exact: true }).click()
  await expect.poll(async () => (await factsOf(page, '#file'))['Trained on'], { timeout: 90_000 }).toBeDefined()
}

function expectSame(shown: Record<string, string>, { entries, unknownUsers, unknownItems, metrics }: Evaluated): void {
  for (const [name, value] of [
    ['RMSE', metrics.rmse],
    ['MAE', metrics.mae],
  ] as const) {
    expect(Math.abs(Number(shown[name]) / value - 1), `${name}: ${shown[name]} and ${value}`).toBeLessThan(1e-5)
  }
  const inWords = (value: number) => value.toLocaleString('en')
  expect(shown).toMatchObject({
    Entries: inWords(entries),
    'Of unknown users': inWords(unknownUsers),
    'Of unknown items': inWords(unknownItems),
  })
  expect(unknownUsers).toBeGreaterThan(0)
  expect(unknownItems).toBeGreaterThan(0)
}

describe('the model', () => {
  it('says that there is none, before there is one', async () => {
    const { page, expectClean } = await openPlanted()
    expect(await page.locator('#file .empty').textContent()).toMatch(/No model yet/)
    expect(await page.locator('#file').getByRole('button', { name: 'Save' }).count()).toBe(0)
    await expectAccessible(page)
    expectClean()
  })

  it('that is trained and saved here is measured to the same by the command line', async () => {
    const { page, expectClean } = await openPlanted('?factors=8&epochs=4')
    await drop(page, { name: 'u.data', content: ratings })
    await untilRead(page, 'u.data')
    await train(page)
    expect(await factsOf(page, '#file')).toMatchObject({
      'Trained on': 'u.data',
      Predicts: 'Ratings',
      Factors: '8',
      'Users × items': '120 × 80',
      Epoch: '4',
      'Held-out RMSE': expect.stringMatching(/^[01]\.\d{4}$/),
    })
    const shown = await measured(page, { name: 'test.csv', content: test })
    await expectAccessible(page)
    await writeFile(program.path('page.safetensors'), await save(page))
    await writeFile(program.path('test.csv'), test)
    const { result, stderr } = await program.json<Evaluated>(['evaluate', 'page.safetensors', 'test.csv'])
    expect(stderr).not.toMatch(/error/i)
    expectSame(shown, result)
    expectClean()
  })

  it('that the command line trains and saves is loaded here and measured to the same', async () => {
    await writeFile(program.path('ratings.tsv'), ratings)
    await writeFile(program.path('test.csv'), test)
    const words = ['train', 'ratings.tsv', '--factors', '12', '--epochs', '4', '--out', 'program.safetensors']
    const trained = await program.run(words)
    expect(trained.code, trained.stderr).toBe(0)
    const { result } = await program.json<Evaluated>(['evaluate', 'program.safetensors', 'test.csv'])
    const { page, expectClean } = await openPlanted()
    const content = await readFile(program.path('program.safetensors'))
    await choose(page, 'Load a model', { name: 'program.safetensors', content })
    await expect
      .poll(() => factsOf(page, '#file'))
      .toMatchObject({ 'Loaded from': 'program.safetensors', Factors: '12', 'Users × items': '120 × 80' })
    expectSame(await measured(page, { name: 'test.csv', content: test }), result)
    expect(Buffer.compare(await save(page), content)).toBe(0)
    expectClean()
  })

  it('that ranks is measured by its order', async () => {
    const { page, expectClean } = await openPlanted('?model=implicit&factors=8&epochs=3')
    await drop(page, { name: 'u.data', content: ratings })
    await untilRead(page, 'u.data')
    await train(page)
    const shown = await measured(page, { name: 'test.csv', content: test })
    expect(shown.RMSE).toBeUndefined()
    await writeFile(program.path('ranks.safetensors'), await save(page))
    await writeFile(program.path('test.csv'), test)
    const { result } = await program.json<{ metrics: Record<string, number> }>([
      'evaluate',
      'ranks.safetensors',
      'test.csv',
    ])
    const ndcg = result.metrics['ndcg@10']!
    expect(Math.abs(Number(shown['NDCG@10']) / ndcg - 1), `${shown['NDCG@10']} and ${ndcg}`).toBeLessThan(1e-5)
    expectClean()
  })

  it('can be measured on a large file and left in the middle; no other file is read meanwhile', async () => {
    const { page, expectClean } = await openPlanted('?movies=20000&factors=4&epochs=1')
    await train(page)
    await page.evaluate(() => {
      const rows = new Blob(['1,2,3\n'.repeat(200_000)])
      const transfer = new DataTransfer()
      // The browser keeps one copy of the rows, however large the file that they make.
      transfer.items.add(
        new File(
          Array.from({ length: 1000 }, () => rows),
          'large.csv',
        ),
      )
      const input = document.querySelector<HTMLInputElement>('#measure-file')!
      input.files = transfer.files
      input.dispatchEvent(new Event('change'))
    })
    const bar = page.locator('#measure progress')
    await expect.poll(() => bar.evaluate(element => (element as HTMLProgressElement).value)).toBeGreaterThan(0)
    await drop(page, { name: 'next.csv', content: test })
    await page.getByRole('alert').filter({ hasText: 'Another file is being read' }).waitFor()
    await page.locator('#measure').getByRole('button', { name: 'Cancel' }).click()
    await bar.waitFor({ state: 'detached' })
    await drop(page, { name: 'next.csv', content: test })
    await untilRead(page, 'next.csv')
    expect(await page.getByRole('alert').count()).toBe(0)
    expectClean()
  })

  it('keeps its place when it is measured on a file that is no ratings, or another is damaged', async () => {
    const { page, expectClean } = await openPlanted('?movies=20000&factors=4&epochs=1')
    await train(page)
    const before = await factsOf(page, '#file')
    await choose(page, 'Choose ratings', { name: 'letter.txt', content: 'Dear all,\n' })
    const alert = page.getByRole('alert')
    await alert.filter({ hasText: 'could not be measured on letter.txt' }).getByRole('button').click()
    const saved = await save(page)
    await choose(page, 'Load a model', { name: 'cut.safetensors', content: saved.subarray(0, saved.length - 100) })
    await alert.filter({ hasText: 'cut.safetensors could not be loaded' }).waitFor()
    await choose(page, 'Load a model', { name: 'no.safetensors', content: `\x08\0\0\0\0\0\0\0{"a": 1}` })
    await alert.filter({ hasText: 'no.safetensors could not be loaded' }).waitFor()
    expect(await alert.count()).toBe(1)
    expect(await factsOf(page, '#file')).toEqual(before)
    expectClean()
  })
})

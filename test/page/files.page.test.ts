import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { rawZstd, runSql } from '../node/read-ratings-helpers.ts'
import {
  choose,
  csv,
  dataName,
  drop,
  factsOf,
  ML_100K,
  madeRows,
  type NamedBytes,
  openPlanted,
  readingTime,
  uData,
  untilRead,
} from './files-support.ts'
import { expectAccessible, temporaryFolder } from './support.ts'

const small = madeRows({ users: 60, items: 40, rows: 900 })
const smallFacts = { Ratings: '900', Users: '60', Items: '40', Density: '38% of all pairs' }

async function parquet(): Promise<Uint8Array> {
  const path = join(temporaryFolder(), 'ratings.parquet')
  const values = small.map(([user, item, rating]) => `(${user}, ${item}, ${rating})`).join(', ')
  const query = `select * from (values ${values}) as rows(userId, movieId, rating)`
  await runSql(`copy (${query}) to '${path}' (format parquet)`)
  return await readFile(path)
}

describe('a file of ratings', () => {
  it('shaped as u.data is read when dropped, with its titles, and the reading time is shown', async () => {
    const { page, expectClean } = await openPlanted()
    const rows = madeRows(ML_100K)
    // One of 18 genres each, behind a flag for those that have none.
    const flags = (item: number) =>
      Array.from({ length: 19 }, (_, genre) => Number(genre === 1 + (item % 18))).join('|')
    const titles = Array.from(
      { length: ML_100K.items },
      (_, item) => `${item + 1}|Film ${item} (1990)||||${flags(item)}\n`,
    )
    await drop(page, { name: 'u.data', content: uData(rows) }, { name: 'u.item', content: titles.join('') })
    await untilRead(page, 'u.data')
    const mean = rows.reduce((sum, [, , rating]) => sum + rating, 0) / rows.length
    expect(await factsOf(page, '#data')).toEqual({
      Ratings: '100,000',
      Users: '943',
      Items: '1,682',
      Density: '6.3% of all pairs',
      Mean: mean.toFixed(2),
      Range: '1 to 5',
    })
    await expect
      .poll(() => page.locator('#titles-line').textContent())
      .toMatch(/^1,682 of 1,682 items have titles from u\.item, 18 genres$/)
    const counts = await page.locator('#data .histogram td:nth-child(2)').allTextContents()
    expect(counts).toEqual(
      [1, 2, 3, 4, 5].map(value => rows.filter(row => row[2] === value).length.toLocaleString('en')),
    )
    process.stdout.write(`u.data of 100,000 lines: ${await readingTime(page)}\n`)
    await expectAccessible(page)
    expectClean()
  })

  it.each<[string, NamedBytes | (() => Promise<NamedBytes>)]>([
    ['csv with a header', { name: 'ratings.csv', content: csv(small) }],
    ['gzip', { name: 'ratings.csv.gz', content: gzipSync(csv(small)) }],
    ['Zstandard', { name: 'ratings.tsv.zst', content: rawZstd(uData(small)) }],
    ['separated by ::', { name: 'ratings.dat', content: small.map(row => `${row.join('::')}::1\n`).join('') }],
    ['Parquet', async () => ({ name: 'ratings.parquet', content: await parquet() })],
  ])('is read by the file button: %s', async (_, made) => {
    const file = typeof made === 'function' ? await made() : made
    const { page, expectClean } = await openPlanted()
    await choose(page, 'Choose files', file)
    await untilRead(page, file.name)
    expect(await factsOf(page, '#data')).toMatchObject(smallFacts)
    expect(await page.locator('#titles-line').textContent()).toMatch(/^No titles yet/)
    expectClean()
  })

  it('whose rows name a pair twice says how many were merged', async () => {
    const { page, expectClean } = await openPlanted()
    await drop(page, { name: 'twice.csv', content: csv([...small, ...small.slice(0, 30)]) })
    await untilRead(page, 'twice.csv')
    expect(await factsOf(page, '#data')).toMatchObject({ ...smallFacts, 'Duplicates merged': '30' })
    expectClean()
  })

  it('without ratings is named as what it is', async () => {
    const { page, expectClean } = await openPlanted()
    await drop(page, { name: 'used.csv', content: `user,item\n${small.map(([u, i]) => `${u},${i}\n`).join('')}` })
    await untilRead(page, 'used.csv')
    expect(await factsOf(page, '#data')).toEqual({
      Entries: '900',
      Users: '60',
      Items: '40',
      Density: '38% of all pairs',
    })
    expect(await page.locator('#data').textContent()).toContain('without ratings')
    expectClean()
  })

  it('can be chosen by the keyboard, and again after that', async () => {
    const { page, expectClean } = await openPlanted()
    const input = page.getByLabel('Choose files')
    for (const name of ['first.csv', 'second.csv']) {
      // Before the focus, whose answer comes when the browser knows that somebody waits: a key alone can be there earlier.
      const chooser = page.waitForEvent('filechooser')
      await input.focus()
      await page.keyboard.press('Space')
      await (await chooser).setFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(csv(small)) })
      await untilRead(page, name)
    }
    expectClean()
  })
})

describe('a file that is no ratings', () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex')

  it.each<[string, NamedBytes, RegExp, string | undefined]>([
    [
      'a bad line',
      { name: 'u.data', content: badLine() },
      /^Line 57: Expected a number as rating, found "five"\.$/,
      '12\t40\tfive\t880000000',
    ],
    [
      'a text',
      { name: 'letter.txt', content: 'Dear all,\nthis is no table.\n' },
      /^Line 2: Expected 2 fields [^-]*$/,
      'this is no table.',
    ],
    ['a picture', { name: 'picture.png', content: png }, /\S/, undefined],
    ['an empty file', { name: 'empty.csv', content: '' }, /empty/, undefined],
    ['a header alone', { name: 'header.csv', content: 'userId,movieId,rating\n' }, /no ratings below/, undefined],
    ['a cut gzip', { name: 'cut.csv.gz', content: gzipSync(csv(small)).subarray(0, 900) }, /gzip/i, undefined],
    ['a cut Parquet', { name: 'cut.parquet', content: `PAR1${'x'.repeat(300)}` }, /Parquet/, undefined],
  ])('%s: says why, keeps the data, and is forgotten with the next file', async (_, file, says, line) => {
    const { page, expectClean } = await openPlanted()
    await drop(page, file)
    const notice = page.getByRole('alert')
    await notice.waitFor()
    expect(await notice.locator('h2').textContent()).toContain(file.name)
    const text = (await notice.locator('p').textContent()) ?? ''
    process.stdout.write(`${file.name}: ${text}\n`)
    expect(text).toMatch(says)
    expect(await notice.locator('.code').allTextContents()).toEqual(line === undefined ? [] : [line])
    expect(await dataName(page)).toBe('Planted movies')
    await expectAccessible(page)
    await drop(page, { name: 'good.csv', content: csv(small) })
    await untilRead(page, 'good.csv')
    expect(await page.getByRole('alert').count()).toBe(0)
    expectClean()
  })

  it('but titles is taken for titles, and says so where none fits', async () => {
    const { page, expectClean } = await openPlanted()
    await drop(page, { name: 'ratings.csv', content: csv(small) })
    await untilRead(page, 'ratings.csv')
    await drop(page, { name: 'movies.csv', content: 'movieId,title,genres\n1,"One, the film",Drama|War\n2,Two,War\n' })
    await expect
      .poll(() => page.locator('#titles-line').textContent())
      .toMatch(/^2 of 40 items .* movies\.csv, 2 genres$/)
    await drop(page, { name: 'other.csv', content: 'movieId,title,genres\n901,Nine,Drama\n' })
    await page.getByRole('alert').filter({ hasText: 'other.csv holds no title that fits' }).waitFor()
    expect(await dataName(page)).toBe('ratings.csv')
    expectClean()
  })

  /** 100 lines of which the 57th has no number. */
  function badLine(): string {
    const lines = uData(small.slice(0, 100)).split('\n')
    lines[56] = '12\t40\tfive\t880000000'
    return lines.join('\n')
  }
})

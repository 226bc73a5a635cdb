import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRatings, readRatingsReport } from '../../src/node/read-ratings.ts'
import { inputError, rawZstd, rowsOf, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

/** A file of one row with these columns. */
const oneRow = (name: string, columns: string) => scratch.parquet(name, `select ${columns}`)

describe('Parquet columns', () => {
  it.each(['TINYINT', 'UINTEGER', 'UBIGINT', 'HUGEINT', 'DOUBLE', 'DECIMAL(9, 2)'])(
    'of %s give integer ids',
    async type => {
      const path = await oneRow('integers.parquet', `7::${type} as user, 'x' as item, 3 as rating`)
      expect(rowsOf(await readRatings(path))).toEqual([[7, 'x', 3]])
      expect(rowsOf(await readRatings(path, { ids: 'string' }))).toEqual([['7', 'x', 3]])
    },
  )

  it('of text give string ids, or integers on demand', async () => {
    const path = await oneRow('text.parquet', `'7' as user, '8' as item, '2.5' as rating`)
    expect(rowsOf(await readRatings(path))).toEqual([['7', '8', 2.5]])
    expect(rowsOf(await readRatings(path, { ids: 'integer' }))).toEqual([[7, 8, 2.5]])
  })

  it('of dates and timestamps give seconds since 1970', async () => {
    const times = "timestamp '1970-01-01 00:00:01.5' as timestamp"
    expect([
      ...(await readRatings(await oneRow('ts.parquet', `1 as user, 2 as item, 3 as rating, ${times}`))).times!,
    ]).toEqual([1.5])
    const date = await oneRow('date.parquet', "1 as user, 2 as item, 3 as rating, date '1970-01-02' as date")
    expect([...(await readRatings(date)).times!]).toEqual([86400])
  })

  it('are chosen by name and by position, whatever characters the names hold', async () => {
    const path = await oneRow('names.parquet', `1 as "a ""b'", 2 as c, 3 as d, 4 as e`)
    expect(rowsOf(await readRatings(path, { columns: [`a "b'`, 'd', '2', '4'] }))).toEqual([[1, 3, 2, 4]])
    const error = await inputError(readRatings(path, { columns: [`x" from t; --`, 'd', 'c'] }))
    expect(error.message).toContain('there is no column "x\\" from t; --"')
  })

  it.each([
    {
      columns: "date '2020-01-01' as user, 1 as item, 2 as rating",
      says: /"user" is of type DATE; expected integers or text/,
    },
    { columns: '[1] as user, 1 as item, 2 as rating', says: /expected integers or text as user ids/ },
    { columns: "1 as user, 1 as item, date '2020-01-01' as rating", says: /expected numbers as ratings/ },
    { columns: '1 as user', says: /expected columns for user, item and rating/ },
    { columns: '1 as user, 1 as title, 1 as item', says: /expected columns for .*there are "user", "title", "item"/ },
  ])('of other types are refused: $columns', async ({ columns, says }) => {
    const path = await oneRow('types.parquet', columns)
    const error = await inputError(readRatings(path))
    expect(error.file).toBe(path)
    expect(error.message).toMatch(says)
  })
})

describe('Parquet rows', () => {
  const rows = (values: string) =>
    scratch.parquet('rows.parquet', `select * from (values ${values}) as t(user, item, rating, timestamp)`)

  it.each([
    { bad: '(null, 2, 3, 4)', text: 'user none, item 2, rating 3.0, timestamp 4.0' },
    { bad: '(1, null, 3, 4)', text: 'user 1, item none, rating 3.0, timestamp 4.0' },
    { bad: '(1, 2, null, 4)', text: 'user 1, item 2, rating none, timestamp 4.0' },
    { bad: "(1, 2, 'nan', 4)", text: 'user 1, item 2, rating nan, timestamp 4.0' },
    { bad: "(1, 2, '-inf', 4)", text: 'user 1, item 2, rating -inf, timestamp 4.0' },
    { bad: '(1, 2, 1e39, 4)', text: 'user 1, item 2, rating 1e+39, timestamp 4.0' },
  ])('that are bad are refused or skipped: $bad', async ({ bad, text }) => {
    const path = await rows(`(1, 1, 5::double, 1), ${bad}, (3, 1, 4, 2), (1, 7, 1, 9)`)
    expect(await inputError(readRatings(path))).toMatchObject({ file: path, line: 2, text })
    const report = await readRatingsReport(path, { onBadRow: 'skip' })
    expect(rowsOf(report.ratings)).toEqual([
      [1, 1, 5, 1],
      [3, 1, 4, 2],
      [1, 7, 1, 9],
    ])
    expect(report.skipped).toBe(1)
    expect(report.firstSkipped).toMatchObject({ line: 2 })
  })

  it('that are bad are left out whether ids are numbers or text, and also where a column hides the row numbers', async () => {
    const values = "(1, 1, 5::double), (1, null, 2), (3, 1, 'nan'), (4, 1, 1), (null, 2, 3), (1, 7, 2)"
    for (const extra of ['', ', 5 as file_row_number', ", 'x' as file_row_number"]) {
      const query = `select *${extra} from (values ${values}) as t(user, item, rating)`
      const path = await scratch.parquet('hidden.parquet', query)
      for (const ids of ['integer', 'string'] as const) {
        const { ratings, skipped, firstSkipped } = await readRatingsReport(path, { onBadRow: 'skip', ids })
        const as = (id: number) => (ids === 'integer' ? id : String(id))
        expect(rowsOf(ratings)).toEqual([
          [as(1), as(1), 5],
          [as(4), as(1), 1],
          [as(1), as(7), 2],
        ])
        expect({ skipped, line: firstSkipped?.line, text: firstSkipped?.text }).toEqual({
          skipped: 3,
          line: 2,
          text: 'user 1, item none, rating 2.0, timestamp 0.0',
        })
        expect(await inputError(readRatings(path, { ids }))).toMatchObject({ line: 2 })
      }
    }
  })

  it('that are all bad are refused', async () => {
    const path = await rows("(1, 2, 'nan'::double, 4), (1, null, 3, 4)")
    for (const ids of ['integer', 'string'] as const) {
      const error = await inputError(readRatings(path, { onBadRow: 'skip', ids }))
      expect(error.message).toMatch(/no row holds a rating; the first: .*:1: expected a user id/)
    }
  })

  it('with ids beyond 2^53 - 1 name the first good row of the id', async () => {
    const path = await rows("(1, 1, 5::double, 1), (9007199254740993, 2, 'nan', 4), (9007199254740993, 2, 3, 4)")
    expect(await inputError(readRatings(path, { onBadRow: 'skip' }))).toMatchObject({ line: 3 })
  })

  it('with ids beyond 2^53 - 1 are refused', async () => {
    const path = await rows('(1, 1, 5, 1), (9007199254740993, 2, 3, 4)')
    const error = await inputError(readRatings(path))
    expect(error).toMatchObject({ file: path, line: 2 })
    expect(error.message).toContain('9007199254740993')
    expect((await readRatings(path, { ids: 'string' })).userIds.values).toEqual(['1', '9007199254740993'])
  })

  it('are there', async () => {
    const path = await scratch.parquet('none.parquet', 'select 1 as user, 2 as item, 3 as rating limit 0')
    expect((await inputError(readRatings(path))).message).toMatch(/no ratings/)
  })
})

describe('Parquet files', () => {
  it('that are damaged are refused in one line', async () => {
    const whole = await readFile(await oneRow('whole.parquet', '1 as user, 2 as item, 3 as rating'))
    const middle = Buffer.from(whole).fill(0xff, whole.length - 60, whole.length - 8)
    for (const bytes of [whole.subarray(0, -20), whole.subarray(0, 4), middle]) {
      const path = await scratch.file('damaged.parquet', bytes)
      const error = await inputError(readRatings(path))
      expect(error.message).toBe(`${path}: the file is no valid Parquet, or is damaged`)
      expect(error.cause).toBeInstanceOf(Error)
    }
  })

  it('and text are not taken for each other', async () => {
    const parquet = await oneRow('whole.parquet', '1 as user, 2 as item, 3 as rating')
    expect((await inputError(readRatings(parquet, { format: 'csv' }))).message).toMatch(/is Parquet, not csv/)
    const text = await scratch.file('text.csv', '1,2,3\n')
    expect((await inputError(readRatings(text, { format: 'parquet' }))).message).toMatch(/not Parquet/)
  })

  it.each([
    '[ab].parquet',
    '*.parquet',
    '?.parquet',
    "it's.parquet",
    '$(x) {y}.parquet',
    'hive=1.parquet',
    'back\\slash.parquet',
  ])('are taken by their literal name: %s', async name => {
    await oneRow('a.parquet', '1 as user, 2 as item, 3 as rating')
    await oneRow('right.parquet', '7 as user, 8 as item, 9 as rating')
    const path = await scratch.file(name, await readFile(scratch.path('right.parquet')))
    expect(rowsOf(await readRatings(path))).toEqual([[7, 8, 9]])
    const text = await scratch.file(`${name}.zst`, rawZstd('7,8,9\n'))
    expect(rowsOf(await readRatings(text))).toEqual([[7, 8, 9]])
  })

  it.each(['https://example.invalid/ratings.parquet', 's3://bucket/ratings.parquet', 'file:///ratings.parquet'])(
    'are never fetched: %s',
    async url => {
      expect((await inputError(readRatings(url))).message).toBe(`${url}: there is no such file`)
    },
  )

  it('leave nothing in the temporary folder', async () => {
    const before = process.env.TMPDIR
    process.env.TMPDIR = scratch.folder
    try {
      expect(tmpdir()).toBe(scratch.folder)
      await readRatings(await oneRow('right.parquet', '7 as user, 8 as item, 9 as rating'))
      await readRatings(await scratch.file('right.zst', rawZstd('7,8,9\n')))
      await inputError(readRatings(await scratch.file('wrong.zst', rawZstd('7,8,9\n1,2\n'))))
      expect((await readdir(scratch.folder)).filter(name => name.startsWith('lowrank-'))).toEqual([])
    } finally {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    }
  })
})

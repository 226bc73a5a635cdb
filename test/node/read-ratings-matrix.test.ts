import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRatings, readRatingsReport } from '../../src/node/read-ratings.ts'
import { arraysOf, inputError, rawZstd, rowsOf, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const MATRIX = `%%MatrixMarket matrix coordinate real general
% users are rows

4 3 4
2 1 1.5
  4   3  -2e0
2 3\t5
1 2 0
`

const EXPECTED = {
  users: Uint32Array.of(1, 3, 1, 0),
  items: Uint32Array.of(0, 2, 2, 1),
  values: Float32Array.of(1.5, -2, 5, 0),
  times: undefined,
  userIds: Float64Array.of(1, 2, 3, 4),
  itemIds: Float64Array.of(1, 2, 3),
}

describe('a matrix in coordinate format', () => {
  it.each([
    { name: 'plain', content: MATRIX },
    { name: 'other case', content: MATRIX.replace('matrix coordinate real', 'MATRIX Coordinate REAL') },
    { name: 'CRLF and no line end', content: MATRIX.trimEnd().replaceAll('\n', '\r\n') },
    { name: 'gzip', content: gzipSync(MATRIX) },
    { name: 'Zstandard', content: rawZstd(MATRIX) },
  ])('is found and read, with all its rows and columns: $name', async ({ content }) => {
    const path = await scratch.file('matrix', content)
    expect(arraysOf(await readRatings(path))).toEqual(EXPECTED)
    expect(arraysOf(await readRatings(path, { format: 'mtx' }))).toEqual(EXPECTED)
  })

  it('may hold integers, or a pattern of ones', async () => {
    const integers = await scratch.file('integers', '%%MatrixMarket matrix coordinate integer general\n2 2 1\n1 2 -3\n')
    expect(rowsOf(await readRatings(integers))).toEqual([[1, 2, -3]])
    const pattern = await scratch.file('pattern', '%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 2\n')
    expect(rowsOf(await readRatings(pattern))).toEqual([[1, 2, 1]])
    expect((await readRatings(pattern, { ids: 'string' })).userIds.values).toEqual(['1', '2'])
  })

  it('has duplicates merged', async () => {
    const path = await scratch.file('twice', '%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 3\n1 2 4\n')
    expect(await readRatingsReport(path, { duplicates: 'sum' })).toMatchObject({ merged: 1, ratings: { length: 1 } })
  })

  const banner = '%%MatrixMarket matrix coordinate real general\n'
  it.each([
    {
      name: 'symmetric',
      text: '%%MatrixMarket matrix coordinate real symmetric\n',
      line: 1,
      says: /is symmetric, which holds one half/,
    },
    {
      name: 'skew',
      text: '%%MatrixMarket matrix coordinate real skew-symmetric\n',
      line: 1,
      says: /is skew-symmetric/,
    },
    {
      name: 'complex',
      text: '%%MatrixMarket matrix coordinate complex general\n',
      line: 1,
      says: /values are complex; expected real/,
    },
    {
      name: 'dense',
      text: '%%MatrixMarket matrix array real general\n',
      line: 1,
      says: /format array; expected coordinate/,
    },
    { name: 'no banner', text: '1 1 1\n', line: 1, says: /expected the banner/ },
    { name: 'banner alone', text: banner, says: /ends before its size line/ },
    { name: 'two sizes', text: `${banner}3 3\n`, line: 2, says: /numbers of rows, columns and entries/ },
    { name: 'negative size', text: `${banner}-3 3 1\n`, line: 2, says: /numbers of rows, columns and entries/ },
    { name: 'row 0', text: `${banner}3 3 1\n0 1 1\n`, line: 3, says: /a row from 1 to 3/ },
    { name: 'row 4', text: `${banner}3 3 1\n4 1 1\n`, line: 3, says: /a row from 1 to 3/ },
    { name: 'column 0', text: `${banner}3 2 1\n1 0 1\n`, line: 3, says: /a column from 1 to 2/ },
    { name: 'column 3', text: `${banner}3 2 1\n1 3 1\n`, line: 3, says: /a column from 1 to 2/ },
    { name: 'row 1.0', text: `${banner}3 3 1\n1.0 1 1\n`, line: 3, says: /a row from 1 to 3/ },
    { name: 'no value', text: `${banner}3 3 1\n1 1\n`, line: 3, says: /row, column and value, found 2 fields/ },
    { name: 'a word', text: `${banner}3 3 1\n1 1 x\n`, line: 3, says: /number as rating, found "x"/ },
    { name: 'nan', text: `${banner}3 3 1\n1 1 nan\n`, line: 3, says: /not finite/ },
    { name: 'overflow', text: `${banner}3 3 1\n1 1 1e39\n`, line: 3, says: /32-bit float/ },
    { name: 'too few', text: `${banner}3 3 2\n1 1 1\n`, line: 2, says: /promises 2 entries, but the file holds 1/ },
    {
      name: 'too many',
      text: `${banner}3 3 1\n1 1 1\n2 2 2\n`,
      line: 2,
      says: /promises 1 entries, but the file holds 2/,
    },
    { name: 'none', text: `${banner}3 3 0\n`, says: /holds no ratings/ },
    { name: 'beyond', text: `${banner}4294967295 3 1\n1 1 1\n`, line: 2, says: /at most 4294967294 rows/ },
    {
      name: 'lying',
      text: `${banner}3 4294967294 1\n1 1 1\n`,
      line: 2,
      says: /4294967294 columns for 1 entries; expected at most 16/,
    },
  ])('is refused: $name', async ({ text, line, says }) => {
    const path = await scratch.file('wrong.mtx', text)
    const error = await inputError(readRatings(path, { format: 'mtx' }))
    expect(error).toMatchObject({ file: path, line })
    expect(error.message).toMatch(says)
    if (line !== undefined) expect(error.text).toBe(text.split('\n')[line - 1])
  })

  it('must hold integers where it says so', async () => {
    const path = await scratch.file('half', '%%MatrixMarket matrix coordinate integer general\n2 2 1\n1 2 0.5\n')
    expect(await inputError(readRatings(path))).toMatchObject({
      line: 3,
      message: expect.stringMatching(/an integer as value/),
    })
  })

  it('counts rows that are skipped among those it promises', async () => {
    const path = await scratch.file('skip.mtx', `${banner}3 3 3\n1 1 1\n9 9 9\n2 2 2\n`)
    const report = await readRatingsReport(path, { onBadRow: 'skip' })
    expect(report).toMatchObject({ skipped: 1, firstSkipped: { line: 4, text: '9 9 9' } })
    expect(rowsOf(report.ratings)).toEqual([
      [1, 1, 1],
      [2, 2, 2],
    ])
  })

  it('takes no options that say where columns are', async () => {
    const path = await scratch.file('options.mtx', MATRIX)
    for (const options of [{ columns: ['1', '2', '3'] }, { delimiter: ' ' }, { header: true }]) {
      const outcome = await readRatings(path, options).catch((error: unknown) => error)
      expect(outcome).toMatchObject({ code: 'OPTION', option: Object.keys(options)[0] })
    }
  })
})

describe("LIBMF's text", () => {
  const TEXT = '0 5 3\n17\t0  4.5\n 0 0 -1e0 \n\n4294967296 5 2\n'
  const rows = [
    [0, 5, 3],
    [17, 0, 4.5],
    [0, 0, -1],
    [4294967296, 5, 2],
  ]

  it.each([
    { name: 'plain', content: TEXT },
    { name: 'CRLF', content: TEXT.replaceAll('\n', '\r\n') },
    { name: 'gzip', content: gzipSync(TEXT) },
    { name: 'Zstandard', content: rawZstd(TEXT) },
  ])('keeps its indices as ids: $name', async ({ content }) => {
    const ratings = await readRatings(await scratch.file('libmf.txt', content), { format: 'libmf' })
    expect(rowsOf(ratings)).toEqual(rows)
    expect([ratings.userIds.values, ratings.itemIds.values]).toEqual([
      Float64Array.of(0, 17, 4294967296),
      Float64Array.of(5, 0),
    ])
  })

  it.each([
    { bad: '1 2', says: /found 2 fields/ },
    { bad: '1 2 3 4', says: /found 4 fields/ },
    { bad: '-1 2 3', says: /an integer from 0 as user/ },
    { bad: '1 -2 3', says: /an integer from 0 as item/ },
    { bad: '01 2 3', says: /without leading zeros as user id/ },
    { bad: '1 x 3', says: /without leading zeros as item id/ },
    { bad: '9007199254740993 2 3', says: /beyond the largest safe integer/ },
    { bad: '1 2 x', says: /a number as rating, found "x"/ },
    { bad: '1 2 inf', says: /not finite|range/ },
    { bad: '1,2,3', says: /found 1 fields/ },
  ])('is refused or skipped: $bad', async ({ bad, says }) => {
    const path = await scratch.file('bad.txt', `0 5 3\n${bad}\n7 5 1\n`)
    const error = await inputError(readRatings(path, { format: 'libmf' }))
    expect(error).toMatchObject({ file: path, line: 2, text: bad })
    expect(error.message).toMatch(says)
    const report = await readRatingsReport(path, { format: 'libmf', onBadRow: 'skip' })
    expect(report.skipped).toBe(1)
    expect(report.ratings.userIds.values).toEqual(Float64Array.of(0, 7))
  })
})

import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRatings, readRatingsReport } from '../../src/node/read-ratings.ts'
import { arraysOf, rawZstd, rowsOf, runSql, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const ROWS = [
  [7, 30, 4, 100],
  [3, 30, 3.5, 101],
  [7, 10, 0.5, 102],
  [12, 20, -1, 103],
  [3, 10, 5, 99],
  [7, 20, 2.25, 100],
]

function expectTheSixEntries(ratings: Awaited<ReturnType<typeof readRatings>>) {
  expect(arraysOf(ratings)).toEqual({
    users: Uint32Array.of(0, 1, 0, 2, 1, 0),
    items: Uint32Array.of(0, 0, 1, 2, 1, 2),
    values: Float32Array.of(4, 3.5, 0.5, -1, 5, 2.25),
    times: Float64Array.of(100, 101, 102, 103, 99, 100),
    userIds: Float64Array.of(7, 3, 12),
    itemIds: Float64Array.of(30, 10, 20),
  })
}

const DELIMITERS = { tab: '\t', comma: ',', colons: '::', semicolon: ';', space: ' ' }
const HEADERS = { none: undefined, plain: 'user,item,rating,timestamp', movielens: 'userId,movieId,rating,timestamp' }
const COMPRESSIONS = {
  plain: (text: string) => text,
  gzip: (text: string) => gzipSync(text),
  zstd: (text: string) => rawZstd(text),
}

describe('one content in every format', () => {
  const cases = Object.keys(DELIMITERS).flatMap(delimiter =>
    Object.keys(HEADERS).flatMap(header =>
      Object.keys(COMPRESSIONS).map(compression => ({ delimiter, header, compression })),
    ),
  ) as {
    delimiter: keyof typeof DELIMITERS
    header: keyof typeof HEADERS
    compression: keyof typeof COMPRESSIONS
  }[]

  it.each(cases)('$delimiter, header $header, $compression', async ({ delimiter, header, compression }) => {
    const between = DELIMITERS[delimiter]
    const lines = ROWS.map(row => row.join(between))
    if (HEADERS[header] !== undefined) lines.unshift(HEADERS[header].replaceAll(',', between))
    const content = COMPRESSIONS[compression](`${lines.join('\n')}\n`)
    const path = await scratch.file(`ratings-${delimiter}-${header}-${compression}`, content)
    expectTheSixEntries(await readRatings(path))
  })

  it('is found by content whatever the name says', async () => {
    const text = ROWS.map(row => row.join('::')).join('\n')
    expectTheSixEntries(await readRatings(await scratch.file('lying.csv', gzipSync(text))))
    expectTheSixEntries(await readRatings(await scratch.file('lying.parquet', text)))
  })

  it('is the same with CRLF, a byte order mark, empty lines and no line end', async () => {
    const text = ROWS.map(row => row.join(',')).join('\r\n')
    expectTheSixEntries(await readRatings(await scratch.file('crlf.csv', `${text}\r\n`)))
    expectTheSixEntries(await readRatings(await scratch.file('bom.csv', `\u{feff}${text}`)))
    expectTheSixEntries(
      await readRatings(await scratch.file('bom-header.csv', `\u{feff}user,item,rating,time\n${text}`)),
    )
    expectTheSixEntries(await readRatings(await scratch.file('empty.csv', `\n\r\n${text}\r\n\r\n\n  \n`)))
    expectTheSixEntries(await readRatings(await scratch.file('mixed.csv', text.replace('\r\n', '\n'))))
  })

  it('is the same with blanks around fields and a delimiter at the end of lines', async () => {
    expectTheSixEntries(
      await readRatings(await scratch.file('blanks.csv', ROWS.map(row => row.join(' ,  ')).join('\n'))),
    )
    expectTheSixEntries(
      await readRatings(await scratch.file('trailing.csv', ROWS.map(row => `${row.join(',')},\n`).join(''))),
    )
  })

  it('is the same from several gzip members and Zstandard frames', async () => {
    const [head, tail] = [ROWS.slice(0, 2), ROWS.slice(2)].map(rows => rows.map(row => `${row.join(',')}\n`).join(''))
    expectTheSixEntries(
      await readRatings(await scratch.file('members.gz', Buffer.concat([gzipSync(head!), gzipSync(tail!)]))),
    )
    expectTheSixEntries(
      await readRatings(await scratch.file('frames.zst', Buffer.concat([rawZstd(head!), rawZstd(tail!)]))),
    )
  })

  it('is the same from Zstandard data that is compressed', async () => {
    const values = ROWS.map(row => `(${row.join(',')})`).join(',')
    const path = scratch.path('compressed.zst')
    await runSql(`copy (from (values ${values}) as t(u, i, rating, ts)) to '${path}' (format csv, compression zstd)`)
    expectTheSixEntries(await readRatings(path))
  })

  it('is the same from Parquet', async () => {
    const values = ROWS.map(row => `(${row.join(',')})`).join(',')
    const query = `select ts as timestamp, u as user_id, i as item_id, rating from (values ${values}) as t(u, i, rating, ts)`
    expectTheSixEntries(await readRatings(await scratch.parquet('ratings.parquet', query)))
  })
})

describe('the columns', () => {
  it('are found by usual names in any order', async () => {
    const path = await scratch.file('order.csv', 'title,Rating,Movie_ID,user-id\n"Heat, 1995",4,9,2\nCasino,3,8,2\n')
    expect(rowsOf(await readRatings(path))).toEqual([
      [2, 9, 4],
      [2, 8, 3],
    ])
  })

  it('are user, item, rating, timestamp in order where nothing names them', async () => {
    const path = await scratch.file('unnamed.csv', 'a,b,c,d\nx,y,1,2\n')
    expect(rowsOf(await readRatings(path))).toEqual([['x', 'y', 1, 2]])
  })

  it('have no times where the fourth is none', async () => {
    const path = await scratch.file('no-times.csv', 'x,y,1,Heat\nz,y,2,Casino\n')
    expect(rowsOf(await readRatings(path))).toEqual([
      ['x', 'y', 1],
      ['z', 'y', 2],
    ])
  })

  it('can be chosen by name and by position', async () => {
    const path = await scratch.file('chosen.csv', 'w,2,who,stars,when\n9,what,me,3,50\n')
    expect(rowsOf(await readRatings(path, { columns: ['who', '2', '4', 'when'] }))).toEqual([['me', 'what', 3, 50]])
    expect(rowsOf(await readRatings(path, { columns: ['3', '2', 'w'] }))).toEqual([['me', 'what', 9]])
  })

  it('can be chosen by position without a header', async () => {
    const path = await scratch.file('positions.tsv', '4\tx\ty\n5\tz\ty\n')
    expect(rowsOf(await readRatings(path, { columns: ['2', '3', '1'] }))).toEqual([
      ['x', 'y', 4],
      ['z', 'y', 5],
    ])
  })

  it('take a header, or none, on demand', async () => {
    const path = await scratch.file('numbers.csv', '1,2,3\n4,5,6\n')
    expect((await readRatings(path, { header: true })).length).toBe(1)
    expect((await readRatings(path, { header: false })).length).toBe(2)
  })

  it('take another delimiter on demand', async () => {
    const path = await scratch.file('bars.txt', 'a b|c,d|1\na b|e|2\n')
    expect(rowsOf(await readRatings(path, { delimiter: '|' }))).toEqual([
      ['a b', 'c,d', 1],
      ['a b', 'e', 2],
    ])
  })

  it('hold numbers in every decimal notation', async () => {
    const texts = ['4', '4.', '.5', '-0.25', '+3', '1e2', '2.5E-1', '0.1', '123456789.123456789', '-0', '1e-400']
    const path = await scratch.file('numbers.csv', texts.map((text, k) => `u${k},i,${text}\n`).join(''))
    expect((await readRatings(path, { header: false })).values).toEqual(Float32Array.from(texts, Number))
  })

  it('hold ISO dates as seconds since 1970', async () => {
    const times = [
      '1970-01-02',
      '1970-01-01 00:01:00',
      '1970-01-01T00:00:01.5Z',
      '1970-01-01T02:00:00+02:00',
      '1969-12-31',
    ]
    const path = await scratch.file(
      'dates.csv',
      `user,item,rating,date\n${times.map(time => `1,2,3,${time}\n`).join('')}`,
    )
    const [first] = [await readRatingsReport(path, { duplicates: 'sum' })]
    expect(first.merged).toBe(4)
    const distinct = await scratch.file('dates2.csv', times.map((time, k) => `${k},2,3,${time}\n`).join(''))
    expect([...(await readRatings(distinct)).times!]).toEqual([86400, 60, 1.5, 0, -86400])
  })
})

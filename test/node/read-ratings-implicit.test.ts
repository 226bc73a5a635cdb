import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRatings, readRatingsReport } from '../../src/node/read-ratings.ts'
import { arraysOf, inputError, rawZstd, rowsOf, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const ADJACENCY = '7 30 10 20 40 50\n3 30\n12\n5\t10  20 \n'

const EXPECTED = {
  users: Uint32Array.of(0, 0, 0, 0, 0, 1, 3, 3),
  items: Uint32Array.of(0, 1, 2, 3, 4, 0, 1, 2),
  values: new Float32Array(8).fill(1),
  times: undefined,
  userIds: Float64Array.of(7, 3, 12, 5),
  itemIds: Float64Array.of(30, 10, 20, 40, 50),
}

describe('a line of a user and its items', () => {
  it.each([
    { name: 'plain', content: ADJACENCY },
    { name: 'CRLF', content: ADJACENCY.replaceAll('\n', '\r\n') },
    {
      name: 'a mark, empty lines and no line end',
      content: `\u{feff}\n${ADJACENCY.replace('\n', '\n \n\n').trimEnd()}`,
    },
    { name: 'gzip', content: gzipSync(ADJACENCY) },
    { name: 'Zstandard', content: rawZstd(ADJACENCY) },
  ])('is found and read: $name', async ({ content }) => {
    const path = await scratch.file('adjacency.txt', content)
    expect(arraysOf(await readRatings(path))).toEqual(EXPECTED)
    expect(arraysOf(await readRatings(path, { format: 'adjacency' }))).toEqual(EXPECTED)
  })

  it('is not guessed from wide lines of integers alone, which may be a table as well', async () => {
    const path = await scratch.file('wide.txt', '1 20 5 7 8\n2 30 4 7 9\n')
    const { message } = await inputError(readRatings(path))
    expect(message).toContain('wide.txt:1: 5 integers and no names of columns')
    expect(message).toContain('--columns 1,2,3')
    const table = await readRatings(path, { columns: ['1', '2', '3'] })
    expect([table.length, ...table.values]).toEqual([2, 5, 4])
    expect((await readRatings(path, { format: 'adjacency' })).length).toBe(8)
    expect((await readRatings(path, { format: 'tsv', delimiter: ' ' })).length).toBe(2)
  })

  it('is named where words stand in the place of ratings', async () => {
    const path = await scratch.file('words.txt', 'ann i1 i2 i3\nbob i2 i4 i5\ncyd i1 i3 i5\n')
    expect((await inputError(readRatings(path))).message).toContain('--format adjacency')
    expect((await readRatings(path, { format: 'adjacency' })).length).toBe(9)
  })

  it('is read as what it says, whatever the ids and the numbers of fields', async () => {
    const lists = fc.array(fc.array(fc.nat(30), { maxLength: 200, size: 'max' }), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.constantFrom('', 'u'),
        fc.constantFrom(' ', '\t', ' \t '),
        async (all, prefix, blank) => {
          fc.pre(all.some(items => items.length > 0))
          const text = all.map((items, user) => [`${prefix}${user}`, ...items].join(blank)).join('\n')
          const report = await readRatingsReport(await scratch.file('any.txt', text), { format: 'adjacency' })
          const { ratings, merged } = report
          expect(ratings.userCount).toBe(all.length)
          const pairs = all.flatMap((items, user) =>
            [...new Set(items)].map(item => [prefix ? `u${user}` : user, item, 1]),
          )
          expect(rowsOf(ratings)).toEqual(pairs)
          expect(merged).toBe(all.reduce((sum, items) => sum + items.length - new Set(items).size, 0))
        },
      ),
      { seed: 1, numRuns: 60 },
    )
  })

  it.each([
    { name: 'triples', text: '1 2 3\n1 4 5\n2 2 1\n' },
    { name: 'triples, some with times', text: '1 2 3 9\n1 4 5\n2 2 1 8\n3 1 1\n' },
    { name: 'triples, one cut', text: '1 2 3\n1 4\n' },
    { name: 'triples, one cut and one with more', text: '1 2 3\n1 4\n1 2 3 4 5\n1 6 3\n' },
    { name: 'pairs', text: '1 2\n1 4\n3 1\n' },
    { name: 'lists of the same length', text: '1 2 3 4 5 6\n1 4 2 3 5 7\n3 2 3 4 5 6\n' },
  ])('is not taken for one: $name', async ({ text }) => {
    const outcome = await readRatings(await scratch.file('table.txt', text)).catch((error: unknown) => error)
    const users = new Set(
      text
        .trim()
        .split('\n')
        .map(line => line.split(' ')[0]),
    )
    if (outcome instanceof Error)
      expect(outcome.message).toMatch(
        /(fields separated by a space, found|integers and no names of columns).*--format adjacency/,
      )
    else expect(outcome).toMatchObject({ length: text.trim().split('\n').length, userCount: users.size })
  })

  it('is found behind lines that fill the head of the file', async () => {
    const long = (user: number, items: number) =>
      [user, ...Array.from({ length: items }, (_, k) => 10_000 + k)].join(' ')
    const path = await scratch.file(
      'head.txt',
      [long(1, 30_000), long(2, 40_000), '3 10001', '4 10002 10003'].join('\n'),
    )
    expect((await readRatings(path)).length).toBe(70_003)
  })

  it('is not taken for one where ids are words or an option says where columns are', async () => {
    const words = await scratch.file('words.txt', 'ann tea milk\nben tea\ncid tea milk rice salt\n')
    expect((await inputError(readRatings(words))).message).toMatch(/expected 3 fields/)
    expect((await readRatings(words, { format: 'adjacency' })).length).toBe(7)
    const numbers = await scratch.file('numbers.txt', ADJACENCY)
    expect((await inputError(readRatings(numbers, { delimiter: ',' }))).message).toMatch(/separated by a comma/)
  })

  it('changes nothing where it is bad and skipped', async () => {
    const path = await scratch.file('bad.txt', '1 2 3 4 5\n6 7 x 8\n2 7\n3\n')
    const error = await inputError(readRatings(path, { format: 'adjacency', ids: 'integer' }))
    expect(error).toMatchObject({ file: path, line: 2, text: '6 7 x 8' })
    expect(error.message).toMatch(/expected an integer without leading zeros as item id/)
    const report = await readRatingsReport(path, { format: 'adjacency', ids: 'integer', onBadRow: 'skip' })
    expect(report).toMatchObject({ skipped: 1, firstSkipped: { line: 2 } })
    expect(report.ratings.userIds.values).toEqual(Float64Array.of(1, 2, 3))
    expect(report.ratings.itemIds.values).toEqual(Float64Array.of(2, 3, 4, 5, 7))
  })

  it('is refused where it is too long or holds a zero byte', async () => {
    const long = await scratch.file('long.txt', `1 2 3 4 5\n2 ${'7 '.repeat(600_000)}\n3 1\n`)
    expect(await inputError(readRatings(long))).toMatchObject({
      line: 2,
      message: expect.stringMatching(/longer than/),
    })
    expect((await readRatingsReport(long, { format: 'adjacency', onBadRow: 'skip' })).skipped).toBe(1)
    // Beyond the head, by which a file with one is known to be binary.
    const head = `${'1 2 3 4 5 6 7\n2 1\n'.repeat(20_000)}`
    const zero = await scratch.file('zero.txt', `${head}3 1\0\n`)
    expect(await inputError(readRatings(zero))).toMatchObject({ line: 40_001, text: '3 1\u{fffd}' })
  })

  it('needs an item somewhere', async () => {
    const path = await scratch.file('users.txt', '1\n2\n3\n')
    expect((await inputError(readRatings(path, { format: 'adjacency' }))).message).toMatch(/holds no ratings/)
  })
})

describe('data without ratings', () => {
  const pairs = [
    [7, 30, 1],
    [3, 30, 1],
    [7, 10, 1],
  ]

  it.each([
    { name: 'two columns', text: '7,30\n3,30\n7,10\n' },
    { name: 'tabs', text: '7\t30\n3\t30\n7\t10\n' },
    { name: 'colons', text: '7::30\n3::30\n7::10\n' },
    { name: 'a usual header', text: 'user_id,item_id\n7,30\n3,30\n7,10\n' },
    { name: 'the other order', text: 'item;user\n30;7\n30;3\n10;7\n' },
    { name: 'a header that says nothing', text: 'a,b\n7,30\n3,30\n7,10\n' },
    { name: 'chosen by position', text: '5,30,7\n4,30,3\n3,10,7\n', columns: ['3', '2'] },
    { name: 'chosen by name', text: 'stars,what,who\n5,30,7\n4,30,3\n3,10,7\n', columns: ['who', 'what'] },
    {
      name: 'chosen by position below a header',
      text: 'stars,what,who\n5,30,7\n4,30,3\n3,10,7\n',
      columns: ['3', '2'],
    },
  ])('has 1 for every value: $name', async ({ text, columns }) => {
    const path = await scratch.file('pairs.txt', text)
    expect(rowsOf(await readRatings(path, { columns }))).toEqual(pairs)
    expect(rowsOf(await readRatings(await scratch.file('pairs.gz', gzipSync(text)), { columns }))).toEqual(pairs)
    expect(rowsOf(await readRatings(await scratch.file('pairs.zst', rawZstd(text)), { columns }))).toEqual(pairs)
  })

  it('may have times under a header', async () => {
    const path = await scratch.file('timed.csv', 'timestamp,user,item\n5,7,30\n6,3,30\n7,7,30\n')
    expect(rowsOf(await readRatings(path))).toEqual([
      [7, 30, 1, 7],
      [3, 30, 1, 6],
    ])
    const none = await scratch.file('timed-not.csv', 'user,item,date\n7,30,soon\n')
    expect(rowsOf(await readRatings(none))).toEqual([[7, 30, 1]])
  })

  it('has words for ids where the first line is no header', async () => {
    const path = await scratch.file('words.csv', 'ann,tea\nben,milk\n')
    expect(rowsOf(await readRatings(path))).toEqual([
      ['ann', 'tea', 1],
      ['ben', 'milk', 1],
    ])
    expect((await readRatings(path, { header: true })).length).toBe(1)
  })

  it('has words for ids below a usual header', async () => {
    const path = await scratch.file('named-words.csv', 'item,user\ntea,ann\nmilk,ben\n')
    expect(rowsOf(await readRatings(path))).toEqual([
      ['ann', 'tea', 1],
      ['ben', 'milk', 1],
    ])
  })

  it('may have ids that hold blanks', async () => {
    const path = await scratch.file('blanks.csv', 'ann lee,tea\nbob ray,green tea leaf\ncy,rice\n')
    expect(rowsOf(await readRatings(path))).toEqual([
      ['ann lee', 'tea', 1],
      ['bob ray', 'green tea leaf', 1],
      ['cy', 'rice', 1],
    ])
  })

  it('is not what a table with a short line is', async () => {
    const rows = '1,2,3,2020-01-01 10:00\n1,3,4,2020-01-01 11:00\n1,4,5,2020-01-01 12:00\n'
    const path = await scratch.file('short.csv', `${rows}2,7 8\n`)
    expect(await inputError(readRatings(path))).toMatchObject({ line: 4, text: '2,7 8' })
    expect((await readRatings(path, { onBadRow: 'skip' })).values).toEqual(Float32Array.of(3, 4, 5))
  })

  it('is not what three columns without names are', async () => {
    expect(rowsOf(await readRatings(await scratch.file('three.csv', '1,2,978300672\n')))).toEqual([[1, 2, 978300672]])
  })

  it('does not take a column of times for ratings', async () => {
    const path = await scratch.file('events.csv', 'user,item,timestamp,kind\n1,2,978300760,click\n')
    expect((await inputError(readRatings(path))).message).toMatch(/there are "user", "item", "timestamp", "kind"/)
    expect(rowsOf(await readRatings(path, { columns: ['user', 'item'] }))).toEqual([[1, 2, 1]])
  })

  it('counts its duplicates under sum', async () => {
    const path = await scratch.file('twice.csv', '1,2\n1,3\n1,2\n')
    expect(rowsOf(await readRatings(path, { duplicates: 'sum' }))).toEqual([
      [1, 2, 2],
      [1, 3, 1],
    ])
    expect(await readRatingsReport(path)).toMatchObject({ merged: 1 })
  })

  it('comes from Parquet too', async () => {
    const rows = "(values (7, 30, 'x'), (3, 30, 'y'), (7, 10, 'z')) as t(u, i, s)"
    const two = await scratch.parquet('two.parquet', `select i as item, u as user from ${rows}`)
    expect(rowsOf(await readRatings(two))).toEqual(pairs)
    const three = await scratch.parquet('three.parquet', `select s as who, i as what, u as whom from ${rows}`)
    expect(rowsOf(await readRatings(three, { columns: ['whom', 'what'] }))).toEqual(pairs)
    const timed = await scratch.parquet('timed.parquet', `select u as user, i as item, 5 as timestamp from ${rows}`)
    expect(rowsOf(await readRatings(timed))).toEqual(pairs.map(row => [...row, 5]))
    const missing = await scratch.parquet('missing.parquet', 'select 1 as user, null::int as item')
    expect((await inputError(readRatings(missing))).message).toMatch(/a user id and an item id in each row/)
  })
})

import { mkdir, symlink } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OptionError } from '../../src/errors.ts'
import { type ReadOptions, readRatings, readRatingsReport } from '../../src/node/read-ratings.ts'
import { inputError, rawZstd, rowsOf, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

interface BadLine {
  name: string
  text: string
  line?: number
  shown?: string
  says: RegExp
  options?: ReadOptions
}

const BAD_LINES: BadLine[] = [
  { name: 'short line', text: '1,2,3\n4,5\n', line: 2, shown: '4,5', says: /expected 3 fields .*comma.* found 2/ },
  { name: 'short first line', text: '1,2\n1,2,3\n4,5,6\n', line: 1, shown: '1,2', says: /found 2/ },
  { name: 'long line', text: '1,2,3\n4,5,6,7\n', line: 2, shown: '4,5,6,7', says: /found 4/ },
  {
    name: 'no number',
    text: 'user,item,rating\n1,2,3\n4,5,good\n',
    line: 3,
    shown: '4,5,good',
    says: /number as rating/,
  },
  { name: 'no number at once', text: '1,2,good\n4,5,6\n', line: 1, shown: '1,2,good', says: /number as rating/ },
  { name: 'no rating', text: '1,2,3\n4,5,\n', line: 2, shown: '4,5,', says: /number as rating/ },
  { name: 'nan', text: '1,2,3\n4,5,NaN\n', line: 2, shown: '4,5,NaN', says: /not finite/ },
  { name: 'nan at once', text: '1,2,nan\n', line: 1, shown: '1,2,nan', says: /not finite/ },
  { name: 'infinity', text: '1,2,3\n4,5,-inf\n', line: 2, shown: '4,5,-inf', says: /not finite/ },
  { name: 'overflow', text: '1,2,3\n4,5,3.5e38\n', line: 2, shown: '4,5,3.5e38', says: /32-bit float/ },
  { name: 'underscores', text: '1,2,3\n4,5,1_000\n', line: 2, shown: '4,5,1_000', says: /number as rating/ },
  { name: 'hexadecimal', text: '1,2,3\n4,5,0x10\n', line: 2, shown: '4,5,0x10', says: /number as rating/ },
  { name: 'empty user', text: '1,2,3\n,5,6\n', line: 2, shown: ',5,6', says: /user id is empty/ },
  { name: 'empty item', text: '1,2,3\n4, ,6\n', line: 2, shown: '4, ,6', says: /item id is empty/ },
  { name: 'empty quoted user', text: '1,2,3\n"",5,6\n', line: 2, shown: '"",5,6', says: /user id is empty/ },
  { name: 'bad time', text: '1,2,3,4\n5,6,7,now\n5,8,7,9\n', line: 2, shown: '5,6,7,now', says: /timestamp/ },
  { name: 'bad date', text: '1,2,3,2020-02-01\n1,3,3,2020-02-02\n5,6,7,2020-02-31\n', line: 3, says: /timestamp/ },
  { name: 'one column', text: 'hello\nworld\n', line: 1, shown: 'hello', says: /separated by a tab or "::"/ },
  { name: 'one column of ids', text: '1,\n3,\n', line: 1, shown: '1,', says: /item id is empty/ },
  { name: 'third of two columns', text: '1,2\n3,4\n5,6,7\n', line: 3, shown: '5,6,7', says: /2 fields .*found 3/ },
  { name: 'other delimiter', text: '1,2,3\n', line: 1, shown: '1,2,3', says: /a tab/, options: { format: 'tsv' } },
  { name: 'after empty lines', text: '\n1,2,3\n\n\r\n4,5\n', line: 5, shown: '4,5', says: /found 2/ },
  { name: 'control characters', text: '1,2,3\n\x1b[31m,5\n', line: 2, shown: '\u{fffd}[31m,5', says: /found 2/ },
  { name: 'cut text', text: `1,2,3\n${'x'.repeat(500)}\n`, line: 2, shown: `${'x'.repeat(200)}…`, says: /found 1/ },
  { name: 'header only', text: 'user,item,rating\n', says: /no ratings below its header/ },
  { name: 'empty lines only', text: '\n\r\n  \n', says: /only empty lines/ },
]

const COMPRESSIONS = { plain: (text: string) => text, gzip: gzipSync }

describe.each(Object.entries(COMPRESSIONS))('a bad line in a %s file', (compression, compress) => {
  it.each(BAD_LINES)('$name', async ({ name, text, line, shown, says, options = {} }) => {
    const path = await scratch.file(`${name}-${compression}`, compress(text))
    const error = await inputError(readRatings(path, options))
    expect(error.file).toBe(path)
    expect(error.line).toBe(line)
    if (shown !== undefined) expect(error.text).toBe(shown)
    expect(error.message).toMatch(says)
  })
})

describe('bad rows that are skipped', () => {
  it('are counted, and change nothing', async () => {
    const path = await scratch.file('some.csv', '1,2,3\nbad,7\n8,9,nan\n,1,1\n1,5,4\n1,2,3,4,5\n')
    const report = await readRatingsReport(path, { onBadRow: 'skip' })
    expect(rowsOf(report.ratings)).toEqual([
      [1, 2, 3],
      [1, 5, 4],
    ])
    expect(report.skipped).toBe(4)
    expect(report.firstSkipped).toMatchObject({ file: path, line: 2, text: 'bad,7' })
  })

  it('leave an error where no row is good', async () => {
    const path = await scratch.file('all.csv', '1,2,x\n1,3,y\n')
    const error = await inputError(readRatings(path, { onBadRow: 'skip' }))
    expect(error.message).toMatch(/no row holds a rating.*expected a number/)
  })
})

describe('a line of many megabytes', () => {
  const monster = Buffer.alloc(20_000_000, 'x')
  const head = '1,2,3\n4,5,6\n'

  it.each([
    { name: 'in the middle', parts: [head, monster, '\n7,8,9\n'], line: 3, good: 3 },
    { name: 'at the end', parts: [head, monster], line: 3, good: 2 },
    { name: 'in gzip', parts: [head, monster, '\n7,8,9\n'], line: 3, good: 3, compress: gzipSync },
  ])('$name is refused or skipped', async ({ parts, line, good, compress = (bytes: Buffer) => bytes }) => {
    const path = await scratch.file('monster', compress(Buffer.concat(parts.map(part => Buffer.from(part)))))
    const error = await inputError(readRatings(path))
    expect(error).toMatchObject({ file: path, line, text: `${'x'.repeat(200)}…` })
    expect(error.message).toMatch(/longer than 1048576 bytes/)
    const report = await readRatingsReport(path, { onBadRow: 'skip' })
    expect([report.skipped, report.ratings.length]).toEqual([1, good])
  })

  it('at the start is refused', async () => {
    const path = await scratch.file('monster', Buffer.concat([monster, Buffer.from('\n1,2,3\n')]))
    expect(await inputError(readRatings(path))).toMatchObject({ line: 1, text: `${'x'.repeat(200)}…` })
  })

  it('in Zstandard is refused', async () => {
    const path = await scratch.file('monster.zst', rawZstd(Buffer.concat([Buffer.from(head), monster])))
    const error = await inputError(readRatings(path))
    expect(error).toMatchObject({ file: path, line: 3 })
    expect(error.message.length).toBeLessThan(1000)
  })
})

describe('a file that is none', () => {
  const lines = Array.from({ length: 20_000 }, (_, k) => `${k},${(k * 7919) % 1000},${k % 5}\n`).join('')

  it('does not exist', async () => {
    const path = scratch.path('missing.csv')
    const error = await inputError(readRatings(path))
    expect(error.message).toBe(`${path}: there is no such file`)
  })

  it('is a directory', async () => {
    await mkdir(scratch.path('folder'), { recursive: true })
    expect((await inputError(readRatings(scratch.path('folder')))).message).toMatch(/is a directory/)
  })

  it('cannot be opened', async () => {
    await symlink('circle', scratch.path('circle'))
    expect((await inputError(readRatings(scratch.path('circle')))).message).toMatch(/cannot be read/)
  })

  it.each([
    { name: 'empty', content: '', says: /is empty/ },
    { name: 'empty gzip', content: gzipSync(''), says: /only empty lines/ },
    { name: 'a zip archive', content: 'PK\x03\x04rest', says: /zip archive/ },
    { name: 'UTF-16', content: Buffer.from('\u{feff}1,2,3\n', 'utf16le'), says: /UTF-16/ },
    { name: 'binary', content: Uint8Array.from({ length: 5000 }, (_, k) => (k * 73 + 11) % 251), says: /binary/ },
    { name: 'gzip without its end', content: gzipSync(lines).subarray(0, -8), says: /gzip data ends too early/ },
    { name: 'half of a gzip file', content: gzipSync(lines).subarray(0, 20_000), says: /gzip data ends too early/ },
    {
      name: 'half of a Zstandard file',
      content: rawZstd(lines).subarray(0, 100_000),
      says: /Zstandard data ends too early/,
    },
    { name: 'a Zstandard file without its last byte', content: rawZstd(lines).subarray(0, -1), says: /ends too early/ },
  ])('is $name', async ({ content, says }) => {
    const path = await scratch.file('broken', content)
    const error = await inputError(readRatings(path))
    expect(error.file).toBe(path)
    expect(error.message).toMatch(says)
  })

  it('is damaged gzip', async () => {
    const bytes = gzipSync(lines)
    bytes[bytes.length - 6]! ^= 0xff
    const error = await inputError(readRatings(await scratch.file('damaged.gz', bytes)))
    expect(error.message).toMatch(/gzip data is damaged/)
  })

  it('is damaged Zstandard', async () => {
    const path = await scratch.file('damaged.zst', Buffer.concat([rawZstd('1,2,3\n'), Buffer.from('hello world')]))
    expect((await inputError(readRatings(path))).message).toMatch(/Zstandard data is damaged/)
  })
})

describe('columns that do not fit', () => {
  it('name those there are', async () => {
    const path = await scratch.file('named.csv', 'user,item,rating\n1,2,3\n')
    const error = await inputError(readRatings(path, { columns: ['user', 'film', 'rating'] }))
    expect(error.message).toContain('there is no column "film"; there are "user", "item", "rating"')
    const position = await inputError(readRatings(path, { columns: ['1', '2', '9'] }))
    expect(position.message).toContain('there is no column "9"')
  })

  it('are refused where names contradict the order', async () => {
    const path = await scratch.file('astray.csv', 'rating,who,what\n1,2,3\n')
    expect((await inputError(readRatings(path, { header: true }))).message).toContain('--columns')
  })
})

describe('options with values that they cannot take', () => {
  it.each([
    [{ format: 'xlsx' }, 'format'],
    [{ header: 'yes' }, 'header'],
    [{ encoding: 'ascii' }, 'encoding'],
    [{ onBadRow: 'warn' }, 'onBadRow'],
    [{ duplicates: 'first' }, 'duplicates'],
    [{ ids: 'uuid' }, 'ids'],
    [{ delimiter: '' }, 'delimiter'],
    [{ delimiter: 'abcde' }, 'delimiter'],
    [{ delimiter: '"' }, 'delimiter'],
    [{ columns: ['user'] }, 'columns'],
    [{ columns: ['user', 'item', '3', '4', '5'] }, 'columns'],
    [{ format: 'adjacency', columns: ['1', '2'] }, 'columns'],
    [{ format: 'mtx', delimiter: ' ' }, 'delimiter'],
    [{ format: 'libmf', header: true }, 'header'],
    [{ columns: ['1', '1', '2'] }, 'columns'],
    [{ columns: ['user', 'item', 'rating'], header: false }, 'columns'],
  ])('%j', async (options, name) => {
    const path = await scratch.file('good.csv', 'user,item,rating\n1,2,3\n')
    const outcome = await readRatings(path, options as ReadOptions).catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(OptionError)
    expect(outcome).toMatchObject({ option: name })
  })
})

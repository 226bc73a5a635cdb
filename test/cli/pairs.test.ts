import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PairOptions, readPairs } from '../../src/cli/pairs.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { InputError } from '../../src/errors.ts'
import { writeRatings } from '../../src/node/write-ratings.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lowrank-pairs-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const numbers = { integers: { user: true, item: true } }
const words = { integers: { user: false, item: false } }

function read(contents: string | Uint8Array, options: PairOptions = numbers) {
  const file = join(folder, 'pairs')
  writeFileSync(file, contents)
  return readPairs(file, options)
}

const expected = { users: ['1', '2'], items: ['10', '20'] }

describe('readPairs', () => {
  it.each([
    ['commas', '1,10\n2,20\n'],
    ['tabs and a header', 'user\titem\n1\t10\n2\t20\n'],
    ['two colons', '1::10\n2::20'],
    ['spaces and carriage returns', '1 10\r\n2 20\r\n'],
    ['a header with a mark, other columns and another order', '\ufeffrating;movieId;userId\n5;10;1\n3;20;2\n'],
    ['names that say nothing', 'a,b\n1,10\n2,20\n'],
    ['empty lines', '\n1,10\n  \n2,20\n\n'],
    ['quotes', '"1","10"\n"2",20\n'],
  ])('reads %s', async (_, text) => {
    expect(await read(text)).toEqual(expected)
  })

  it('reads columns by name and by position', async () => {
    const text = 'a,b,c\n10,x,1\n20,x,2\n'
    expect(await read(text, { ...numbers, columns: ['c', 'a'] })).toEqual(expected)
    expect(await read(text, { ...numbers, columns: ['3', '1'] })).toEqual(expected)
  })

  it('takes no header for granted where ids are words', async () => {
    expect(await read('ann,tea\nben,milk\n', words)).toEqual({ users: ['ann', 'ben'], items: ['tea', 'milk'] })
    expect(await read('user,item\nann,"tea, black"\n', words)).toEqual({ users: ['ann'], items: ['tea, black'] })
  })

  it('reads gzip and Parquet', async () => {
    expect(await read(gzipSync('1,10\n2,20\n'))).toEqual(expected)
    const file = join(folder, 'pairs.parquet')
    await writeRatings(file, Ratings.from([1, 2], [10, 20], [3, 4]))
    expect(await readPairs(file, numbers)).toEqual(expected)
    expect(await readPairs(file, { ...numbers, columns: ['item', 'user'] })).toEqual({
      users: ['10', '20'],
      items: ['1', '2'],
    })
  })

  it.each([
    ['1,10\n2\n', 2, '2'],
    ['1,10\n,20\n', 2, ',20'],
    ['word\n', 1, 'word'],
  ])('refuses %j with its place', async (text, line, shown) => {
    await expect(read(text)).rejects.toThrow(InputError)
    await expect(read(text)).rejects.toMatchObject({ line, text: shown })
  })

  it.each([1_100_000, 9_000_000])('refuses a line of %i bytes', async length => {
    const refused = read(`1,10\n2,${'0'.repeat(length)}\n`)
    await expect(refused).rejects.toThrow(/:2: the line is longer than 1048576 bytes/)
  })

  it('refuses a file without pairs, and columns that are not there', async () => {
    await expect(read('user,item\n')).rejects.toThrow(/holds no pairs/)
    await expect(read('user,item\n1,2\n', { ...numbers, columns: ['user', 'film'] })).rejects.toThrow(
      /no column "film"/,
    )
  })
})

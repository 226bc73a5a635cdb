import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReadOptions } from '../../src/ingest/options.ts'
import { rawZstd, rowsOf, Scratch } from '../node/read-ratings-helpers.ts'
import { writeAndReadBoth } from './both.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const latin = Buffer.from('user,item,rating\n1,a,1\nJosé,naïve,2\n', 'latin1')
const monster = `1,2,3\n4,5,6\n${'x'.repeat(2_000_000)}`

interface Case {
  name: string
  content: string | Uint8Array
  options?: ReadOptions
  /** Whether it is read. */
  good?: boolean
  /** What is not compressed, because Zstandard data is read without empty lines, and as UTF-8, by path. */
  compressions?: readonly Compression[]
}

type Compression = 'plain' | 'gzip' | 'zstd'
const ALL: readonly Compression[] = ['plain', 'gzip', 'zstd']
const PLAIN: readonly Compression[] = ['plain', 'gzip']

const CASES: Case[] = [
  { name: 'csv with a header', content: 'userId,movieId,rating,timestamp\n7,30,4,100\n3,30,3.5,101\n', good: true },
  { name: 'tsv', content: '7\t30\t4\t100\n3\t30\t3.5\t101\n', good: true },
  { name: 'dat', content: '7::30::4::100\n3::30::3.5::101\n', good: true },
  { name: 'semicolons and quotes', content: '"a";"b ""c""";4\n"d;e";f;1\n', good: true },
  { name: 'CRLF without an end', content: '1,2,3\r\n4,5,6', good: true },
  { name: 'a byte order mark', content: '\u{feff}1,2,3\n4,5,6\n', good: true },
  { name: 'empty lines', content: '\n\r\n1,2,3\n\n  \n4,5,6\n', good: true, compressions: PLAIN },
  { name: 'dates', content: 'user,item,rating,date\n1,2,3,1970-01-02\n2,2,3,2020-02-29 12:00\n', good: true },
  { name: 'text ids', content: 'ü,x,1\n𝄞,x,2\n', good: true },
  { name: 'integer ids as text', content: '1,2,3\n', options: { ids: 'string' }, good: true },
  { name: 'ids beyond 2^53', content: 'user,item,rating\n1,2,3\n1,9007199254740992,4\n' },
  { name: 'ids that must be integers', content: '1,2,3\n1,x,3\n', options: { ids: 'integer' } },
  { name: 'no ratings', content: '1,2\n3,4\n', good: true },
  { name: 'adjacency', content: '1 2 3 4\n2 5\n3 1 2 3 4 5 6\n', good: true },
  { name: 'libmf', content: '0 0 1.5\n1  2 3\n', options: { format: 'libmf' }, good: true },
  { name: 'a matrix', content: '%%MatrixMarket matrix coordinate real general\n3 3 2\n1 1 2\n3 2 5\n', good: true },
  { name: 'a short matrix', content: '%%MatrixMarket matrix coordinate real general\n3 3 2\n1 1 2\n' },
  { name: 'chosen columns', content: 'w,who,what\n9,me,x\n', options: { columns: ['who', '3', 'w'] }, good: true },
  { name: 'no such column', content: 'user,item,rating\n1,2,3\n', options: { columns: ['user', 'film', 'rating'] } },
  { name: 'another delimiter', content: 'a b|c,d|1\na b|e|2\n', options: { delimiter: '|' }, good: true },
  { name: 'latin-1', content: latin, good: true, compressions: PLAIN },
  { name: 'latin-1 on demand', content: latin, options: { encoding: 'latin-1' }, good: true },
  { name: 'latin-1 where UTF-8 is wanted', content: latin, options: { encoding: 'utf-8' }, compressions: PLAIN },
  { name: 'a short line', content: '1,2,3\n4,5\n' },
  { name: 'no number', content: '1,2,3\n4,5,good\n' },
  { name: 'overflow', content: '1,2,3\n4,5,1e39\n' },
  { name: 'an empty id', content: '1,2,3\n,5,6\n' },
  { name: 'control characters', content: '1,2,3\n\x1b[31m,5\n' },
  { name: 'bad rows to skip', content: '1,2,3\nbad,7\n8,9,nan\n1,5,4\n', options: { onBadRow: 'skip' }, good: true },
  { name: 'bad rows only', content: '1,2,x\n1,3,y\n', options: { onBadRow: 'skip' } },
  { name: 'duplicates', content: '1,1,2,50\n1,1,4,40\n', good: true },
  { name: 'duplicates to refuse', content: '1,1,2\n1,1,4\n', options: { duplicates: 'error' } },
  { name: 'a header only', content: 'user,item,rating\n' },
  { name: 'empty lines only', content: '\n\n', compressions: PLAIN },
  { name: 'nothing', content: '', compressions: PLAIN },
  { name: 'a monstrous line', content: monster, compressions: PLAIN },
  {
    name: 'a monstrous line to skip',
    content: monster,
    options: { onBadRow: 'skip' },
    good: true,
    compressions: PLAIN,
  },
  { name: 'a zip archive', content: 'PK\x03\x04rest', compressions: ['plain'] },
  { name: 'UTF-16', content: Buffer.from('\u{feff}1,2,3\n', 'utf16le'), compressions: ['plain'] },
  { name: 'binary', content: Uint8Array.from({ length: 5000 }, (_, k) => (k * 73 + 11) % 251), compressions: PLAIN },
  { name: 'text that is said to be Parquet', content: '1,2,3\n', options: { format: 'parquet' } },
  { name: 'a format that does not fit', content: '1,2,3\n', options: { format: 'tsv' } },
  { name: 'options that do not fit', content: '1,2,3\n', options: { columns: ['1', '1', '2'] } },
]

const COMPRESS = { plain: (bytes: string | Uint8Array) => bytes, gzip: gzipSync, zstd: rawZstd }

describe.each(ALL)('%s text is the same by path and by bytes:', compression => {
  it.each(CASES.filter(({ compressions = ALL }) => compressions.includes(compression)))(
    '$name',
    async ({ content, options, good = false }) => {
      const both = await writeAndReadBoth(scratch, COMPRESS[compression](content), options)
      expect('ratings' in both).toBe(good)
    },
  )
})

describe('many blocks', () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, k) => `user ${(k * 7919) % 5003},${k},${(k % 9) / 2},${k * 10}\n`).join('')

  it.each(ALL)('of %s text', async compression => {
    const { ratings } = await writeAndReadBoth(scratch, COMPRESS[compression](lines(60_000)))
    expect(ratings?.length).toBe(60_000)
    expect(rowsOf(ratings!)[1]).toEqual(['user 2916', 1, 0.5, 10])
  })
})

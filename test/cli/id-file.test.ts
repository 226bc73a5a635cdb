import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readIds, readKnownIds } from '../../src/cli/id-file.ts'
import { IdTable } from '../../src/data/ids.ts'
import { InputError } from '../../src/errors.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lowrank-ids-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(contents: string | Uint8Array): string {
  const path = join(folder, 'ids')
  writeFileSync(path, contents)
  return path
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => undefined).catch((error: unknown) => error)

describe('readIds', () => {
  it.each([
    { name: 'plain', contents: 'a b\n\n  "c", d \n7' },
    { name: 'with CRLF and a mark', contents: '\ufeffa b\r\n \r\n"c", d\t\r\n7\r\n' },
    { name: 'gzip', contents: gzipSync('a b\n\n"c", d\n7\n') },
  ])('takes each line as it is, and counts them: $name', async ({ contents }) => {
    expect(await readIds(file(contents))).toEqual([
      { id: 'a b', line: 1 },
      { id: '"c", d', line: 3 },
      { id: '7', line: 4 },
    ])
  })

  it.each([
    { name: 'empty lines', contents: '\n \n', says: /holds no ids; expected one in each line/ },
    { name: 'nothing', contents: '', says: /is empty/ },
    { name: 'Parquet', contents: 'PAR1....', says: /the file is Parquet; expected text with an id in each line/ },
    { name: 'a zero byte', contents: 'a\nb\0\n', says: /:2: the id holds a zero byte/ },
    {
      name: 'a long line',
      contents: `a\n${'x'.repeat(1_100_000)}\n`,
      says: /:2: the line is longer than 1048576 bytes/,
    },
    {
      name: 'a longer one',
      contents: `a\n${'x'.repeat(9_000_000)}\n`,
      says: /:2: the line is longer than 1048576 bytes/,
    },
  ])('refuses $name', async ({ contents, says }) => {
    const error = await failure(readIds(file(contents)))
    expect(error).toBeInstanceOf(InputError)
    expect(String(error)).toMatch(says)
  })
})

describe('readKnownIds', () => {
  it('names the line of the first one that a table does not hold', async () => {
    const table = IdTable.range(5)
    expect(await readKnownIds(file('3\n0\n'), 'user', table)).toEqual(['3', '0'])
    const error = await failure(readKnownIds(file('3\n\n5\n9\n'), 'user', table))
    expect(error).toMatchObject({ code: 'INPUT', line: 3, text: '5' })
    expect(String(error)).toMatch(/the model does not know the user/)
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRatings, readRatingsReport } from '../../src/node/read-ratings.ts'
import { inputError, rawZstd, rowsOf, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

describe('ids', () => {
  it('are integers where every id of the column is one in canonical notation', async () => {
    const path = await scratch.file('integers.csv', `-5,x,1\n0,007,1\n${Number.MAX_SAFE_INTEGER},8,1\n`)
    const { userIds, itemIds } = await readRatings(path)
    expect(userIds.values).toEqual(Float64Array.of(-5, 0, Number.MAX_SAFE_INTEGER))
    expect(itemIds.values).toEqual(['x', '007', '8'])
  })

  it.each(['01', '+1', '1.0', '-0', '1e3', 'x'])('are strings where one is %s', async id => {
    const path = await scratch.file('strings.csv', `1,2,3\n${id},2,3\n`)
    expect((await readRatings(path, { header: false })).userIds.values).toEqual(['1', id])
  })

  it('are text on demand', async () => {
    const path = await scratch.file('text.csv', '1,12345678901234567890,3\n')
    expect(rowsOf(await readRatings(path, { ids: 'string' }))).toEqual([['1', '12345678901234567890', 3]])
  })

  it.each([{ compress: (text: string) => text }, { compress: rawZstd }])(
    'beyond 2^53 - 1 are refused',
    async ({ compress }) => {
      const path = await scratch.file('unsafe', compress('user,item,rating\n1,2,3\n1,9007199254740992,4\n'))
      const error = await inputError(readRatings(path))
      expect(error).toMatchObject({ file: path, line: 3, text: '1,9007199254740992,4' })
      expect(error.message).toContain('9007199254740992')
      expect(error.message).toContain('--ids string')
    },
  )

  it('beyond 2^53 - 1 are strings beside others that are strings', async () => {
    const path = await scratch.file('mixed.csv', '1,9007199254740992,4\n1,x,4\n')
    expect((await readRatings(path)).itemIds.values).toEqual(['9007199254740992', 'x'])
  })

  it('must be integers on demand', async () => {
    const path = await scratch.file('wanted.csv', '1,2,3\n1,x,3\n1,9007199254740992,3\n2,2,3\n')
    const error = await inputError(readRatings(path, { ids: 'integer' }))
    expect(error).toMatchObject({ file: path, line: 2, text: '1,x,3' })
    const { ratings, skipped } = await readRatingsReport(path, { ids: 'integer', onBadRow: 'skip' })
    expect(skipped).toBe(2)
    expect(ratings.itemIds.values).toEqual(Float64Array.of(2))
  })

  it('may be quoted, with delimiters, quotes and blanks inside', async () => {
    const path = await scratch.file(
      'quoted.csv',
      '"user","item","rating"\n"Doe, Jane","say ""hi""","4.5"\n" x ", plain ,3\n "y" ,pl"ain,2\n"x",plain,1\n',
    )
    expect(rowsOf(await readRatings(path))).toEqual([
      ['Doe, Jane', 'say "hi"', 4.5],
      [' x ', 'plain', 3],
      ['y', 'pl"ain', 2],
      ['x', 'plain', 1],
    ])
  })

  it('with a quote that is not closed spoil one line only', async () => {
    const path = await scratch.file('unclosed.csv', 'a,b,1\n"c,d,2\ne,f,3\n"g"h,i,4\n')
    const error = await inputError(readRatings(path))
    expect(error).toMatchObject({ line: 2, text: '"c,d,2' })
    const { ratings, skipped } = await readRatingsReport(path, { onBadRow: 'skip' })
    expect(skipped).toBe(2)
    expect(rowsOf(ratings)).toEqual([
      ['a', 'b', 1],
      ['e', 'f', 3],
    ])
  })
})

describe('encodings', () => {
  const latin = Buffer.from('user,item,rating\n1,a,1\nJosé,na\xefve,2\n', 'latin1')

  it('find latin-1 where an id is not valid UTF-8', async () => {
    const path = await scratch.file('latin.csv', latin)
    expect((await readRatings(path)).userIds.values).toEqual(['1', 'José'])
    expect((await readRatings(path, { encoding: 'latin-1' })).itemIds.values).toEqual(['a', 'naïve'])
  })

  it('name the line where only UTF-8 is allowed', async () => {
    const path = await scratch.file('latin.csv', latin)
    const error = await inputError(readRatings(path, { encoding: 'utf-8' }))
    expect(error).toMatchObject({ file: path, line: 3, text: 'José,naïve,2' })
    expect(error.message).toContain('latin-1')
  })

  it('keep UTF-8, also where blocks of the file cut characters', async () => {
    const ids = Array.from({ length: 30_000 }, (_, k) => `ユーザー${k}é𝄞`)
    const path = await scratch.file('utf.csv', ids.map(id => `${id}\titem\t1\n`).join(''))
    expect((await readRatings(path)).userIds.values).toEqual(ids)
  })

  it('read latin-1 from Zstandard on demand', async () => {
    const path = await scratch.file('latin.zst', rawZstd(latin))
    expect((await readRatings(path, { encoding: 'latin-1' })).userIds.values).toEqual(['1', 'José'])
    expect((await inputError(readRatings(path))).message).toContain("encoding: 'latin-1'")
  })
})

describe('duplicates', () => {
  const text = '1,1,2,50\n1,2,1,10\n1,1,4,40\n1,1,5,50\n'

  it('leave the last by time, then by position', async () => {
    const path = await scratch.file('twice.csv', text)
    expect(rowsOf(await readRatings(path))).toEqual([
      [1, 1, 5, 50],
      [1, 2, 1, 10],
    ])
  })

  it('are averaged, added up or refused', async () => {
    const path = await scratch.file('twice.csv', text)
    expect((await readRatings(path, { duplicates: 'sum' })).values).toEqual(Float32Array.of(11, 1))
    expect((await readRatings(path, { duplicates: 'mean' })).values).toEqual(Float32Array.of(Math.fround(11 / 3), 1))
    expect(await inputError(readRatings(path, { duplicates: 'error' }))).toMatchObject({ file: path })
    expect((await readRatingsReport(path)).merged).toBe(2)
  })
})

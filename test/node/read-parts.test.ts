import { copyFile, mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { fitsGlob } from '../../src/node/ingest/glob.ts'
import { readRatings, readRatingsReport } from '../../src/node/read-ratings.ts'
import { writePacked } from '../../src/node/write-packed.ts'
import { arraysOf, inputError, rawZstd, rowsOf, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeEach(async () => {
  await scratch.close()
  await scratch.open()
  await mkdir(scratch.path('data'))
})
afterAll(() => scratch.close())

const folder = () => scratch.path('data')
const part = (name: string, content: string | Uint8Array) => scratch.file(`data/${name}`, content)
const parquetPart = (name: string, query: string) => scratch.parquet(`data/${name}`, query)

describe('a folder of parts', () => {
  it('as Spark writes it is read in the order of the names, ids numbered over all', async () => {
    const rows = (values: string) =>
      `select user, item, rating::FLOAT as rating, timestamp from (values ${values}) t(user, item, rating, timestamp)`
    await parquetPart('part-00001.snappy.parquet', rows('(9, 2, 4.5, 7), (7, 1, 1, 8)'))
    await parquetPart('part-00000.snappy.parquet', rows('(7, 3, 2.0, 5), (8, 1, 3, 6)'))
    await parquetPart('part-00002.snappy.parquet', `${rows('(1, 1, 1.0, 1)')} limit 0`)
    await part('_SUCCESS', '')
    await part('_metadata', 'PAR1')
    await part('.part-00000.snappy.parquet.crc', 'crc')
    await part('part-00000.snappy.parquet.crc', 'crc')
    const progress: [number, number][] = []
    const ratings = await readRatings(folder(), { onProgress: (bytes, total) => progress.push([bytes, total]) })
    expect(rowsOf(ratings)).toEqual([
      [7, 3, 2, 5],
      [8, 1, 3, 6],
      [9, 2, 4.5, 7],
      [7, 1, 1, 8],
    ])
    expect(arraysOf(ratings)).toMatchObject({ userIds: Float64Array.of(7, 8, 9), itemIds: Float64Array.of(3, 1, 2) })
    expect(progress.at(-1)?.[0]).toBe(progress.at(-1)?.[1])
    expect(progress.map(([bytes]) => bytes)).toEqual(progress.map(([bytes]) => bytes).toSorted((a, b) => a - b))
  })

  it('is what one file of all their rows would be', async () => {
    const id = fc.oneof(fc.nat(30).map(String), fc.constantFrom('ann', 'é', '007', '-3'))
    const row = fc.tuple(id, id, fc.nat(9)).map(fields => fields.join(','))
    const packing = fc.constantFrom(
      (text: string) => text,
      (text: string) => gzipSync(text),
      (text: string) => rawZstd(text),
    )
    const parts = fc.array(fc.tuple(fc.array(row, { minLength: 1, maxLength: 8 }), packing), {
      minLength: 1,
      maxLength: 4,
    })
    const header = 'user,item,rating\n'
    await fc.assert(
      fc.asyncProperty(parts, fc.constantFrom('mean' as const, 'last' as const), async (all, duplicates) => {
        await rm(folder(), { recursive: true })
        await mkdir(folder())
        for (const [at, [rows, pack]] of all.entries()) await part(`${at}.csv`, pack(`${header}${rows.join('\n')}\n`))
        const whole = await scratch.file('whole.csv', `${header}${all.flatMap(([rows]) => rows).join('\n')}\n`)
        expect(arraysOf(await readRatings(folder(), { duplicates }))).toEqual(
          arraysOf(await readRatings(whole, { duplicates })),
        )
      }),
      { seed: 1, numRuns: 60 },
    )
  })

  it('of text may have its header in the first part alone, where the rest is in the usual order', async () => {
    await part('a.csv', 'user,item,rating\n1,2,3\n')
    await part('b.csv', '4,5,1\n')
    expect((await readRatings(folder())).length).toBe(2)
    await part('a.csv', 'item,user,rating\n1,2,3\n')
    const error = await inputError(readRatings(folder()))
    expect(error.file).toBe(scratch.path('data/b.csv'))
    expect(error.message).toContain('user 1, item 2, rating 3')
  })

  it('counts the bad rows of all parts', async () => {
    await part('a.csv', 'user,item,rating\n1,2,3\n1,2\n')
    await part('b.csv', 'user,item,rating\n1,x,3\n1,4,nan\n')
    const { skipped, firstSkipped } = await readRatingsReport(folder(), { onBadRow: 'skip' })
    expect({ skipped, file: firstSkipped?.file, line: firstSkipped?.line }).toEqual({
      skipped: 2,
      file: scratch.path('data/a.csv'),
      line: 3,
    })
    const error = await inputError(readRatings(folder()))
    expect(error).toMatchObject({ file: scratch.path('data/a.csv'), line: 3 })
  })

  it.each([
    { name: 'another type', query: "select 'x' as user, 2 as item, 3.0 as rating", says: /"user" of type VARCHAR/ },
    { name: 'another column', query: '1 as user, 2 as item, 3.0 as rating, 4 as extra', says: /"extra" of type INT/ },
    { name: 'another order', query: '2 as item, 1 as user, 3.0 as rating', says: /columns "item"/ },
  ])('has the same columns in all parts: $name', async ({ query, says }) => {
    await parquetPart('part-0.parquet', 'select 1 as user, 2 as item, 3.0 as rating')
    await parquetPart('part-1.parquet', query.startsWith('select') ? query : `select ${query}`)
    const error = await inputError(readRatings(folder()))
    expect(error.file).toBe(scratch.path('data/part-1.parquet'))
    expect(error.message).toMatch(says)
    expect(error.message).toContain('part-0.parquet holds columns "user" of type INTEGER')
  })

  it.each([
    { name: 'nothing', make: async () => {}, says: /is a directory without parts of ratings/ },
    { name: 'hidden files alone', make: () => part('_SUCCESS', ''), says: /is a directory without parts/ },
    { name: 'empty parts alone', make: () => part('part-0.csv', ''), says: /no part holds a rating/ },
    { name: 'a folder', make: () => mkdir(scratch.path('data/year=2020')), says: /year=2020: is a folder among/ },
    { name: 'a link', make: () => symlink('a.csv', scratch.path('data/b.csv')), says: /b.csv: is a symbolic link/ },
    {
      name: 'text of another kind',
      make: async () => {
        await part('README.md', '# Read me\n')
        await part('a.csv', '1,2,3\n')
      },
      says: /a.csv: the part holds 3 fields separated by a comma .*but .*README.md holds 3 fields separated by a space/,
    },
    {
      name: 'Parquet beside text',
      says: /part.parquet: the part holds columns/,
      make: async () => {
        await part('a.csv', '1,2,3\n')
        await parquetPart('part.parquet', 'select 1 as user, 2 as item, 3 as rating')
      },
    },
    {
      name: 'times in one part alone',
      says: /b.csv: the part holds 4 fields/,
      make: async () => {
        await part('a.csv', '1,2,3\n')
        await part('b.csv', '1,2,3,4\n')
      },
    },
  ])('with $name is refused', async ({ make, says }) => {
    await make()
    const error = await inputError(readRatings(folder()))
    expect(error.message).toMatch(says)
  })

  it('takes no packed file for a part', async () => {
    const whole = await scratch.file('whole.csv', '1,2,3\n')
    await writePacked(scratch.path('data/a.lrp'), await readRatings(whole))
    expect((await inputError(readRatings(folder()))).message).toMatch(/packed ratings are a set by themselves/)
  })
})

describe('a glob', () => {
  it('names the parts in its folder', async () => {
    await part('part-1.csv', '1,2,3\n')
    await part('part-2.csv', '4,5,6\n')
    await part('notes.txt', 'no ratings')
    await part('.part-3.csv', 'hidden')
    for (const glob of ['part-*.csv', 'part-[12].csv', 'part-?.csv', '*.csv']) {
      expect((await readRatings(scratch.path(`data/${glob}`))).length).toBe(2)
    }
    expect((await readRatings(scratch.path('data/part-[!1].csv'))).length).toBe(1)
    expect((await inputError(readRatings(scratch.path('data/*.parquet')))).message).toMatch(/no name .* fits the glob/)
    expect((await inputError(readRatings(scratch.path('none/*.csv')))).message).toMatch(/no such folder/)
    expect((await inputError(readRatings(scratch.path('*/part-1.csv')))).message).toMatch(/no such file/)
  })

  it('is a name where there is such a file', async () => {
    await part('*.csv', '1,2,3\n')
    await part('b.csv', '4,5,6\n')
    expect(rowsOf(await readRatings(scratch.path('data/*.csv')))).toEqual([[1, 2, 3]])
  })

  it('reads nothing from outside of its folder', async () => {
    const secret = await scratch.file('secret.csv', '9,9,9\n')
    const name = fc.constantFrom('a.csv', 'b.csv', '..csv', 'c', '[x]', '%2e%2e', 'a b.csv')
    const kind = fc.constantFrom('file', 'link', 'folder', 'relative')
    const glob = fc.constantFrom('', '*', '*.csv', '..*', '[.]*', '?', '[a-z]*', '.*', '*/../../secret.csv')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, kind), { maxLength: 4 }), glob, async (entries, pattern) => {
        await rm(folder(), { recursive: true })
        await mkdir(folder())
        for (const [entry, what] of new Map(entries)) {
          const path = scratch.path(`data/${entry}`)
          if (what === 'file') await copyFile(await scratch.file('own.csv', '1,2,3\n'), path)
          else if (what === 'folder') await mkdir(path)
          else await symlink(what === 'link' ? secret : '../secret.csv', path)
        }
        try {
          const ratings = await readRatings(`${folder()}/${pattern}`)
          expect([...ratings.userIds.values]).toEqual([1])
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      }),
      { seed: 2, numRuns: 200 },
    )
    expect(await readFile(secret, 'utf8')).toBe('9,9,9\n')
  })
})

describe('fitsGlob', () => {
  it('agrees with the regular expression of the same meaning', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 8 })
    const token = fc.constantFrom(
      ...([
        ['*', '.*'],
        ['?', '.'],
        ['[ab]', '[ab]'],
        ['[!a]', '[^a]'],
        ['[a-b]', '[a-b]'],
        ['a', 'a'],
        ['.', '\\.'],
      ] as const),
    )
    fc.assert(
      fc.property(letters, fc.array(token, { maxLength: 6 }), (name, tokens) => {
        fc.pre(!name.startsWith('.'))
        const glob = tokens.map(([text]) => text).join('')
        const expected = new RegExp(`^${tokens.map(([, expression]) => expression).join('')}$`)
        expect(fitsGlob(name, glob)).toBe(expected.test(name))
      }),
      { seed: 3, numRuns: 3000 },
    )
  })

  it('takes no longer for many stars', () => {
    expect(fitsGlob('a'.repeat(250), `${'*a'.repeat(120)}*b`)).toBe(false)
  })

  it('leaves out hidden names unless they are spelled out', () => {
    expect([fitsGlob('.a', '*'), fitsGlob('_a', '*'), fitsGlob('.a', '.*'), fitsGlob('_a', '_?')]).toEqual([
      false,
      false,
      true,
      true,
    ])
  })
})

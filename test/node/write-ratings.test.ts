import { mkdir, readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { InputError, OptionError, OutputError } from '../../src/errors.ts'
import { readRatings } from '../../src/node/read-ratings.ts'
import { type WriteOptions, writeRatings } from '../../src/node/write-ratings.ts'
import { arraysOf, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const small = Ratings.from([3, 1, 3], ['x', 'y "z", w', ' '], [4, 0.1, -2.5], [10, 20.5, -1])
const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => undefined).catch((error: unknown) => error)

describe('writeRatings', () => {
  it('writes csv under a header, with quotes where they are needed', async () => {
    await writeRatings(scratch.path('small.csv'), small)
    expect(await readFile(scratch.path('small.csv'), 'utf8')).toBe(
      'user,item,rating,timestamp\n3,x,4,10\n1,"y ""z"", w",0.1,20.5\n3," ",-2.5,-1\n',
    )
  })

  it.each(['small.csv', 'small.tsv', 'small.csv.gz', 'small.tsv.gz', 'small.parquet', "quote's [*].parquet"])(
    'writes what reads the same: %s',
    async name => {
      await writeRatings(scratch.path(name), small)
      expect(arraysOf(await readRatings(scratch.path(name)))).toEqual(arraysOf(small))
    },
  )

  it('takes the format from the options before the name', async () => {
    await writeRatings(scratch.path('named.csv'), small, { format: 'parquet' })
    expect((await readFile(scratch.path('named.csv'), 'latin1')).slice(0, 4)).toBe('PAR1')
  })

  it('writes ratings that read as the same arrays', async () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 12 })
      .filter(id => !/[\0\r\n]|\p{Surrogate}/u.test(id))
    const ids = fc.oneof(
      fc.array(
        fc.maxSafeInteger().map(id => id + 0),
        { minLength: 40, maxLength: 40 },
      ),
      fc.array(text, { minLength: 40, maxLength: 40 }),
    )
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true })
    const time = fc.double({ noNaN: true, noDefaultInfinity: true })
    const cells = fc.uniqueArray(fc.tuple(fc.nat(39), fc.nat(39)), {
      minLength: 1,
      maxLength: 60,
      selector: ([user, item]) => user * 40 + item,
    })
    const distinct = (list: readonly (string | number)[]) => [...new Set<string | number>(list)]
    await fc.assert(
      fc.asyncProperty(
        ids.map(distinct),
        ids.map(distinct),
        cells,
        fc.array(fc.tuple(finite, time), { minLength: 60, maxLength: 60 }),
        fc.boolean(),
        fc.constantFrom('csv', 'tsv', 'parquet', 'csv.gz'),
        async (users, items, allCells, numbers, timed, extension) => {
          const kept = allCells.filter(([user, item]) => user < users.length && item < items.length)
          fc.pre(kept.length > 0)
          const ratings = Ratings.from(
            kept.map(([user]) => users[user]!),
            kept.map(([, item]) => items[item]!),
            kept.map((_, e) => numbers[e]![0]),
            timed ? kept.map((_, e) => numbers[e]![1]) : undefined,
          )
          const path = scratch.path(`any.${extension}`)
          await writeRatings(path, ratings)
          const read = await readRatings(path)
          const texts = extension === 'parquet' ? arraysOf(ratings) : withNumericText(ratings)
          expect(arraysOf(read)).toEqual(texts)
        },
      ),
      { seed: 9, numRuns: 60 },
    )
  })

  it('refuses what it cannot write', async () => {
    const cases: [Ratings, string, RegExp][] = [
      [Ratings.from(['a\nb'], [1], [1]), 'x.csv', /line break/],
      [Ratings.from([1], [''], [1]), 'x.parquet', /empty item id/],
      [Ratings.from(['\ud800'], [1], [1]), 'x.parquet', /surrogate/],
      [Ratings.from([1], [1], [1], [Number.NaN]), 'x.csv', /time of entry 0 is NaN/],
      [small.alignTo(new IdTable(Float64Array.of(3)), small.itemIds), 'x.csv', /entry 1 is of an unknown user/],
    ]
    expect(cases[4]![0].users[1]).toBe(UNKNOWN)
    for (const [ratings, name, says] of cases) {
      const error = await outcome(writeRatings(scratch.path(name), ratings))
      expect(error).toBeInstanceOf(InputError)
      expect(String(error)).toMatch(says)
    }
    expect(
      await outcome(writeRatings(scratch.path('x'), small, { format: 'xls' } as unknown as WriteOptions)),
    ).toBeInstanceOf(OptionError)
    expect((await scratch.names()).filter(name => name.startsWith('x') || name.startsWith('.'))).toEqual([])
  })

  it.each(['missing/x.csv', 'missing/x.csv.gz', 'missing/x.parquet', 'folder', 'x.csv.zst'])(
    'cannot write %s',
    async name => {
      await mkdir(scratch.path('folder'), { recursive: true })
      const before = await scratch.names()
      const error = await outcome(writeRatings(scratch.path(name), small))
      expect(error).toBeInstanceOf(OutputError)
      expect(error).toMatchObject({ file: scratch.path(name) })
      expect(await scratch.names()).toEqual(before)
    },
  )
})

/** Text does not tell strings that all look like integers from integers. */
function withNumericText(ratings: Ratings) {
  const numeric = ({ values }: IdTable) =>
    Array.from<string | number>(values).every(
      id => /^(?:0|-?[1-9]\d*)$/.test(String(id)) && Number.isSafeInteger(Number(id)),
    )
  const table = (ids: IdTable) =>
    numeric(ids) ? Float64Array.from(ids.values as ArrayLike<number>, Number) : ids.values
  return { ...arraysOf(ratings), userIds: table(ratings.userIds), itemIds: table(ratings.itemIds) }
}

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InputError, OptionError } from '../../src/errors.ts'
import { parseTime, parseTimeBytes } from '../../src/ingest/fields.ts'
import { readRatings } from '../../src/node/read-ratings.ts'
import { rowsOf, Scratch } from '../node/read-ratings-helpers.ts'
import { writeAndReadBoth } from './both.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const TEXT = '1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n8:\n822109,4,2005-12-31\n30878,2,1999-12-30\n'
const day = (text: string) => Date.parse(text) / 1000

describe('text of the Netflix prize', () => {
  it('is found by its content: movies are items, dates are seconds', async () => {
    for (const options of [{}, { format: 'netflix' as const }]) {
      const { ratings } = await writeAndReadBoth(scratch, TEXT, options)
      expect(rowsOf(ratings!)).toEqual([
        [1488844, 1, 3, day('2005-09-06')],
        [822109, 1, 5, day('2005-05-13')],
        [822109, 8, 4, day('2005-12-31')],
        [30878, 8, 2, day('1999-12-30')],
      ])
    }
  })

  it('may end its lines as on Windows, and go on with a movie again', async () => {
    const { ratings } = await writeAndReadBoth(scratch, '2:\r\n5,1,2000-01-01\r\n\r\n3:\r\n2:\r\n6,1,2000-01-02')
    expect(rowsOf(ratings!)).toEqual([
      [5, 2, 1, day('2000-01-01')],
      [6, 2, 1, day('2000-01-02')],
    ])
    expect([...ratings!.itemIds.values]).toEqual([2])
  })

  it('is read from several files in a folder', async () => {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(scratch.path('prize'))
    await scratch.file('prize/combined_data_1.txt', TEXT)
    await scratch.file('prize/combined_data_2.txt', '9:\n30878,1,2001-01-01\n')
    const ratings = await readRatings(scratch.path('prize'))
    expect([...ratings.itemIds.values]).toEqual([1, 8, 9])
    expect([...ratings.userIds.values]).toEqual([1488844, 822109, 30878])
    expect(ratings.length).toBe(5)
  })

  it.each([
    { bad: '5,6', says: /expected user,rating,date or a line of a movie/ },
    { bad: '5 6 7', says: /expected user,rating,date/ },
    { bad: 'x,3,2005-09-06', says: /expected an integer without leading zeros as user id/ },
    { bad: '-4,3,2005-09-06', says: /expected an integer from 0 as user/ },
    { bad: '5,good,2005-09-06', says: /expected a number as rating, found "good"/ },
    { bad: '5,3,2005-02-30', says: /expected an ISO date/ },
    { bad: '5,3,', says: /expected an ISO date/ },
    { bad: '007:', says: /expected an integer without leading zeros as movie id/ },
    { bad: ':', says: /the movie id is empty/ },
  ])('names the line that is bad, or leaves it out: $bad', async ({ bad, says }) => {
    const { error } = await writeAndReadBoth(scratch, `${TEXT}${bad}\n`)
    expect(error).toBeInstanceOf(InputError)
    expect(error).toMatchObject({ line: 7, text: bad, message: expect.stringMatching(says) })
    const { ratings, read } = await writeAndReadBoth(scratch, `${TEXT}${bad}\n`, { onBadRow: 'skip' })
    expect({ length: ratings?.length, skipped: read?.skipped }).toEqual({ length: 4, skipped: 1 })
  })

  it('gives rows below a bad movie to no other', async () => {
    const text = `${TEXT}x:\n30878,1,2001-01-01\n`
    const { ratings, read } = await writeAndReadBoth(scratch, text, { onBadRow: 'skip' })
    expect({ length: ratings?.length, skipped: read?.skipped }).toEqual({ length: 4, skipped: 2 })
    const orphan = await writeAndReadBoth(scratch, '5,3,2005-09-06\n', { format: 'netflix' })
    expect(orphan.error).toMatchObject({ message: expect.stringMatching(/stands below no line of a movie/) })
  })

  it('has no columns to choose', async () => {
    const { error } = await writeAndReadBoth(scratch, TEXT, { columns: ['1', '2', '3'] })
    expect(error).toBeInstanceOf(OptionError)
  })
})

describe('plain dates', () => {
  it('are the same the short way and the long way', () => {
    const two = fc.nat(40).map(number => String(number).padStart(2, '0'))
    const year = fc.oneof(fc.constantFrom('0000', '0099', '0100', '1969', '2004', 'x004'), fc.nat(9999).map(String))
    fc.assert(
      fc.property(year, two, two, (y, month, date) => {
        const text = `${y.padStart(4, '0')}-${month}-${date}`
        const bytes = new TextEncoder().encode(`,${text},`)
        expect(parseTimeBytes(bytes, 1, 11)).toBe(parseTime(text))
      }),
      { seed: 4, numRuns: 2000 },
    )
  })
})

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { type ReadFormat, readRatingsReport } from '../../src/node/read-ratings.ts'
import { Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

/** Lines of fields that are mostly as they should be, in a file that may be cut anywhere. */
const field = fc.oneof(
  { weight: 8, arbitrary: fc.nat(9).map(String) },
  fc.constantFrom(
    '',
    '-1',
    '0.5',
    '1e400',
    'nan',
    '01',
    '9007199254740993',
    'x',
    '"',
    '%',
    '\0',
    '\r',
    '\u{feff}',
    'é',
  ),
)
const lines = fc
  .array(
    fc
      .tuple(fc.array(field, { maxLength: 6 }), fc.constantFrom(' ', '\t', ',', '::', '  '))
      .map(([fields, between]) => fields.join(between)),
    { maxLength: 12 },
  )
  .map(all => all.join('\n'))
const head = fc.constantFrom(
  '',
  'user,item\n',
  '7:\n1,2,2005-09-06\n',
  '%%MatrixMarket matrix coordinate real general\n9 9 3\n',
  '%%MatrixMarket matrix coordinate pattern general\n% x\n',
)
const formats: ReadFormat[] = ['auto', 'csv', 'tsv', 'dat', 'adjacency', 'mtx', 'libmf', 'netflix']

describe('a file of any lines', () => {
  it('gives ratings that hold together, or an InputError that names the file', async () => {
    const seen = { read: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(
        head,
        lines,
        fc.nat(400),
        fc.constantFrom(...formats),
        fc.constantFrom('error' as const, 'skip' as const),
        async (first, rest, cut, format, onBadRow) => {
          const path = await scratch.file('any', `${first}${rest}`.slice(0, cut))
          try {
            const { ratings, skipped, firstSkipped } = await readRatingsReport(path, { format, onBadRow })
            seen.read++
            expect(ratings.length).toBeGreaterThan(0)
            expect(new Set<unknown>(Array.from<unknown>(ratings.userIds.values)).size).toBe(ratings.userCount)
            expect(new Set<unknown>(Array.from<unknown>(ratings.itemIds.values)).size).toBe(ratings.itemCount)
            expect(skipped > 0).toBe(firstSkipped !== undefined)
            if (onBadRow === 'error') expect(skipped).toBe(0)
          } catch (error) {
            if (!(error instanceof InputError)) throw error
            seen.refused++
            expect(error.file).toBe(path)
          }
        },
      ),
      { seed: 6, numRuns: 1500 },
    )
    expect(seen.read).toBeGreaterThan(150)
    expect(seen.refused).toBeGreaterThan(200)
  })
})

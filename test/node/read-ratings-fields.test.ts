import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { integerKind, parseNumberBytes, parseTime, splitQuoted } from '../../src/ingest/fields.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const parse = (text: string) => parseNumberBytes(bytesOf(`<${text}>`), 1, bytesOf(text).length + 1)

describe('parseNumberBytes', () => {
  it('gives the number that was printed', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
        expect(parse(Object.is(value, -0) ? '-0' : String(value))).toBe(value)
      }),
      { seed: 3, numRuns: 2000 },
    )
  })

  it('rounds decimal notation as the language does', () => {
    const decimal = fc.tuple(fc.maxSafeNat(), fc.nat(14), fc.boolean()).map(([digits, places, minus]) => {
      const text = String(digits).padStart(places + 1, '0')
      return `${minus ? '-' : ''}${text.slice(0, text.length - places)}.${text.slice(text.length - places)}`
    })
    fc.assert(
      fc.property(decimal, text => {
        expect(parse(text)).toBe(Number(text))
      }),
      { seed: 4, numRuns: 2000 },
    )
  })

  it.each(['', '-', '.', '-.', '1.2.3', '1-2', '--1', '1e', 'e1', '0x10', '1_0', 'nan', 'Infinity', '1 2', '١', '1,5'])(
    'gives NaN for %j',
    text => expect(parse(text)).toBeNaN(),
  )
})

describe('parseTime', () => {
  it('reads what Date prints', () => {
    const date = fc.date({ min: new Date(-1e13), max: new Date(1e14), noInvalidDate: true })
    fc.assert(
      fc.property(date, value => {
        expect(parseTime(value.toISOString())).toBeCloseTo(value.getTime() / 1000, 3)
      }),
      { seed: 5, numRuns: 1000 },
    )
  })

  it.each([
    '',
    'now',
    '2020-13-01',
    '2020-00-10',
    '2020-02-30',
    '2020-01-01 25:00',
    '2020-01-01T10:61',
    '20-01-01',
    '2020/01/01',
  ])('gives NaN for %j', text => expect(parseTime(text)).toBeNaN())
})

describe('integerKind', () => {
  it('takes exactly what String prints of safe integers', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), value => {
        expect(integerKind(String(value === 0 ? 0 : value))).toBe('safe')
      }),
      { seed: 6 },
    )
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }), value => {
        expect(integerKind(String(value))).toBe('unsafe')
      }),
      { seed: 7 },
    )
    for (const text of ['', '-', '00', '01', '-0', '+1', '1.0', ' 1', '1e3', 'x'])
      expect(integerKind(text)).toBe('none')
  })
})

describe('splitQuoted', () => {
  it('gives back the fields that were quoted', () => {
    const field = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'é', '"', ',', ':', ' ', '\t', '1') })
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(',', '::', '\t'),
        (texts, delimiter) => {
          const line = texts.map(text => `"${text.replaceAll('"', '""')}"`).join(delimiter)
          const fields = splitQuoted(bytesOf(line), bytesOf(delimiter), texts.length)
          expect(fields?.count).toBe(texts.length)
          const found = texts.map((_, k) =>
            new TextDecoder().decode(fields?.bytes.subarray(fields.starts[k], fields.ends[k])),
          )
          expect(found).toEqual(texts)
        },
      ),
      { seed: 8, numRuns: 1000 },
    )
  })
})

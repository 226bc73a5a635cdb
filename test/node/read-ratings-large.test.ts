import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { IdColumn } from '../../src/ingest/id-column.ts'
import { readRatings } from '../../src/node/read-ratings.ts'
import { writeRatings } from '../../src/node/write-ratings.ts'
import { digestsOf, rawZstd, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const LENGTH = 300_000
const random = new Random(1)
const users = Array.from({ length: LENGTH }, () => random.below(40_000))
// The position makes every pair of user and item distinct.
const items = users.map((_, e) => 1_000_000 + e - (e % 3))
const values = users.map(() => random.below(10) / 2)
const times = users.map(() => 1_000_000_000 + random.below(1_000_000))
const distinct = [...users.keys()].filter(e => e % 3 === 0 || users[e] !== users[e - 1])

describe('300,000 rows, more than any block or vector holds', () => {
  const pick = (column: readonly number[]) => distinct.map(e => column[e]!)
  const columns = [pick(users), pick(items), pick(values), pick(times)] as const
  const seen = new Set<string>()
  const unique = columns[0].map((user, e) => {
    const key = `${user} ${columns[1][e]}`
    const first = !seen.has(key)
    seen.add(key)
    return first
  })
  const [u, i, v, t] = columns.map(column => column.filter((_, e) => unique[e])) as [
    number[],
    number[],
    number[],
    number[],
  ]
  const integers = Ratings.from(u, i, v, t)
  const strings = Ratings.from(
    u.map(id => `user ${id}`),
    i.map(id => `a long item name ${id}`),
    v,
    t,
  )
  const lines = (prefix: string, long: string) =>
    u.map((user, e) => `${prefix}${user},${long}${i[e]},${v[e]},${t[e]}\n`).join('')

  it.each([
    { name: 'integers.csv', expected: integers, write: () => lines('', '') },
    { name: 'integers.gz', expected: integers, write: () => gzipSync(lines('', ''), { level: 1 }) },
    { name: 'strings.csv', expected: strings, write: () => lines('user ', 'a long item name ') },
    { name: 'strings.zst', expected: strings, write: () => rawZstd(lines('user ', 'a long item name ')) },
  ])('are in order, and the same twice: $name', async ({ name, expected, write }) => {
    const path = await scratch.file(name, write())
    expect(digestsOf(await readRatings(path))).toEqual(digestsOf(expected))
    expect(digestsOf(await readRatings(path))).toEqual(digestsOf(expected))
  })

  it.each([
    { name: 'integers.parquet', expected: integers },
    { name: 'strings.parquet', expected: strings },
  ])('are in order, and the same twice: $name', async ({ name, expected }) => {
    await writeRatings(scratch.path(name), expected)
    expect(digestsOf(await readRatings(scratch.path(name)))).toEqual(digestsOf(expected))
    expect(digestsOf(await readRatings(scratch.path(name)))).toEqual(digestsOf(expected))
  })

  it('report their progress to the end', async () => {
    const path = await scratch.file('progress.csv', lines('', ''))
    const seenBytes: number[] = []
    let size = 0
    await readRatings(path, {
      onProgress(bytes, total) {
        seenBytes.push(bytes)
        size = total
      },
    })
    expect(seenBytes.length).toBeGreaterThan(2)
    expect(seenBytes).toEqual(seenBytes.toSorted((a, b) => a - b))
    expect(seenBytes.at(-1)).toBe(size)
  })
})

describe('IdColumn', () => {
  it('numbers ids as a map of strings does', () => {
    const id = fc.oneof(fc.nat(50).map(String), fc.string({ minLength: 1, maxLength: 40 }))
    fc.assert(
      fc.property(fc.array(id, { maxLength: 3000, size: 'max' }), ids => {
        const column = new IdColumn()
        const known = new Map<string, number>()
        for (const [line, text] of ids.entries()) {
          const bytes = new TextEncoder().encode(`<${text}>`)
          const expected = known.get(text) ?? -1
          expect(column.find(bytes, 1, bytes.length - 1)).toBe(expected)
          if (expected >= 0) continue
          known.set(text, known.size)
          expect(column.add(bytes.subarray(1, -1), line)).toBe(known.size - 1)
          expect(column.lineOf(known.size - 1)).toBe(line)
        }
        const texts = Array.from({ length: column.size }, (_, k) =>
          new TextDecoder('utf-8', { ignoreBOM: true }).decode(column.bytesAt(k)),
        )
        expect(texts).toEqual([...known.keys()])
      }),
      { seed: 2, numRuns: 30 },
    )
  })
})

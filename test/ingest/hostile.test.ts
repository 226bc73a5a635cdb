import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { parseRatings } from '../../src/ingest/parse-ratings.ts'
import { Xxh64 } from '../../src/ingest/xxh64.ts'
import { inputError, rawZstd, runSql, Scratch } from '../node/read-ratings-helpers.ts'
import { writeAndReadBoth } from './both.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const blobOf = (bytes: Uint8Array) => new Blob([new Uint8Array(bytes)])
const LINES = Array.from({ length: 300 }, (_, k) => `${k % 17},${k},${(k % 9) / 2}\n`).join('')

/** A varint of Thrift's compact protocol, and one of a signed number. */
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
const zigzag = (value: number) => varint(2 * value)

/** Parquet whose metadata are these bytes, and whose data are those. */
function parquet(metadata: readonly number[], data: readonly number[] = []): Uint8Array {
  const magic = [...'PAR1'].map(character => character.charCodeAt(0))
  const length = [0, 8, 16, 24].map(shift => (metadata.length >>> shift) & 255)
  return Uint8Array.from([...magic, ...data, ...metadata, ...length, ...magic])
}

const text = (name: string) => [name.length, ...[...name].map(character => character.charCodeAt(0))]

/** Parquet with columns `user` and `item` of 32-bit integers, which share one chunk that is this page. */
function onePage(rows: number, page: readonly number[]): Uint8Array {
  const leaf = (name: string) => [0x15, ...zigzag(1), 0x25, ...zigzag(0), 0x18, ...text(name), 0]
  const schema = [0x48, ...text('root'), 0x15, ...zigzag(2), 0, ...leaf('user'), ...leaf('item')]
  const chunk = (name: string) => [
    ...[0x26, ...zigzag(4), 0x1c, 0x15, ...zigzag(1), 0x19, 0x15, ...zigzag(0), 0x19, 0x18, ...text(name)],
    ...[0x15, ...zigzag(0), 0x16, ...zigzag(rows), 0x16, ...zigzag(page.length), 0x16, ...zigzag(page.length)],
    ...[0x26, ...zigzag(4), 0, 0],
  ]
  const group = [0x19, 0x2c, ...chunk('user'), ...chunk('item'), 0x16, ...zigzag(page.length), 0x16, ...zigzag(rows), 0]
  return parquet([0x15, 2, 0x19, 0x3c, ...schema, 0x16, ...zigzag(rows), 0x19, 0x1c, ...group, 0], page)
}

/** A data page in the first version, uncompressed. */
const dataPage = (count: number, size: number, encoding: number, values: readonly number[]) => [
  ...[0x15, ...zigzag(0), 0x15, ...zigzag(size), 0x15, ...zigzag(values.length)],
  ...[0x2c, 0x15, ...zigzag(count), 0x15, ...zigzag(encoding), 0x15, ...zigzag(3), 0x15, ...zigzag(3), 0, 0],
  ...values,
]

describe('Parquet headers that promise too much', () => {
  const eight = [1, 0, 0, 0, 2, 0, 0, 0]

  it('are of the kind that is read where they do not', async () => {
    const { ratings } = await parseRatings(blobOf(onePage(2, dataPage(2, 8, 0, eight))))
    expect([...ratings.userIds.values, ...ratings.itemIds.values]).toEqual([1, 2, 1, 2])
  })

  it.each([
    { name: 'a list of 2^31 elements', bytes: parquet([0x15, 2, 0x19, 0xfc, ...varint(2 ** 31), 0]) },
    { name: 'lists in lists', bytes: parquet([0x15, 2, 0x19, ...Array<number>(10_000).fill(0x19), 0]) },
    { name: 'structs in structs', bytes: parquet([...Array<number>(10_000).fill(0x1c), 0]) },
    { name: 'text of 2^40 bytes', bytes: parquet([0x18, ...varint(2 ** 40), 0]) },
    { name: 'a number that does not end', bytes: parquet([0x16, ...Array<number>(10_000).fill(0x80), 0, 0]) },
    { name: 'more metadata than the file', bytes: Uint8Array.from([...parquet([0]).fill(255, 5, 9)]) },
    { name: 'more values than rows', bytes: onePage(2, dataPage(2 ** 30, 8, 0, eight)) },
    { name: 'more values than bytes', bytes: onePage(2 ** 20, dataPage(2 ** 20, 8, 0, eight)) },
    { name: 'a page of 2^30 bytes', bytes: onePage(2, dataPage(2, 2 ** 30, 0, eight)) },
    { name: 'deltas in blocks of 2^31', bytes: onePage(2, dataPage(2, 8, 5, [255, 255, 255, 255, 7, 128, 1, 2])) },
    { name: 'indices without a dictionary', bytes: onePage(2, dataPage(2, 8, 8, eight)) },
    { name: 'fewer values than rows', bytes: onePage(9, dataPage(2, 8, 0, eight)) },
    { name: 'no page at all', bytes: onePage(9, []) },
  ])('are refused: $name', async ({ bytes }) => {
    const error = await inputError(parseRatings(blobOf(bytes), { name: 'x' }))
    expect(error.message).toBe('x: the file is no valid Parquet, or is damaged')
  })

  it('are refused with their numbers: rows', async () => {
    const error = await inputError(parseRatings(blobOf(onePage(2 ** 40, dataPage(2, 8, 0, eight)))))
    expect(error.message).toMatch(/promises 1099511627776 rows in \d+ bytes; expected at most 1024 for each byte/)
  })
})

describe('bytes that are changed or cut anywhere', () => {
  const sources = {
    gzip: async () => new Uint8Array(gzipSync(LINES)),
    zstd: async () => {
      const path = scratch.path('hostile.zst')
      await runSql(
        `copy (select k % 17, k, (k % 9) / 2 from range(300) t(k)) to '${path}' (format csv, compression zstd)`,
      )
      return new Uint8Array(await readFile(path))
    },
    ...Object.fromEntries(
      ['uncompressed', 'snappy', 'gzip', 'zstd'].flatMap(codec =>
        ['V1', 'V2'].map(version => [
          `Parquet, ${codec}, ${version}`,
          async () => {
            const path = scratch.path('hostile.parquet')
            const rows = `select k % 17 as user, 'i' || k as item, (k % 9) / 2 as rating from range(300) t(k)`
            await runSql(
              `copy (${rows}) to '${path}' (format parquet, compression ${codec}, parquet_version '${version}')`,
            )
            return new Uint8Array(await readFile(path))
          },
        ]),
      ),
    ),
  }

  it.each(Object.entries(sources))('give ratings or an InputError: %s', async (_, source) => {
    const whole = await source()
    const seen = { read: 0, refused: 0 }
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.option(fc.nat(whole.length), { freq: 4 }),
        async (changes, cut) => {
          const bytes = whole.slice(0, cut ?? whole.length)
          for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte
          try {
            const { ratings } = await parseRatings(blobOf(bytes), { onBadRow: 'skip', name: 'x' })
            seen.read++
            expect(ratings.length).toBeGreaterThan(0)
          } catch (error) {
            if (!(error instanceof InputError)) throw error
            seen.refused++
            expect(error.file).toBe('x')
          }
        },
      ),
      { seed: 3, numRuns: 400 },
    )
    expect(seen.refused).toBeGreaterThan(50)
  })
})

describe('gzip is the same by path and by bytes', () => {
  const [a, b, none] = [gzipSync(LINES), gzipSync('1001,2,3\n1002,4,5\n'), gzipSync('')]
  const header = [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]

  it.each([
    { name: 'members', parts: [a, none, b, none] },
    { name: 'thousands of empty members', parts: [...Array<Buffer>(3000).fill(none), a] },
    { name: 'stored blocks', parts: [gzipSync(LINES, { level: 0 }), b] },
    { name: 'names', parts: [b, Buffer.from(header), Buffer.alloc(60_000, 'n'), Buffer.alloc(1), a.subarray(10)] },
    ...[1, 3, 4, 5, 12, 13, 70_000].map(count => ({ name: `${count} zeros`, parts: [a, Buffer.alloc(count)] })),
  ])('with $name', async ({ parts }) => {
    expect('ratings' in (await writeAndReadBoth(scratch, Buffer.concat(parts)))).toBe(true)
  })

  it.each(['xyz', 'hello, world', 'x\0\0\0\0', '\x1f\x8b', '\x1f\x8b\x08\0', '\x1fx'])(
    'with %j behind its end',
    async junk => {
      const bytes = Buffer.concat([a, Buffer.from(junk, 'latin1')])
      expect((await writeAndReadBoth(scratch, bytes)).refused!.message).toMatch(/gzip data/)
    },
  )

  it('cut anywhere', async () => {
    const two = Buffer.concat([a, b])
    for (let end = 2; end < two.length; end += 7) {
      if (end === a.length) continue
      expect((await writeAndReadBoth(scratch, two.subarray(0, end))).refused!.message).toMatch(
        /gzip data ends too early/,
      )
    }
  })

  it('with sums that do not agree', async () => {
    for (let back = 1; back <= 8; back++) {
      const bytes = Buffer.from(a)
      bytes[bytes.length - back]! ^= 0x10
      expect((await writeAndReadBoth(scratch, bytes)).refused!.message).toMatch(/gzip data is damaged/)
    }
  })
})

describe('Zstandard data', () => {
  const frame = rawZstd(LINES)
  const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5)

  it.each([
    { name: 'frames to skip', bytes: Buffer.concat([skippable, frame, skippable]) },
    { name: 'thousands of frames', bytes: Buffer.concat([...Array<Uint8Array>(5000).fill(skippable), frame]) },
    { name: 'tiny frames', bytes: Buffer.concat(LINES.split(/(?<=\n)/).map(rawZstd)) },
  ])('with $name is the same by path and by bytes', async ({ bytes }) => {
    expect('ratings' in (await writeAndReadBoth(scratch, bytes))).toBe(true)
  })

  it('cut anywhere or with junk behind its end is the same by path and by bytes', async () => {
    const two = Buffer.concat([frame, skippable, rawZstd('1001,2,3\n')])
    for (let end = 4; end < two.length - 1; end += 13) {
      if (end !== frame.length) expect('ratings' in (await writeAndReadBoth(scratch, two.subarray(0, end)))).toBe(false)
    }
    expect('ratings' in (await writeAndReadBoth(scratch, Buffer.concat([frame, Buffer.from('hello, world')])))).toBe(
      false,
    )
  })

  it('with a check sum is compared with it', async () => {
    const sum = (value: number) => {
      const bytes = Buffer.concat([rawZstd('1,2,3\n4,5,6\n'), Buffer.alloc(4)])
      bytes[4]! |= 4
      bytes.writeUInt32LE(value, bytes.length - 4)
      return bytes
    }
    const hash = new Xxh64()
    hash.update(Buffer.from('1,2,3\n4,5,6\n'))
    const right = Number(hash.digest() & 0xffffffffn)
    expect('ratings' in (await writeAndReadBoth(scratch, sum(right)))).toBe(true)
    expect((await writeAndReadBoth(scratch, sum(right ^ 1))).refused!.message).toMatch(/Zstandard data is damaged/)
  })

  it.each([
    { name: 'a window of 2 GiB', bytes: [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0] },
    { name: 'a dictionary', bytes: [0x28, 0xb5, 0x2f, 0xfd, 1, 0, 7, 1, 0, 0] },
    { name: 'a block of 2 MiB', bytes: [0x28, 0xb5, 0x2f, 0xfd, 0, 88, 0xfb, 0xff, 0xff, 65] },
    { name: 'another size than it says', bytes: [0x28, 0xb5, 0x2f, 0xfd, 0x20, 9, 0x19, 0, 0, 49, 44, 50] },
  ])('that asks for $name is refused', async ({ bytes }) => {
    const error = await inputError(parseRatings(blobOf(Uint8Array.from(bytes)), { name: 'x' }))
    expect(error.message).toBe('x: the Zstandard data is damaged')
  })
})

describe('a blob', () => {
  it('names the file by the option, its own name, or neither', async () => {
    expect((await inputError(parseRatings(new File([], 'own.csv'), { name: 'given' }))).file).toBe('given')
    expect((await inputError(parseRatings(new File([], 'own.csv')))).file).toBe('own.csv')
    expect((await inputError(parseRatings(new Blob([])))).file).toBe('ratings')
  })

  it('that cannot be read gives an InputError', async () => {
    const broken = { size: 100, slice: () => broken, arrayBuffer: () => Promise.reject(new Error('gone')) }
    expect((await inputError(parseRatings(broken))).message).toBe('ratings: the file cannot be read')
    const short = { size: 100, slice: () => short, arrayBuffer: async () => new ArrayBuffer(3) }
    expect((await inputError(parseRatings(short))).message).toBe('ratings: the file ends before its size')
  })
})

import { readFile } from 'node:fs/promises'
import { gzipSync, crc32 as nodeCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { InputError, OptionError } from '../../src/errors.ts'
import { crc32 } from '../../src/ingest/crc32.ts'
import { encodePacked } from '../../src/ingest/packed/encode-packed.ts'
import { encodeHeader, HEADER_BYTES, type PackedHeader } from '../../src/ingest/packed/header.ts'
import { parseRatings } from '../../src/ingest/parse-ratings.ts'
import { sumOf } from '../../src/node/ingest/packed.ts'
import { readRatings, readRatingsReport } from '../../src/node/read-ratings.ts'
import { writeMerged, writePacked } from '../../src/node/write-packed.ts'
import { arraysOf, inputError, Scratch } from '../node/read-ratings-helpers.ts'
import { readBoth } from './both.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const bytesOf = (ratings: Ratings) => new Uint8Array(Buffer.concat([...encodePacked(ratings, 'last', crc32)]))
const parse = (bytes: Uint8Array) => parseRatings(new Blob([new Uint8Array(bytes)]), { name: 'any.lrp' })

const integers = fc.uniqueArray(fc.maxSafeInteger(), { minLength: 1, maxLength: 6 }).map(ids => Float64Array.from(ids))
const texts = fc.uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 6 })
const tables = fc.oneof(integers, texts).map(ids => new IdTable(ids))

/** Ratings of any ids, each pair of user and item once. */
const anyRatings: fc.Arbitrary<Ratings> = fc
  .record({ userIds: tables, itemIds: tables, timed: fc.boolean() })
  .chain(({ userIds, itemIds, timed }) => {
    const cells = Array.from({ length: userIds.size * itemIds.size }, (_, cell) => cell)
    const entry = fc.tuple(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.double({ noNaN: true }))
    return fc.tuple(fc.shuffledSubarray(cells), fc.array(entry, { minLength: 36, maxLength: 36 })).map(
      ([chosen, numbers]) =>
        new Ratings({
          users: Uint32Array.from(chosen, cell => Math.floor(cell / itemIds.size)),
          items: Uint32Array.from(chosen, cell => cell % itemIds.size),
          values: Float32Array.from(chosen, (_, e) => numbers[e]![0]),
          times: timed ? Float64Array.from(chosen, (_, e) => numbers[e]![1]) : undefined,
          userIds,
          itemIds,
        }),
    )
  })

describe('packed ratings', () => {
  it('come back bit by bit, by path and as a blob', async () => {
    await fc.assert(
      fc.asyncProperty(anyRatings, async ratings => {
        const path = scratch.path('any.lrp')
        const size = await writePacked(path, ratings)
        const bytes = await readFile(path)
        expect(bytes.length).toBe(size)
        expect(arraysOf(await readRatings(path))).toEqual(arraysOf(ratings))
        expect(arraysOf((await parse(bytes)).ratings)).toEqual(arraysOf(ratings))
        expect(bytesOf(await readRatings(path))).toEqual(new Uint8Array(bytes))
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it.each([
    { name: 'integers.csv', text: '7,1,2.5\n8,1,3\n7,2,1\n7,1,4\n' },
    { name: 'timed.tsv', text: 'ann\tx\t1\t5\nbob\ty\t2\t4\nann\tx\t3\t4\n' },
    { name: 'adjacency.txt', text: '1 2 3 4 5\n2 3\n9 1 2 3 4 5 6\n5\n' },
    { name: 'matrix.mtx', text: '%%MatrixMarket matrix coordinate real general\n3 4 2\n1 1 5\n3 2 1\n' },
    { name: 'netflix.txt', text: '8:\n5,3,2005-09-06\n6,4,2005-09-07\n9:\n5,1,2004-02-29\n' },
  ])('are those of their file: $name', async ({ name, text }) => {
    const path = await scratch.file(name, text)
    const ratings = await readRatings(path)
    await writePacked(scratch.path('packed.lrp'), ratings)
    const { read } = await readBoth(scratch.path('packed.lrp'))
    expect(read?.arrays).toEqual(arraysOf(ratings))
  })

  it('longer than a piece come back', async () => {
    const length = 2_500_000
    const columns = {
      users: Uint32Array.from({ length }, (_, e) => e % 5),
      items: Uint32Array.from({ length }, (_, e) => Math.floor(e / 5)),
      values: Float32Array.from({ length }, (_, e) => e % 7),
      userIds: IdTable.range(5),
      itemIds: IdTable.range(500_000),
    }
    const path = scratch.path('long.lrp')
    const progress: number[] = []
    await writePacked(path, new Ratings(columns))
    const read = await readRatings(path, { onProgress: bytes => progress.push(bytes) })
    expect(Buffer.compare(Buffer.from(read.items.buffer), Buffer.from(columns.items.buffer))).toBe(0)
    expect(Buffer.compare(Buffer.from(read.values.buffer), Buffer.from(columns.values.buffer))).toBe(0)
    expect(progress.length).toBeGreaterThan(9)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    const controller = new AbortController()
    const reason = new Error('enough')
    const reading = readRatings(path, { signal: controller.signal, onProgress: () => controller.abort(reason) })
    await expect(reading).rejects.toBe(reason)
  })

  it('have the check sum of gzip, in Node and in JavaScript', () => {
    expect(sumOf).toBe(nodeCrc32)
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(crc32(b, crc32(a))).toBe(nodeCrc32(b, nodeCrc32(a)))
      }),
      { seed: 2 },
    )
  })

  it('are no parts of one and no text', async () => {
    const bytes = bytesOf(Ratings.from([1], [2], [3]))
    const path = await scratch.file('packed.csv', bytes)
    expect((await readRatings(path, { format: 'packed' })).length).toBe(1)
    expect((await inputError(readRatings(path, { format: 'csv' }))).message).toMatch(/is packed ratings, not csv/)
    const text = await scratch.file('text.lrp', '1,2,3\n')
    expect((await inputError(readRatings(text, { format: 'packed' }))).message).toMatch(/is not packed ratings/)
    const zipped = await scratch.file('zipped.lrp', gzipSync(bytes))
    expect((await inputError(readRatings(zipped))).message).toMatch(/binary/)
  })

  it('are read until the caller has had enough', async () => {
    const path = scratch.path('aborted.lrp')
    await writePacked(path, Ratings.from([1], [2], [3]))
    const reason = new Error('enough')
    await expect(readRatings(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const reading = readRatings(path, { signal: controller.signal, onProgress: () => controller.abort(reason) })
    await expect(reading).rejects.toBe(reason)
    await expect(writeMerged(path, await readRatings(path), 'last', AbortSignal.abort(reason))).rejects.toBe(reason)
    expect((await readRatings(path)).length).toBe(1)
    expect((await scratch.names()).filter(entry => entry.endsWith('.tmp'))).toEqual([])
  })

  it('are not written where a reader would refuse them', async () => {
    const path = await scratch.file('before.lrp', 'what stood there')
    const unknown = new Ratings({
      users: Uint32Array.of(UNKNOWN),
      items: Uint32Array.of(0),
      values: Float32Array.of(1),
      userIds: IdTable.range(1),
      itemIds: IdTable.range(1),
    })
    const bad: [Ratings, RegExp][] = [
      [unknown, /entry 0 is of an unknown user/],
      [Ratings.from(['\ud800'], ['x'], [1]), /half of a surrogate pair/],
    ]
    for (const [ratings, says] of bad) {
      expect((await inputError(writePacked(path, ratings))).message).toMatch(says)
      expect(await readFile(path, 'utf8')).toBe('what stood there')
    }
    expect((await scratch.names()).filter(name => name.endsWith('.tmp'))).toEqual([])
  })
})

describe('duplicates', () => {
  it('are merged before, and the file says how', async () => {
    const twice = Ratings.from([1, 2, 1], [5, 5, 5], [2, 3, 4])
    const path = scratch.path('merged.lrp')
    for (const duplicates of ['last', 'mean', 'sum'] as const) {
      await writePacked(path, twice, { duplicates })
      const report = await readRatingsReport(path)
      expect([...report.ratings.values]).toEqual([{ last: 4, mean: 3, sum: 6 }[duplicates], 3])
      expect(report).toMatchObject({ merged: 0, duplicates })
      expect((await readRatings(path, { duplicates })).length).toBe(2)
      const other = duplicates === 'sum' ? 'mean' : 'sum'
      await expect(readRatings(path, { duplicates: other })).rejects.toThrow(OptionError)
      await expect(readRatings(path, { duplicates: other })).rejects.toThrow(`was packed with ${duplicates}`)
    }
    await expect(writePacked(path, twice, { duplicates: 'error' })).rejects.toThrow('rates item 5 twice')
  })

  it.each([{ columns: ['1', '2', '3'] }, { ids: 'string' as const }, { header: true, format: 'packed' as const }])(
    'and other options that come too late are refused: %j',
    async options => {
      const path = await scratch.file('options.lrp', bytesOf(Ratings.from([1], [2], [3])))
      await expect(readRatings(path, options)).rejects.toThrow(OptionError)
    },
  )
})

describe('packed files that are damaged', () => {
  const sound = bytesOf(Ratings.from(['ann', 'bob', 'ann'], [1, 2, 2], [3, 4, 5], [6, 7, 8]))

  it('are refused whatever bit is flipped', async () => {
    for (let bit = 0; bit < 8 * sound.length; bit++) {
      const bytes = sound.slice()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const error = await inputError(parse(bytes))
      expect({ bit, file: error.file }).toEqual({ bit, file: 'any.lrp' })
    }
  })

  it('are refused wherever they are cut, and with bytes behind their end', async () => {
    for (let length = 0; length < sound.length; length++) await inputError(parse(sound.subarray(0, length)))
    expect((await inputError(parse(sound.subarray(0, 300)))).message).toMatch(/cut off: the header promises \d+ bytes/)
    expect((await inputError(parse(Buffer.concat([sound, sound])))).message).toMatch(/bytes behind their end/)
  })

  it('are refused, or are as they were, after any changes', async () => {
    const change = fc.record({ at: fc.nat(sound.length - 1), put: fc.uint8Array({ maxLength: 24 }), cut: fc.nat(24) })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async changes => {
        let bytes: Uint8Array = sound
        for (const { at, put, cut } of changes) {
          bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)])
        }
        if (Buffer.compare(bytes, sound) === 0) return
        const path = await scratch.file('changed.lrp', bytes)
        expect(await inputError(readRatings(path))).toBeInstanceOf(InputError)
      }),
      { seed: 3, numRuns: 500 },
    )
  })
})

describe('packed headers that lie', () => {
  const columns = { userText: undefined, itemText: undefined, times: false, duplicates: 'last' } as const

  /** A file whose check sums are right whatever it says. */
  function lying(header: Partial<PackedHeader>, sections: readonly ArrayBufferView[]): Uint8Array {
    const pieces = sections.map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
    )
    const sums = pieces.map(piece => crc32(piece))
    const bytes = [encodeHeader({ entries: 1, users: 1, items: 1, ...columns, sums, ...header })]
    let end = HEADER_BYTES
    for (const piece of pieces.filter(({ length }) => length > 0)) {
      const start = Math.ceil(end / 64) * 64
      bytes.push(new Uint8Array(start - end), piece)
      end = start + piece.length
    }
    return Buffer.concat(bytes)
  }
  const none = new Uint8Array(0)
  const one = {
    users: Uint32Array.of(0),
    items: Uint32Array.of(0),
    values: Float32Array.of(3),
    userIds: Float64Array.of(7) as Float64Array | Uint8Array,
    userLengths: none as Uint8Array | Uint32Array,
    itemIds: Float64Array.of(8),
  }
  const file = (header: Partial<PackedHeader>, changed: Partial<typeof one> = {}) => {
    const { users, items, values, userIds, userLengths, itemIds } = { ...one, ...changed }
    return lying(header, [users, items, values, none, userIds, userLengths, itemIds, none])
  }
  const text = (...bytes: number[]) => Uint8Array.from(bytes)

  it('are of the kind that is read where they do not', async () => {
    const { ratings } = await parse(file({}))
    expect([ratings.userIds.at(0), ratings.itemIds.at(0), ratings.values[0]]).toEqual([7, 8, 3])
  })

  it.each([
    { name: '2^31 entries', bytes: file({ entries: 2 ** 31 }), says: /cut off: the header promises/ },
    { name: '2^40 entries', bytes: file({ entries: 2 ** 40 }), says: /promise 1099511627776 entries/ },
    { name: '2^32 users', bytes: file({ users: 2 ** 32 }), says: /promise 1 entries, 4294967296 users/ },
    { name: '2^60 bytes of ids', bytes: file({ userText: 2 ** 60 }), says: /cut off/ },
    { name: 'no entries', bytes: file({ entries: 0 }), says: /bytes behind their end/ },
    { name: 'a user beyond the last', bytes: file({}, { users: Uint32Array.of(1) }), says: /names user 1 of 1/ },
    {
      name: 'an unknown item',
      bytes: file({}, { items: Uint32Array.of(UNKNOWN) }),
      says: /names item 4294967295 of 1/,
    },
    {
      name: 'a rating that is no number',
      bytes: file({}, { values: Float32Array.of(Number.NaN) }),
      says: /rating of entry 0/,
    },
    { name: 'half an id', bytes: file({}, { itemIds: Float64Array.of(0.5) }), says: /item id 0.5 is no safe integer/ },
    {
      name: 'an id twice',
      bytes: file({ users: 2 }, { userIds: Float64Array.of(7, 7) }),
      says: /the user id 7 stands twice/,
    },
    {
      name: 'text twice',
      bytes: file({ users: 2, userText: 2 }, { userIds: text(97, 97), userLengths: Uint32Array.of(1, 1) }),
      says: /the user id "a" stands twice/,
    },
    {
      name: 'lengths beyond the text',
      bytes: file({ users: 2, userText: 2 }, { userIds: text(97, 98), userLengths: Uint32Array.of(1, 2 ** 31) }),
      says: /lengths of the user ids do not add up/,
    },
    {
      name: 'lengths below the text',
      bytes: file({ userText: 2 }, { userIds: text(97, 98), userLengths: Uint32Array.of(1) }),
      says: /lengths of the user ids do not add up/,
    },
    {
      name: 'text that is no UTF-8',
      bytes: file({ userText: 1 }, { userIds: text(0xff), userLengths: Uint32Array.of(1) }),
      says: /user id at 0 is not UTF-8/,
    },
  ])('are refused: $name', async ({ bytes, says }) => {
    const before = process.memoryUsage().arrayBuffers
    const error = await inputError(parse(bytes))
    expect(error.message).toMatch(says)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20)
  })

  it('are refused for an item beyond the last, be it behind the first piece', async () => {
    const entries = 2 ** 20 + 5
    const items = Uint32Array.from({ length: entries }, (_, e) => Number(e === entries - 2))
    const columns = { users: new Uint32Array(entries), items, values: new Float32Array(entries) }
    const error = await inputError(parse(file({ entries }, columns)))
    expect(error.message).toMatch(`entry ${entries - 2} names item 1 of 1`)
  })

  it('are refused where a newer lowrank has written them', async () => {
    const bytes = file({})
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(8, 2, true)
    expect((await inputError(parse(bytes))).message).toBe(
      'any.lrp: packed by a newer lowrank (packed version 2; this one reads 1)',
    )
  })
})

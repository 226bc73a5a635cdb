import { expect, it } from 'vitest'
import { InputError, parseRatings, type Ratings } from '../../src/index.ts'

// The files of a page: what Node reads from a path is read from a `File` of an input or a drop.

const ROWS = Array.from({ length: 15 }, (_, k) => [k % 5, `item ${k % 3}`, (k % 9) / 2, 1_577_836_800 + k] as const)
const TEXT = `user,item,rating,time\n${ROWS.map(row => `${row.join(',')}\n`).join('')}`

const bytes = (base64: string) => Uint8Array.from(atob(base64), character => character.charCodeAt(0))

/**
 * The same table, made by DuckDB 1.5.5:
 *
 *     copy (select k % 5 as user, 'item ' || k % 3 as item, (k % 9) / 2 as rating, timestamp '2020-01-01' + to_seconds(k) as
 *           time from range(15) t(k)) to 'ratings.parquet' (format parquet, compression zstd)
 */
const PARQUET = bytes(
  'UEFSMRUAFfwBFVAsFR4VABUGFQYAACi1L/0gfv0AAGgCAAAAHgEAAgADAAQABwC1FALgAHAYYAwGspCQASMVBBU8FTpMFQYVAAAAKLUv/SAepQAAYA' +
    'YAAABpdGVtIDAxMgIAoIgWBQkVABWQARU4LBUeFQQVBhUGAAAotS/9IEidAABoAgAAAB4BAkEkSZIkAAEAkMAXFQAV/AEVaCwVHhUAFQYVBgAAKLUv' +
    '/SB+XQEAkAIAAAAeAQDgPwDw+ABABAgMEAsAS3AACIB8IDOQBeQLBoLMVlKAdhzACBUAFfwBFcgBLBUeFQAVBhUGAAAotS/9IH7dAgDkAwIAAAAeAQ' +
    'BA+sEImwUAQIIJwoDEGMAGKABJN0CLRoDNVcAPZQBSdECUg4DWksAYogBbsUCdwIDfz8IImwUADQBABrgB2gAywA3QBpABboA2gAxwA/SwtYQBFUAc' +
    'HAAAHBwAABwcAAAAAIAAgQAAADIAAAGBAAQgIAUAAgAAAgQBAQCAAAAgAQgVAhlcNQAYDWR1Y2tkYl9zY2hlbWEVCAAVBCUCGAR1c2VyJSQAFQwlAh' +
    'gEaXRlbSUAABUKJQIYBnJhdGluZwAVBCUCGAR0aW1lJRRMjBIcLAAAAAAAFh4ZHBlMJgAcFQQZFQAZGAR1c2VyFQwWHhagAhZ0Jgg8GAgEAAAAAAAA' +
    'ABgIAAAAAAAAAAAWACgIBAAAAAAAAAAYCAAAAAAAAAAAEREAAAAmABwVDBkVBBkYBGl0ZW0VDBYeFooCFrABJtABJnwcGAZpdGVtIDIYBml0ZW0gMB' +
    'YAFgYYBml0ZW0gMhgGaXRlbSAwEREAJqYFFV4AACYAHBUKGRUAGRgGcmF0aW5nFQwWHhagAhaMASasAjwYCAAAAAAAABBAGAgAAAAAAAAAABYAKAgA' +
    'AAAAAAAQQBgIAAAAAAAAAAAREQAAACYAHBUEGRUAGRgEdGltZRUMFh4WogIW7gEmuAM8GAiA38/CCJsFABgIAED6wQibBQAWACgIgN/PwgibBQAYCA' +
    'BA+sEImwUAEREAAAAW7AgWHiYIFp4FACgoRHVja0RCIHZlcnNpb24gdjEuNS41IChidWlsZCBkOGNkYWEzM2ZkKRlMHAAAHAAAHAAAHAAAANABAABQ' +
    'QVIx',
)

/** The same as csv: `copy (select user, item, rating, epoch(time)::bigint as time from ...) to 'ratings.csv.zst'`. */
const ZSTD = bytes(
  'KLUv/QBYZQQAogURFKClOpyjt3cCwIknW5NSxvbgF61Qlv9/gMlewZ5gPa6X16fha7R77+xDuL/ZhqApZbwWrgfbSWhVMEAroJrOQlWHUAgdACBhbr' +
    'QDGXOjHciYG+1AxtxoBzL2eG9rPfZA3Kl89kDcqXz2IO4YfPYg7hh89kBcwAcYBuADDGMqPsAYYOs7J7RrigE=',
)

/** The same as `lowrank pack` keeps it. */
const PACKED = bytes(
  'iUxSUA0KGgoBAAAABQAAAA8AAAAAAAAABQAAAAAAAAADAAAAAAAAAAAAAAAAAAAAEgAAAAAAAABrab+hyFEbEwsSuzCboE9dNwoL/AAAAACnJNf81D' +
    'XsdwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAOIuq9YAAAAAAQAAAAIAAAADAAAABAAAAAAAAAABAAAAAgAAAAMAAAAEAAAAAAAA' +
    'AAEAAAACAAAAAwAAAAQAAAAAAAAAAAAAAAEAAAACAAAAAAAAAAEAAAACAAAAAAAAAAEAAAACAAAAAAAAAAEAAAACAAAAAAAAAAEAAAACAAAAAAAAAA' +
    'AAAAAAAAA/AACAPwAAwD8AAABAAAAgQAAAQEAAAGBAAACAQAAAAAAAAAA/AACAPwAAwD8AAABAAAAgQAAAAAAAAABA+ILXQQAAQED4gtdBAACAQPiC' +
    '10EAAMBA+ILXQQAAAEH4gtdBAABAQfiC10EAAIBB+ILXQQAAwEH4gtdBAAAAQviC10EAAEBC+ILXQQAAgEL4gtdBAADAQviC10EAAABD+ILXQQAAQE' +
    'P4gtdBAACAQ/iC10EAAAAAAAAAAAAAAAAAAAAAAAAAAAAA8D8AAAAAAAAAQAAAAAAAAAhAAAAAAAAAEEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABp' +
    'dGVtIDBpdGVtIDFpdGVtIDIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABgAAAAYAAAAGAAAA',
)

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

const rowsOf = ({ users, items, values, times, userIds, itemIds }: Ratings) =>
  Array.from(users, (user, e) => [userIds.at(user), itemIds.at(items[e]!), values[e], times?.[e]])

async function errorOf(parts: BlobPart[], name: string): Promise<InputError> {
  const error = await parseRatings(new File(parts, name)).catch((caught: unknown) => caught)
  if (error instanceof InputError) return error
  throw new Error('expected an InputError', { cause: error })
}

it('reads text, gzip of several members, Zstandard, Parquet and packed ratings in a page', async () => {
  const [head, tail] = [TEXT.slice(0, 100), TEXT.slice(100)]
  for (const parts of [[TEXT], [await gzip(head), await gzip(tail)], [ZSTD], [PARQUET], [PACKED]]) {
    const { ratings, skipped } = await parseRatings(new File(parts, 'ratings'))
    expect(rowsOf(ratings)).toEqual(ROWS)
    expect(skipped).toBe(0)
  }
})

it('names the file, the line and the problem', async () => {
  const bad = await errorOf(['1,2,3\n4,5,x\n'], 'bad.csv')
  expect(bad).toMatchObject({ file: 'bad.csv', line: 2, text: '4,5,x' })
  const packed = await gzip(TEXT)
  expect((await errorOf([packed.slice(0, -9)], 'cut.gz')).message).toMatch(/^cut.gz: the gzip data ends too early/)
  packed[packed.length - 6]! ^= 1
  expect((await errorOf([packed], 'bad.gz')).message).toBe('bad.gz: the gzip data is damaged')
  expect((await errorOf([ZSTD.slice(0, -1)], 'cut.zst')).message).toMatch(/Zstandard data ends too early/)
  expect((await errorOf([PARQUET.slice(0, -9)], 'cut.parquet')).message).toMatch(/no valid Parquet, or is damaged/)
})

it('reads many blocks piece by piece, and ends where it is told to', async () => {
  const lines = Array.from({ length: 200_000 }, (_, k) => `${k % 7001},${k},${(k % 9) / 2}\n`).join('')
  const file = new File([lines], 'many.csv')
  const seen: number[] = []
  const { ratings } = await parseRatings(file, { onProgress: done => seen.push(done) })
  expect([ratings.length, ratings.userCount, ratings.itemCount]).toEqual([200_000, 7001, 200_000])
  expect(seen.length).toBeGreaterThan(2)
  expect(seen.at(-1)).toBe(file.size)
  const controller = new AbortController()
  const reading = parseRatings(file, { signal: controller.signal, onProgress: () => controller.abort() })
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
})

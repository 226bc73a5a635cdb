import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRatings } from '../../src/ingest/parse-ratings.ts'
import { inputError, rowsOf, runSql, Scratch } from '../node/read-ratings-helpers.ts'
import { readBoth, writeAndReadBoth } from './both.ts'
import { BROTLI, DELTAS } from './parquet-fixtures.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

async function written(query: string, settings = ''): Promise<string> {
  const path = scratch.path('table.parquet')
  await runSql(`copy (${query}) to '${path}' (format parquet${settings})`)
  return path
}

const values = (rows: string) => `select * from (values ${rows}) as t(user, item, rating, timestamp)`

describe('Parquet is the same by path and by bytes', () => {
  const table =
    'select hash(k) % 300 as user, (k * 7919) % 231 as item, (k % 9) / 2 as rating, 1e9 + k as timestamp from range(7000) t(k)'
  const text = `select 'üser ' || user as user, 'an item of a long name ' || item as item, rating, timestamp::integer as time from (${table})`
  const unlike = `select 'user ' || hash(k) as user, hash(k + 1)::varchar as item, k / 7 as rating, to_timestamp(hash(k) % 1e9) as time from range(7000) t(k)`
  const sparse = `select case when user % 7 > 0 then user end as user, item, case when item % 5 > 0 then rating end as rating, case when user % 3 > 0 then timestamp end as timestamp from (${table})`
  const queries = { table, text, unlike, sparse }
  const cases = Object.keys(queries).flatMap(name =>
    ['uncompressed', 'snappy', 'gzip', 'zstd'].flatMap(codec =>
      ['V1', 'V2'].map(version => ({ name: name as keyof typeof queries, codec, version })),
    ),
  )

  it.each(cases)('$name, $codec, $version', async ({ name, codec, version }) => {
    const path = await written(
      queries[name],
      `, compression ${codec}, parquet_version '${version}', row_group_size 2048`,
    )
    const { ratings, read } = await readBoth(path, { onBadRow: 'skip' })
    expect(ratings!.length).toBeGreaterThan(3000)
    expect(read!.skipped > 0).toBe(name === 'sparse')
  })

  it('in encodings of other writers', async () => {
    const { ratings, read } = await writeAndReadBoth(scratch, DELTAS, { onBadRow: 'skip' })
    expect(rowsOf(ratings!)).toEqual([
      ['ann', 7, 1.5, 0],
      ['annette', 8, 2, 1.5],
      ['bo', 9, 4, 86400],
    ])
    expect(read!.first).toContain('user none, item 7, rating 3.0, timestamp -1e-06')
  })
})

describe('Parquet columns are the same by path and by bytes', () => {
  const TYPES = ['tinyint', 'utinyint', 'smallint', 'usmallint', 'integer', 'uinteger', 'bigint', 'ubigint', 'float']
  const FRACTIONS = ['double', 'decimal(4, 1)', 'decimal(9, 2)', 'decimal(18, 2)', 'decimal(38, 2)']

  it.each([...TYPES, ...FRACTIONS])('of ids, ratings and times of type %s', async type => {
    const path = await written(
      `select k::${type} as user, (9 - k)::${type} as item, (k / 2)::${type} as rating, k::${type} as time from range(10) t(k)`,
    )
    for (const ids of ['auto', 'string', 'integer'] as const) {
      const { ratings } = await readBoth(path, { ids })
      expect(ratings!.length).toBe(10)
    }
  })

  it.each([
    '-1::bigint',
    '-1::integer',
    '4294967295::uinteger',
    '9007199254740991::bigint',
    '-0.0::double',
    "'7'",
    "'-5'",
    "'uno'",
    "'c'::enum('c', 'd')",
    "'x'::blob",
    "'eeccb8c5-9943-b2bb-bb5e-222f4e14b687'::uuid",
  ])('of ids like %s', async id => {
    const path = await written(`select ${id} as user, 'x' as item, 3 as rating`)
    for (const ids of ['auto', 'string'] as const) expect((await readBoth(path, { ids })).read).toBeDefined()
    await readBoth(path, { ids: 'integer' })
  })

  it.each([
    '9007199254740993::bigint',
    '-9223372036854775807::bigint',
    '18446744073709551615::ubigint',
    '1e30::double',
    "'123456789012345678901234567890'",
    '12345678901234567890::decimal(38, 0)',
  ])('of ids beyond 2^53 - 1 like %s', async id => {
    const rows = `select null as user, 2 as item, 3 as rating union all select ${id}, 2, 3`
    const path = await written(rows)
    const { refused } = await readBoth(path, { ids: 'integer', onBadRow: 'skip' })
    expect(refused).toMatchObject({ line: 2, message: expect.stringContaining('beyond the largest safe integer') })
    await readBoth(path, { ids: 'string', onBadRow: 'skip' })
  })

  it.each([
    "'x' || repeat('y', 300)",
    "''",
    'null::varchar',
    '1.5::double',
    "'nan'::double",
    "'inf'::float",
    '2e38::double',
    '1.5::decimal(9, 2)',
    "'170141183460469231731687303715884105728'",
    "'01'",
    "'+1'",
  ])('of ids that are none, or no integers: %s', async id => {
    const path = await written(`select ${id} as user, 2 as item, 3 as rating union all select null, 3, 4`)
    for (const ids of ['auto', 'integer'] as const) {
      await readBoth(path, { ids })
      await readBoth(path, { ids, onBadRow: 'skip' })
    }
  })

  it.each([
    ...[
      '1',
      ' 2.5 ',
      '+3',
      '1_000',
      '1__0',
      '_1',
      '0x10',
      '1e3',
      '5.',
      '.5',
      'nan',
      '-Infinity',
      '1e400',
      '',
      '-',
      'x',
    ],
    ...['1\u00a0', '\t1\n', '٣', '1_0.5_5'],
  ])('of ratings as the text %j', async rating => {
    const path = await written(`select 1 as user, 2 as item, '${rating}' as rating union all select 1, 3, '4'`)
    await readBoth(path)
    await readBoth(path, { onBadRow: 'skip' })
  })

  it.each([
    'true',
    '0.1::float',
    '3.4028235e38::double',
    '3.4028235677973366e38::double',
    '12345678901234567890.12::decimal(38, 2)',
    '99999999999999999.9::decimal(18, 1)',
    '9223372036854775807::bigint',
    '18446744073709551615::ubigint',
    "'nan'::float",
    '-0.0::double',
  ])('of ratings like %s', async rating => {
    await readBoth(await written(`select 1 as user, 2 as item, ${rating} as rating`))
  })

  it.each([
    "date '1960-02-29'",
    "date 'infinity'",
    "timestamp '1969-12-31 23:59:59.999999'",
    "timestamp '2020-06-01 12:34:56.789012'",
    "timestamp 'infinity'",
    "timestamp '-infinity'",
    "timestamp_ns '2020-06-01 12:34:56.789012345'",
    "timestamp_ns '1960-06-01 12:34:56.789012945'",
    "timestamp_ms '2020-06-01 12:34:56.789'",
    "timestamp_s '2020-06-01 12:34:56'",
    "timestamptz '1975-03-13 03:06:36.106295+02'",
    '1.5e300::double',
    "'inf'::double",
    'null::bigint',
    'true',
    "'text'",
    "time '12:00'",
  ])('of times like %s', async time => {
    const path = await written(`select 1 as user, 2 as item, 3 as rating, ${time} as time`)
    await readBoth(path)
    await readBoth(path, { columns: ['user', 'item', 'rating', 'time'] })
    await readBoth(path, { columns: ['1', '4', '3'] })
  })

  it.each([
    "date '2020-01-01' as user, 1 as item, 2 as rating",
    '[1] as user, 1 as item, 2 as rating',
    "[[{'a': 1, 'b': [true]}]] as user, 1 as item, 2 as rating",
    "{'a': 1.5::decimal(5, 2), 'b': 'x'} as user, 1 as item, 2 as rating",
    "map {'k': 1} as user, 1 as item, 2 as rating",
    "'{}'::json as user, 1 as item, 2 as rating",
    'interval 1 day as user, 1 as item, 2 as rating',
    "1 as user, 1 as item, date '2020-01-01' as rating",
    '1 as user',
    '1 as user, 1 as title, 1 as item',
    'true as user, 1 as item, 2 as rating',
  ])('that are refused: %s', async columns => {
    expect((await readBoth(await written(`select ${columns}`))).refused).toBeDefined()
  })

  it('beside others of any kind, without ratings, and by usual names in any order', async () => {
    const others = "[1, 2] as list, {'a': {'b': 1}} as struct, map {'k': [1]} as map, 'x' as title"
    const path = await written(`select ${others}, 4 as rating, 9 as "Movie ID", 3 as user`)
    expect(rowsOf((await readBoth(path)).ratings!)).toEqual([[3, 9, 4]])
    expect(rowsOf((await readBoth(await written('select 3 as a, 4 as b'))).ratings!)).toEqual([[3, 4, 1]])
    const odd = await written(`select 1 as "a ""b'", 2 as "c.d", 3 as d, 4 as e`)
    expect(rowsOf((await readBoth(odd, { columns: [`a "b'`, 'd', 'c.d', '4'] })).ratings!)).toEqual([[1, 3, 2, 4]])
    expect((await readBoth(odd, { columns: ['x', 'd', 'e'] })).refused).toBeDefined()
  })
})

describe('Parquet rows are the same by path and by bytes', () => {
  it.each([
    '(null, 2, 3, 4)',
    '(1, null, 3, 4)',
    '(1, 2, null, 4)',
    "(1, 2, 'nan', 4)",
    "(1, 2, '-inf', 4)",
    '(1, 2, 1e39, 4)',
    '(1, 2, 3, null)',
    '(1, 2, 3, 1e400::double)',
  ])('where one is bad: %s', async bad => {
    const path = await written(values(`(1, 1, 5::double, 1::double), ${bad}, (3, 1, 4, 2), (1, 7, 1, 1e16)`))
    expect((await readBoth(path)).refused).toMatchObject({ line: 2 })
    expect((await readBoth(path, { onBadRow: 'skip' })).read).toMatchObject({ skipped: 1 })
  })

  it('where all are bad, there are none, or some are of one user and item', async () => {
    expect((await readBoth(await written(values('(null, 2, 3, 4)')), { onBadRow: 'skip' })).refused).toBeDefined()
    expect((await readBoth(await written(`${values('(1, 2, 3, 4)')} limit 0`))).refused).toBeDefined()
    const twice = await written(values('(1, 1, 2, 50), (1, 1, 4, 40), (1, 2, 5, 50)'))
    for (const duplicates of ['last', 'mean', 'sum', 'error'] as const) await readBoth(twice, { duplicates })
  })

  it('where a column holds nothing at all', async () => {
    const path = await written('select null::bigint as user, k as item, 3 as rating from range(20000) t(k)')
    expect((await readBoth(path, { onBadRow: 'skip' })).refused).toBeDefined()
  })
})

describe('Parquet bytes', () => {
  const file = async (bytes: Uint8Array, name = 'ratings.parquet') => new File([new Uint8Array(bytes)], name)

  it('are refused where they are damaged, as a path is', async () => {
    const whole = await readFile(await written('select 1 as user, 2 as item, 3 as rating'))
    const middle = Buffer.from(whole).fill(0xff, whole.length - 60, whole.length - 8)
    for (const bytes of [whole.subarray(0, -20), whole.subarray(0, 4), middle]) {
      const { refused } = await writeAndReadBoth(scratch, bytes)
      expect(refused!.message).toContain('no valid Parquet, or is damaged')
    }
    await readBoth(await written('select 1 as user, 2 as item, 3 as rating'), { format: 'csv' })
  })

  it('compressed by another codec are refused by its name', async () => {
    const error = await inputError(parseRatings(await file(BROTLI)))
    expect(error.message).toBe(
      'ratings.parquet: column "user" is compressed by BROTLI; expected UNCOMPRESSED, SNAPPY, GZIP, ZSTD',
    )
  })

  it('report their progress, and end where they are told to', async () => {
    const path = await written(
      'select k as user, k as item, 3 as rating from range(50000) t(k)',
      ', row_group_size 4096',
    )
    const bytes = await readFile(path)
    const seen: number[] = []
    await parseRatings(await file(bytes), { onProgress: done => seen.push(done) })
    expect(seen.length).toBeGreaterThan(5)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen.at(-1)).toBe(bytes.length)
    const controller = new AbortController()
    const reason = new Error('enough')
    const reading = parseRatings(await file(bytes), {
      signal: controller.signal,
      onProgress: done => done > bytes.length / 4 && controller.abort(reason),
    })
    await expect(reading).rejects.toBe(reason)
  })
})

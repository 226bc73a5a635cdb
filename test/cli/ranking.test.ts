import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import type { SeenItems } from '../../src/data/seen.ts'
import { Model } from '../../src/model/model.ts'
import type { ModelParts } from '../../src/model/parts.ts'
import { readRatings } from '../../src/node/read-ratings.ts'
import { type Failure, useProgram } from './program.ts'

const program = useProgram()
const users = 70
const items = 90
const factors = 4

/** Users 1 to 70; an item's id may hold a comma. Each user has seen the items whose number it divides. */
const userIds = new IdTable(Float64Array.from({ length: users }, (_, u) => u + 1))
const itemIds = new IdTable(Array.from({ length: items }, (_, i) => (i === 7 ? 'tea, black' : `i${i}`)))
const hasSeen = (user: number, item: number) => item % (user + 2) === 0

function seenByRule(): SeenItems {
  const lists = Array.from({ length: users }, (_, u) =>
    Array.from({ length: items }, (_, i) => i).filter(i => hasSeen(u, i)),
  )
  const offsets = new Uint32Array(users + 1)
  for (const [u, list] of lists.entries()) offsets[u + 1] = offsets[u]! + list.length
  return { offsets, items: Uint32Array.from(lists.flat()) }
}

/** Factors that are whole numbers, so that scores are exact. */
function partsOf(model: string): ModelParts {
  const random = new Random(3)
  const whole = (length: number) => Float32Array.from({ length }, () => random.below(7) - 3)
  return {
    ...{ factors, userFactors: whole(users * factors), itemFactors: whole(items * factors), userIds, itemIds },
    ...{ mean: 0, link: 'linear', range: { min: -100, max: 100 }, clip: false, seen: seenByRule(), options: { model } },
  }
}

const parts = partsOf('explicit')

function scoreOf(user: number, item: number): number {
  let sum = 0
  for (let j = 0; j < factors; j++)
    sum += parts.userFactors[user * factors + j]! * parts.itemFactors[item * factors + j]!
  return sum
}

/** Dense indices of the items for a user, best first. */
const listOf = (user: number, allowed: (item: number) => boolean = item => !hasSeen(user, item)) =>
  Array.from({ length: items }, (_, item) => item)
    .filter(allowed)
    .sort((a, b) => scoreOf(user, b) - scoreOf(user, a) || a - b)

const expectedItems = (user: number, k: number, allowed?: (item: number) => boolean) =>
  listOf(user, allowed)
    .slice(0, k)
    .map(item => ({ item: itemIds.at(item), prediction: scoreOf(user, item) }))

const rowsOf = (text: string) => text.trimEnd().split('\n')

beforeAll(() => {
  for (const kind of ['explicit', 'implicit', 'bpr']) {
    const pieces = new Model(partsOf(kind)).encode()
    writeFileSync(program.path(`${kind}.safetensors`), Buffer.concat(pieces))
  }
})

interface Recommended {
  user: number
  items: { item: string; prediction: number }[]
  out: string | null
}

interface Written {
  users: number
  k: number
  rows: number
  out: string
  seconds: number
  itemsPerSecond: number
  peakRssBytes: number
}

describe('recommend', () => {
  it('lists the best items of one user', async () => {
    const words = ['recommend', 'explicit.safetensors', '--user', '5', '-k', '8']
    const { code, result } = await program.json<Recommended>([...words, '--out', 'one.csv'])
    expect(code).toBe(0)
    expect(result).toEqual({ user: 5, items: expectedItems(4, 8), out: 'one.csv' })
    const [header, first, ...rest] = rowsOf(readFileSync(program.path('one.csv'), 'utf8'))
    expect(header).toBe('user,item,rank,prediction')
    expect(first).toBe(`5,${result.items[0]!.item},1,${result.items[0]!.prediction}`)
    expect(rest).toHaveLength(7)
    const plain = await program.run(words)
    for (const { item } of result.items) expect(plain.stdout).toContain(item)
  })

  it('lists those of several users', async () => {
    const words = ['recommend', 'explicit.safetensors', '--user', '5, 70,1', '-k', '3']
    const { code, result } = await program.json<{ users: number; recommendations: Recommended[] }>(words)
    expect(code).toBe(0)
    expect(result).toEqual({
      users: 3,
      recommendations: [5, 70, 1].map(user => ({ user, items: expectedItems(user - 1, 3) })),
      out: null,
    })
    const { stdout } = await program.run(words)
    expect(stdout).toMatch(/user.*item.*rank.*prediction/)
  })

  it('keeps to items and leaves items out, by words and by file', async () => {
    const base = ['recommend', 'explicit.safetensors', '--user', '5', '-k', '500']
    writeFileSync(program.path('kept.txt'), '\ufeffi1\n\n  tea, black \ni3\ni4\r\nunheard of\n')
    writeFileSync(program.path('out.txt.gz'), gzipSync('i3\ni89'))
    const numbers = (list: readonly number[]) => (item: number) => list.includes(item) && !hasSeen(4, item)
    const kept = await program.json<Recommended>([...base, '--include-file', 'kept.txt', '--include', 'i0,i50'])
    expect(kept.result.items).toEqual(expectedItems(4, 500, numbers([1, 7, 3, 4, 0, 50])))
    expect(kept.stderr).toMatch(/does not know 1 of the 7 items to leave out or to keep to: "unheard of"/)
    const both = await program.json<Recommended>([
      ...base,
      '--include-file',
      'kept.txt',
      '--exclude-file',
      'out.txt.gz',
    ])
    expect(both.result.items).toEqual(expectedItems(4, 500, numbers([1, 7, 4])))
    const out = await program.json<Recommended>([...base, '--exclude', 'i2,i3', '--include-seen'])
    expect(out.result.items).toEqual(expectedItems(4, 500, item => item !== 2 && item !== 3))
    expect(out.result.items).toHaveLength(88)
  })

  it.each(['all.csv', 'all.csv.gz', 'all.parquet'])('writes all users: %s', async name => {
    const words = ['recommend', 'explicit.safetensors', '--all', '-k', '89', '--out', name]
    const { code, result } = await program.json<Written>(words)
    expect(code).toBe(0)
    const expected = Array.from({ length: users }, (_, u) =>
      expectedItems(u, 89).map(entry => [u + 1, entry] as const),
    ).flat()
    expect(result).toMatchObject({ users, k: 89, rows: expected.length, out: name })
    expect(result.itemsPerSecond).toBeCloseTo((users * items) / result.seconds, 3)
    expect(result.peakRssBytes).toBeGreaterThan(50e6)
    if (name.endsWith('.parquet')) {
      const written = await readRatings(program.path(name), { columns: ['user', 'item', 'prediction', 'rank'] })
      const rows = Array.from(written.users, (user, e) => ({
        user: written.userIds.at(user),
        item: written.itemIds.at(written.items[e]!),
        prediction: written.values[e],
        rank: written.times![e],
      }))
      let rank = 0
      expect(rows).toEqual(
        expected.map(([user, entry], at) => {
          rank = at > 0 && expected[at - 1]![0] === user ? rank + 1 : 1
          return { user, ...entry, rank }
        }),
      )
      return
    }
    const bytes = readFileSync(program.path(name))
    const [, ...rows] = rowsOf((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString())
    expect(rows.map(row => row.replace(/^(\d+),"?(.*?)"?,\d+,([^,]*)$/, '$1|$2|$3'))).toEqual(
      expected.map(([user, { item, prediction }]) => `${user}|${item}|${prediction}`),
    )
  })

  it('writes the users of a file, in its order', async () => {
    writeFileSync(program.path('users.txt'), '9\n 3\n\n9\n')
    const words = ['recommend', 'explicit.safetensors', '--users', 'users.txt', '-k', '2', '--out', 'some.csv']
    const { code, result } = await program.json<Written>(words)
    expect(code).toBe(0)
    expect(result).toMatchObject({ users: 3, rows: 6 })
    const [, ...rows] = rowsOf(readFileSync(program.path('some.csv'), 'utf8'))
    expect(rows.map(row => row.split(',')[0])).toEqual(['9', '9', '3', '3', '9', '9'])
  })

  it.each(['cut.csv', 'cut.parquet'])('exits 130 when it is interrupted, and leaves no file: %s', async name => {
    writeFileSync(program.path('many.txt'), '1\n'.repeat(2_000_000))
    const before = readdirSync(program.folder)
    const words = ['recommend', 'explicit.safetensors', '--users', 'many.txt', '--out', name]
    const { code, result } = await program.json<Failure>(words, {
      onStart: child => child.stderr!.on('data', text => String(text).includes('GPU:') && child.kill('SIGINT')),
    })
    expect(code).toBe(130)
    expect(result.error.code).toBe('ABORTED')
    expect(readdirSync(program.folder)).toEqual(before)
  })

  it('names the line of a user that it does not know, and leaves no file', async () => {
    writeFileSync(program.path('strangers.txt'), '1\n71\n')
    const before = readdirSync(program.folder)
    const words = ['recommend', 'explicit.safetensors', '--users', 'strangers.txt', '--out', 'none.csv']
    const { code, result } = await program.json<Failure>(words)
    expect(code).toBe(3)
    expect(result.error).toMatchObject({ code: 'INPUT', file: 'strangers.txt', line: 2, text: '71' })
    const one = await program.json<Failure>(['recommend', 'explicit.safetensors', '--user', '1,99'])
    expect(one).toMatchObject({ code: 3, result: { error: { message: 'the model does not know the user "99"' } } })
    const zst = await program.json<Failure>(['recommend', 'explicit.safetensors', '--all', '--out', 'x.csv.zst'])
    expect(zst).toMatchObject({ code: 3, result: { error: { code: 'OUTPUT', file: 'x.csv.zst' } } })
    const missing = await program.json<Failure>([
      'recommend',
      'explicit.safetensors',
      '--users',
      'no.txt',
      '--out',
      'x',
    ])
    expect(missing).toMatchObject({ code: 3, result: { error: { file: 'no.txt' } } })
    writeFileSync(program.path('blank.txt'), '\n \n')
    const blank = await program.json<Failure>([
      'recommend',
      'explicit.safetensors',
      '--users',
      'blank.txt',
      '--out',
      'x',
    ])
    expect(blank.result.error.message).toMatch(/holds no ids; expected one in each line/)
    expect(readdirSync(program.folder)).toEqual([...before, 'blank.txt'].sort())
  })
})

interface Evaluated {
  model: string
  users: { evaluated: number; skipped: number }
  entries: number
  unknownUsers: number
  unknownItems: number
  alreadySeen?: number
  metrics: Record<string, number>
  seconds: number
}

const names = (k: number) => ['precision', 'recall', 'ndcg', 'map', 'mrr', 'hit'].map(name => `${name}@${k}`)

describe('evaluate', () => {
  /** Users 1 to 10 with the items of ranks 1, 3 and 12 of their lists; ratings 5, 2 and 4. */
  const wanted = [
    [0, 5],
    [2, 2],
    [11, 4],
  ] as const

  beforeAll(() => {
    const rows = Array.from({ length: 10 }, (_, u) =>
      wanted.map(([rank, rating]) => [userIds.at(u), itemIds.at(listOf(u)[rank]!), rating] as const),
    ).flat()
    const field = (text: string | number) => (String(text).includes(',') ? `"${text}"` : text)
    writeFileSync(
      program.path('test.csv'),
      `user,item,rating\n${rows.map(row => `${row.map(field).join(',')}\n`).join('')}`,
    )
    writeFileSync(program.path('pairs.csv'), `user,item\n${rows.map(([u, i]) => `${u},${field(i)}\n`).join('')}`)
    const seen = Array.from({ length: 10 }, (_, u) => `${userIds.at(u)},${field(itemIds.at(listOf(u)[1]!))}\n`)
    writeFileSync(program.path('seen.csv'), seen.join(''))
  })

  it('ranks where it is asked to, beside the errors', async () => {
    const plain = await program.json<Evaluated>(['evaluate', 'explicit.safetensors', 'test.csv'])
    expect(Object.keys(plain.result.metrics)).toEqual(['rmse', 'mae'])
    expect(plain.result).not.toHaveProperty('alreadySeen')
    const { code, result, stderr } = await program.json<Evaluated>([
      ...['evaluate', 'explicit.safetensors', 'test.csv', '--at', '20,10', '--auc'],
    ])
    expect(code).toBe(0)
    expect(Object.keys(result.metrics)).toEqual(['rmse', 'mae', ...names(10), ...names(20), 'auc'])
    const gain = (rank: number) => 1 / Math.log2(rank + 1)
    const ideal = gain(1) + gain(2) + gain(3)
    expect(result).toMatchObject({
      model: 'explicit',
      users: { evaluated: 10, skipped: 0 },
      entries: 30,
      alreadySeen: 0,
      metrics: {
        rmse: plain.result.metrics.rmse,
        'precision@10': expect.closeTo(2 / 10, 10),
        'recall@10': expect.closeTo(2 / 3, 10),
        'ndcg@10': expect.closeTo((gain(1) + gain(3)) / ideal, 10),
        'map@10': expect.closeTo((1 + 2 / 3) / 3, 10),
        'precision@20': expect.closeTo(3 / 20, 10),
        'recall@20': 1,
        'ndcg@20': expect.closeTo((gain(1) + gain(3) + gain(12)) / ideal, 10),
        'mrr@20': 1,
        'hit@20': 1,
      },
    })
    expect(result.metrics.auc).toBeGreaterThan(0.8)
    expect(result.metrics.auc).toBeLessThan(1)
    expect(stderr).toMatch(/ndcg[^\n]*\d\.\d{4}[^\n]*\d\.\d{4}/)
  })

  it('takes relevant ratings from a bound up, and leaves out what a file says was seen', async () => {
    const words = ['evaluate', 'explicit.safetensors', 'test.csv', '--relevant-at', '4', '--at', '10']
    const bound = await program.json<Evaluated>(words)
    expect(bound.result.metrics).toMatchObject({ 'recall@10': 0.5, 'precision@10': expect.closeTo(1 / 10, 10) })
    const seen = await program.json<Evaluated>([...words, '--seen', 'seen.csv'])
    expect(seen.result).toMatchObject({ alreadySeen: 0, metrics: { 'recall@10': 0.5 } })
    // Without the second of each list, the item of rank 12 stands at 11.
    const longer = await program.json<Evaluated>([...words.slice(0, -1), '11', '--seen', 'seen.csv'])
    expect(longer.result.metrics['recall@11']).toBe(1)
    const own = await program.json<Evaluated>(['evaluate', 'explicit.safetensors', 'test.csv', '--seen', 'test.csv'])
    expect(own.result).toMatchObject({ alreadySeen: 30, users: { evaluated: 0, skipped: 10 } })
    expect(own.stderr).toMatch(/left out of the ranking: 30 entries that the user has seen before/)
  })

  it('ranks the training items too where it is asked to', async () => {
    const without = await program.json<Evaluated>([
      'evaluate',
      'explicit.safetensors',
      'test.csv',
      '--at',
      '90',
      '--auc',
    ])
    const words = ['evaluate', 'explicit.safetensors', 'test.csv', '--at', '90', '--auc', '--include-seen']
    const { result } = await program.json<Evaluated>(words)
    expect(result.metrics['recall@90']).toBe(1)
    expect(result.metrics['ndcg@90']).toBeLessThan(without.result.metrics['ndcg@90']!)
  })

  it.each(['implicit', 'bpr'])('ranks at 10 and reports no errors for a model of the kind %s', async kind => {
    const { code, result } = await program.json<Evaluated>(['evaluate', `${kind}.safetensors`, 'pairs.csv'])
    expect(code).toBe(0)
    expect(result).toMatchObject({ model: kind, users: { evaluated: 10, skipped: 0 }, entries: 30 })
    expect(Object.keys(result.metrics)).toEqual(names(10))
    expect(result.metrics['recall@10']).toBeCloseTo(2 / 3, 10)
  })

  it('reads adjacency lists and counts what the model does not know', async () => {
    writeFileSync(program.path('lists.txt'), `1 ${itemIds.at(listOf(0)[0]!)} strange\n2\n99 i1 i2\n`)
    const words = ['evaluate', 'implicit.safetensors', 'lists.txt', '--format', 'adjacency', '--at', '1']
    const { code, result } = await program.json<Evaluated>(words)
    expect(code).toBe(0)
    expect(result).toMatchObject({
      users: { evaluated: 1, skipped: 2 },
      entries: 4,
      unknownUsers: 2,
      unknownItems: 1,
      metrics: { 'hit@1': 1 },
    })
  })
})

describe('similar', () => {
  const cosine = (table: Float32Array, a: number, b: number) => {
    const dot = (x: number, y: number) => {
      let sum = 0
      for (let j = 0; j < factors; j++) sum += table[x * factors + j]! * table[y * factors + j]!
      return sum
    }
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
  }

  interface Similarities {
    item?: string
    user?: number
    measure: string
    similar: { id: string | number; similarity: number }[]
    out: string | null
  }

  it('lists the items most like one', async () => {
    const words = ['similar', 'explicit.safetensors', '--item', 'tea, black', '-k', '5', '--out', 'like-tea.csv']
    const { code, result } = await program.json<Similarities>(words)
    expect(code).toBe(0)
    expect(result).toMatchObject({ item: 'tea, black', measure: 'cosine', out: 'like-tea.csv' })
    const expected = Array.from({ length: items }, (_, item) => item)
      .filter(item => item !== 7)
      .map(item => ({ id: itemIds.at(item), similarity: cosine(parts.itemFactors, 7, item) }))
      .filter(({ similarity }) => !Number.isNaN(similarity))
      .sort((a, b) => b.similarity - a.similarity)
    expect(result.similar).toEqual(
      result.similar.map(({ id }, at) => ({ id, similarity: expect.closeTo(expected[at]!.similarity, 6) })),
    )
    for (const { id, similarity } of result.similar) {
      expect(cosine(parts.itemFactors, 7, itemIds.indexOf(id))).toBeCloseTo(similarity, 6)
    }
    const [header, ...rows] = rowsOf(readFileSync(program.path('like-tea.csv'), 'utf8'))
    expect(header).toBe('item,rank,similarity')
    expect(rows.map(row => row.split(',')[0])).toEqual(result.similar.map(({ id }) => id))
  })

  it('lists the users most like one, by the product on demand', async () => {
    const words = ['similar', 'explicit.safetensors', '--user', '3', '--measure', 'dot', '-k', '500']
    const { code, result } = await program.json<Similarities>(words)
    expect(code).toBe(0)
    expect(result).toMatchObject({ user: 3, measure: 'dot' })
    expect(result.similar).toHaveLength(users - 1)
    const similarities = result.similar.map(({ similarity }) => similarity)
    expect(similarities).toEqual([...similarities].sort((a, b) => b - a))
    const { stdout } = await program.run(words)
    expect(stdout).toMatch(/user.*rank.*similarity/)
  })

  it('does not know everything', async () => {
    const { code, result } = await program.json<Failure>(['similar', 'explicit.safetensors', '--item', 'i1000'])
    expect(code).toBe(3)
    expect(result.error.message).toMatch(/does not know the item "i1000"/)
  })
})

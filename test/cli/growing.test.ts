import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { decodeModel } from '../../src/model/file.ts'
import type { ModelParts } from '../../src/model/parts.ts'
import { asCsv, groupedPairs, type Pair, sameGroup } from './grouped.ts'
import { type Failure, useProgram } from './program.ts'

// Models that take in new users and items: by going on with the training, and by folding in.

const program = useProgram()
const kinds = ['explicit', 'implicit', 'bpr'] as const
type Kind = (typeof kinds)[number]
type Row = readonly [user: string, item: string, rating?: number]

const numberOf = (id: string) => Number(id.slice(1))
const isOld = ([user, item]: Row) => numberOf(user) >= 8 && numberOf(item) < 44

const grouped = groupedPairs(44, 48)

const planted: Row[] = (() => {
  const shape = { users: 44, items: 48, entries: 1400, rank: 2, noise: 0.05, seed: 3 }
  const { ratings } = plantedRatings(shape)
  const id = (letter: string, index: number) => `${letter}${index}`
  return [...ratings.users].map((u, e) => [id('u', u), id('i', ratings.items[e]!), ratings.values[e]!] as const)
})()

const rowsOf: Record<Kind, readonly Row[]> = { explicit: planted, implicit: grouped.train, bpr: grouped.train }

function write(name: string, rows: readonly Row[]): string {
  const rated = rows.some(row => row[2] !== undefined)
  const text = rated ? `user,item,rating\n${rows.map(row => `${row.join(',')}\n`).join('')}` : asCsv(rows as Pair[])
  writeFileSync(program.path(name), text)
  return name
}

const partsOf = (file: string) => decodeModel(readFileSync(program.path(file)))

const solvers: Record<Kind, string[]> = {
  explicit: ['--solver', 'als', '--penalty', 'weighted', '--regularization', '0.02'],
  implicit: ['--model', 'implicit'],
  bpr: ['--model', 'bpr'],
}

beforeAll(async () => {
  for (const kind of kinds) {
    write(`${kind}.csv`, rowsOf[kind].filter(isOld))
    const words = ['train', `${kind}.csv`, ...solvers[kind], '--factors', '4', '--test-ratio', '0', '--seed', '1']
    expect(await program.run([...words, '--out', `${kind}.safetensors`])).toMatchObject({ code: 0 })
  }
}, 60_000)

/** That the users (and the items) of a model are the first of another, with the factors that they had. */
function expectKept(before: ModelParts, after: ModelParts, sides: readonly ('user' | 'item')[]): void {
  for (const side of ['user', 'item'] as const) {
    const [old, grown] = [before[`${side}Ids`], after[`${side}Ids`]]
    expect([...grown.values].slice(0, old.size)).toEqual([...old.values])
  }
  for (const side of sides) {
    expect(after[`${side}Factors`].subarray(0, before[`${side}Factors`].length)).toEqual(before[`${side}Factors`])
    expect(after[`${side}Bias`]?.subarray(0, before[`${side}Ids`].size)).toEqual(before[`${side}Bias`])
  }
}

/** That a model recommends to a user what it lacks of its group before all else. */
async function expectGroupFirst(file: string, user: string): Promise<void> {
  const { userIds, itemIds, seen } = partsOf(file)
  const { offsets, items } = seen!
  const row = userIds.indexOf(user)
  const has = new Set([...items.subarray(offsets[row], offsets[row + 1])].map(item => itemIds.at(item)))
  const lacking = [...itemIds.values].map(String).filter(item => sameGroup(user, item) && !has.has(item))
  expect(lacking.length).toBeGreaterThan(0)
  const words = ['recommend', file, '--user', user, '-k', String(lacking.length)]
  const { code, result } = await program.json<{ items: { item: string }[] }>(words)
  expect(code).toBe(0)
  expect(new Set(result.items.map(({ item }) => item))).toEqual(new Set(lacking))
}

async function rmseOf(file: string, ratings: string): Promise<number> {
  const { code, result } = await program.json<{ metrics: { rmse: number } }>(['evaluate', file, ratings])
  expect(code).toBe(0)
  return result.metrics.rmse
}

interface Folded {
  model: string
  side: string
  added: number
  known: number
  left: number
  entries: { used: number; unused: number }
  users: number
  items: number
}

describe.each(kinds)('foldin into a model of the kind %s', kind => {
  it.each(['users', 'items'] as const)('adds new %s, and passes over those of no use', async side => {
    const ofUsers = side === 'users'
    const isNew = ([user, item]: Row) =>
      ofUsers ? numberOf(user) < 8 && numberOf(item) < 44 : numberOf(user) >= 8 && numberOf(item) >= 44
    const fresh = rowsOf[kind].filter(isNew).filter(([user, item]) => !(user === 'u20' && item === 'i44'))
    const used = kind === 'explicit' ? fresh.filter((_, at) => at % 3 > 0) : fresh
    const rating = kind === 'explicit' ? [3] : []
    const useless = ofUsers ? ['u900', 'i900'] : ['u901', 'i901']
    const others = [['u30', 'i30', ...rating] as never, [...useless, ...rating] as never]
    const file = write('fresh.csv', [...used, ...others])
    const out = `${kind}-${side}.safetensors`
    const words = ['foldin', `${kind}.safetensors`, file, '--side', side, '--out', out]
    const { code, result, stderr } = await program.json<Folded>(words)
    expect(code).toBe(0)
    const before = partsOf(`${kind}.safetensors`)
    const added = new Set(used.map(row => row[ofUsers ? 0 : 1])).size
    expect(added).toBe(ofUsers ? 8 : 4)
    expect(result).toMatchObject({
      ...{ model: kind, side, added, known: 1, left: 1, entries: { used: used.length, unused: 2 } },
      users: before.userIds.size + (ofUsers ? added : 0),
      items: before.itemIds.size + (ofUsers ? 0 : added),
    })
    const [noun, other] = ofUsers ? ['user', 'items'] : ['item', 'users']
    expect(stderr).toMatch(new RegExp(`passed over: 1 ${noun} that the model knows already`))
    expect(stderr).toMatch(new RegExp(`passed over: 1 new ${noun} with no ${other} that the model knows`))
    const after = partsOf(out)
    expectKept(before, after, ['user', 'item'])
    expect(after.seen!.items.length).toBe(before.seen!.items.length + used.length)
    if (kind === 'explicit') {
      const held = write(
        'held.csv',
        fresh.filter((_, at) => at % 3 === 0),
      )
      expect(await rmseOf(out, held)).toBeLessThan(0.6 * (await rmseOf('explicit.safetensors', held)))
    } else {
      await expectGroupFirst(out, ofUsers ? 'u1' : 'u20')
    }
  })
})

describe('foldin', () => {
  it('adds the rows that have a solution, and names one that has none', async () => {
    const rows: Row[] = [1, 2, 3, 4].flatMap(at => [
      ['u900', `i${at}`, 3e38],
      ['u901', `i${at}`, 3],
    ])
    const words = ['foldin', 'explicit.safetensors', write('huge.csv', rows), '--out', 'some.safetensors']
    const { code, result, stderr } = await program.json(words)
    expect(code).toBe(0)
    expect(result).toMatchObject({ added: 1, known: 0, left: 1, unsolved: 1, entries: { used: 4, unused: 4 } })
    expect(stderr).toMatch(/passed over: 1 new user whose entries have no finite solution \(the first is "u900"\)/)
    expect(stderr).not.toMatch(/no items that the model knows/)
    const alone = write('alone.csv', rows.slice(0, 1))
    const failed = await program.json<Failure>(['foldin', 'explicit.safetensors', alone, '--out', 'none.safetensors'])
    expect(failed.code).toBe(3)
    expect(failed.result.error.message).toMatch(/no user to fold in; the file holds 1 new user whose entries have no/)
  })
})

describe.each([
  ['explicit', [], {}],
  ['implicit', ['--alpha', '3'], { alpha: 3 }],
  ['bpr', ['--negative-power', '1'], { negativePower: 1 }],
] as const)('train --from a model of the kind %s', (kind, words, options) => {
  it('takes in new users and items behind the old', async () => {
    const isNew = ([user]: Row) => numberOf(user) < 8
    // Alternating least squares solves a row from the entries at hand alone, so it is given the old ones too.
    const data = rowsOf[kind].filter(row => isNew(row) || (kind === 'implicit' && isOld(row)))
    const newItems = new Set(data.map(([, item]) => item).filter(item => numberOf(item) >= 44)).size
    expect(newItems).toBeGreaterThan(1)
    const out = `${kind}-grown.safetensors`
    const files = [write('more.csv', data), '--from', `${kind}.safetensors`, '--out', out]
    const training = ['--epochs', '5', '--test-ratio', '0', '--seed', '4']
    const { code, result } = await program.json(['train', ...files, ...training, ...words])
    expect(code).toBe(0)
    expect(result).toMatchObject({ model: kind, users: 44, items: 44 + newItems, options: { ...options, factors: 4 } })
    const [before, after] = [partsOf(`${kind}.safetensors`), partsOf(out)]
    // Users without new entries stay; items, old and new, learn from those of the new users.
    expectKept(before, after, kind === 'implicit' ? [] : ['user'])
    expect(after.itemFactors.subarray(0, before.itemFactors.length)).not.toEqual(before.itemFactors)
    expect(after.seen!.items.length).toBe(before.seen!.items.length + data.filter(isNew).length)
    if (kind === 'explicit') {
      expect(await rmseOf(out, 'more.csv')).toBeLessThan(0.6 * (await rmseOf('explicit.safetensors', 'more.csv')))
    } else {
      for (const user of ['u1', 'u20']) await expectGroupFirst(out, user)
    }
  })
})

describe('words and files that do not go together', () => {
  const from = ['train', 'explicit.csv', '--from']
  it.concurrent.each<[words: string[], code: number, option: string | undefined, message: RegExp]>([
    [[...from, 'implicit.safetensors', '--factors', '8'], 2, '--factors', /--factors is 4 in the model/],
    [[...from, 'bpr.safetensors', '--model', 'explicit'], 2, '--model', /--model is bpr in the model/],
    [[...from, 'explicit.safetensors', '--link', 'bounded'], 2, '--link', /--link is linear in the model/],
    [[...from, 'explicit.safetensors', '--no-biases'], 2, '--no-biases', /--no-biases: "biases" is true in the model/],
    [[...from, 'explicit.safetensors', '--alpha', '3'], 2, '--alpha', /--alpha goes with the model implicit only/],
    [
      [...from, 'bpr.safetensors', '--penalty', 'sqrt'],
      2,
      '--penalty',
      /--penalty sqrt does not go with the model bpr/,
    ],
    [
      [...from, 'implicit.safetensors', '--schedule', 'bold'],
      2,
      '--schedule',
      /--schedule bold does not go with the model implicit, which has no learning rate/,
    ],
    [[...from, 'none.safetensors'], 3, undefined, /none.safetensors: there is no such file/],
    [['foldin', 'explicit.safetensors', 'explicit.csv'], 2, '--out', /foldin needs --out <file>: model file to write/],
    [
      ['foldin', 'implicit.safetensors', 'implicit.csv', '--out', 'x.safetensors', '--epochs', '3'],
      2,
      '--epochs',
      /--epochs goes with models of the kind bpr only, not with implicit/,
    ],
    [
      ['foldin', 'bpr.safetensors', 'bpr.csv', '--out', 'x.safetensors'],
      3,
      undefined,
      /bpr.csv: there is no user to fold in; the file holds 36 users that the model knows already/,
    ],
    [
      ['foldin', 'bpr.safetensors', 'bpr.csv', '--side', 'items', '--out', 'x.safetensors'],
      3,
      undefined,
      /no item to fold in; the file holds 44 items that the model knows already/,
    ],
  ])('%j exits %i', async (words, code, option, message) => {
    const outcome = await program.json<Failure>(words)
    expect(outcome.result.error.message).toMatch(message)
    expect(outcome.code).toBe(code)
    expect(outcome.result.error.option).toBe(option)
    expect(existsSync(program.path('x.safetensors'))).toBe(false)
  })
})

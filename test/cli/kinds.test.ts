import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { EpochReport } from '../../src/train/training.ts'
import { asAdjacency, asCsv, groupedPairs, sameGroup } from './grouped.ts'
import { type Failure, useProgram } from './program.ts'

// Models of each kind, trained, measured and asked by the program.

const program = useProgram()
const users = 40
const items = 48
const { train, test } = groupedPairs(users, items)
const names = (k: number) => ['precision', 'recall', 'ndcg', 'map', 'mrr', 'hit'].map(name => `${name}@${k}`)
const counts = ['users', 'entries', 'unknownUsers', 'unknownItems', 'alreadySeen']

interface Trained {
  model: string
  solver: string
  options: Record<string, unknown>
  plan: Record<string, unknown>
  users: number
  items: number
  entries: { train: number; validation: number; test: number }
  epochs: EpochReport[]
  keptEpoch: number
  metrics: { test: Record<string, number> & { users: { evaluated: number; skipped: number } } }
}

interface Evaluated {
  metrics: Record<string, number>
}

interface Recommended {
  items: { item: string }[]
}

beforeAll(() => {
  writeFileSync(program.path('train.txt'), asAdjacency(train))
  writeFileSync(program.path('train.csv'), asCsv(train))
  writeFileSync(program.path('test.txt'), asAdjacency(test))
  writeFileSync(program.path('test.csv'), asCsv(test))
})

/** That a saved model ranks as it did in its training, and recommends and likens items of one group. */
async function expectRanking(file: string, { metrics }: Trained): Promise<void> {
  const evaluated = await program.json<Evaluated>(['evaluate', file, 'test.csv', '--at', '5,10', '--auc'])
  expect(evaluated.code).toBe(0)
  expect(Object.keys(evaluated.result.metrics)).toEqual([...names(5), ...names(10), 'auc'])
  expect(metrics.test).toMatchObject(evaluated.result.metrics)
  const [user, held] = test[6]!
  const recommended = await program.json<Recommended>(['recommend', file, '--user', user, '-k', '3'])
  const listed = recommended.result.items.map(({ item }) => item)
  expect(listed.slice(0, 2)).toContain(held)
  expect(train.filter(([u, i]) => u === user && listed.includes(i))).toEqual([])
  const similar = await program.json<{ similar: { id: string }[] }>(['similar', file, '--item', held, '-k', '5'])
  expect(similar.result.similar.map(({ id }) => sameGroup(id, held))).toEqual(Array(5).fill(true))
}

describe('an implicit model', () => {
  it('learns from lists of items, ranks, and comes back from its file', async () => {
    const words = [
      '--model',
      'implicit',
      '--factors',
      '4',
      '--at',
      '10,5',
      '--relevant-at',
      '1',
      '--auc',
      '--seed',
      '2',
    ]
    const files = ['train.txt', '--test', 'test.txt', '--format', 'adjacency', '--out', 'implicit.safetensors']
    const { code, result, stderr } = await program.json<Trained>(['train', ...files, ...words])
    expect(code).toBe(0)
    expect(result).toMatchObject({
      ...{ model: 'implicit', solver: 'als', users, items },
      options: { rowSolver: 'cg', biases: false, unobservedWeight: expect.closeTo(0.47, 1) },
      entries: { train: train.length, validation: 0, test: users },
    })
    expect(result.epochs).toHaveLength(12)
    for (const { phases } of result.epochs) {
      expect(Object.keys(phases!)).toEqual(['users', 'items'])
      expect(Math.min(...Object.values(phases!))).toBeGreaterThan(0)
    }
    expect(result.epochs[11]!.trainLoss).toBeLessThan(result.epochs[0]!.trainLoss)
    expect(Object.keys(result.metrics.test)).toEqual([...names(5), ...names(10), 'auc', ...counts])
    expect(result.metrics.test.users).toEqual({ evaluated: users, skipped: 0 })
    expect(result.metrics.test['recall@10']).toBeGreaterThan(0.95)
    expect(result.metrics.test.auc).toBeGreaterThan(0.95)
    expect(result).not.toHaveProperty('baselines')
    expect(stderr).toMatch(/ndcg[^\n]*\d\.\d{4}[^\n]*\d\.\d{4}/)
    await expectRanking('implicit.safetensors', result)
    const info = await program.run(['info', 'implicit.safetensors'])
    expect(info.stdout).toMatch(/^model +implicit$/m)
    expect(info.stdout).toMatch(/^factors +4, no biases$/m)
    expect(info.stdout).toMatch(/^prediction +linear; its order alone counts$/m)
  })

  it('weighs by confidence, solves rows exactly, and stops where the NDCG of held-out items gets no better', async () => {
    const stopping = ['--validation-ratio', '0.1', '--patience', '2', '--epochs', '80', '--test', 'test.csv']
    const words = ['--model', 'implicit', '--alpha', '8', '--row-solver', 'exact', '--factors', '4', ...stopping]
    const { code, result, stderr } = await program.json<Trained>(['train', 'train.csv', ...words])
    expect(code).toBe(0)
    expect(result).toMatchObject({ options: { alpha: 8, penalty: 'frobenius' }, plan: { rowSolver: 'exact' } })
    expect(result.options).not.toHaveProperty('unobservedWeight')
    const scores = result.epochs.map(({ validationNdcg }) => validationNdcg!)
    expect(scores.indexOf(Math.max(...scores)) + 1).toBe(result.keptEpoch)
    expect(result.epochs).toHaveLength(result.keptEpoch + 2)
    expect(result.epochs[0]).not.toHaveProperty('validationRmse')
    expect(result.metrics.test['recall@10']).toBeGreaterThan(0.8)
    expect(stderr).toMatch(/validation NDCG@10 0\.\d{4}/)
    expect(stderr).toMatch(/kept: epoch \d+, the best by validation/)
  })

  it('takes counts, and tests on those from a bound up', async () => {
    const rows = test.map(([user, item], at) => `${user},${item},${1 + (at % 2)}\n`)
    writeFileSync(program.path('counts.csv'), `user,item,plays\n${rows.join('')}`)
    writeFileSync(
      program.path('plays.csv'),
      asCsv(train)
        .replaceAll(/(?<=,i\d+)$/gm, ',3')
        .replace('item', 'item,plays'),
    )
    const words = ['--model', 'implicit', '--unobserved-weight', '0.3', '--factors', '4', '--epochs', '4']
    const reading = ['--columns', 'user,item,plays', '--test', 'counts.csv', '--relevant-at', '2']
    const { code, result } = await program.json<Trained>(['train', 'plays.csv', ...words, ...reading])
    expect(code).toBe(0)
    expect(result.options).toMatchObject({ unobservedWeight: 0.3, penalty: 'weighted' })
    expect(result.metrics.test.users).toEqual({ evaluated: users / 2, skipped: users / 2 })
    expect(result.metrics.test['precision@10']).toBeCloseTo(result.metrics.test['recall@10']! / 10, 10)
  })
})

describe('a bpr model', () => {
  it('learns from pairs, ranks, and comes back from its file', async () => {
    const words = [
      '--model',
      'bpr',
      '--negative-power',
      '0.5',
      '--factors',
      '4',
      '--epochs',
      '60',
      '--at',
      '5,10',
      '--auc',
    ]
    const files = ['train.csv', '--test', 'test.csv', '--out', 'bpr.safetensors']
    const { code, result } = await program.json<Trained>(['train', ...files, ...words])
    expect(code).toBe(0)
    expect(result).toMatchObject({
      ...{ model: 'bpr', solver: 'sgd', users, items },
      options: { negativePower: 0.5, biases: true, globalMean: false },
      entries: { train: train.length, validation: 0, test: users },
    })
    expect(result.epochs.at(-1)!.trainLoss).toBeLessThan(0.5 * Math.LN2)
    expect(Object.keys(result.metrics.test)).toEqual([...names(5), ...names(10), 'auc', ...counts])
    expect(result.metrics.test['recall@10']).toBeGreaterThan(0.95)
    await expectRanking('bpr.safetensors', result)
    const info = await program.json(['info', 'bpr.safetensors'])
    expect(info.result).toMatchObject({ kind: 'model', model: 'bpr', factors: 4, seen: train.length })
  })
})

describe('an explicit model', () => {
  it('is found by alternating least squares too, and is measured by its errors and its ranking', async () => {
    const shape = [
      '--users',
      '80',
      '--items',
      '60',
      '--entries',
      '2400',
      '--rank',
      '3',
      '--noise',
      '0.2',
      '--seed',
      '1',
    ]
    const set = await program.json<{ noiseFloor: number }>(['synth', ...shape, '--out', 'ratings.csv'])
    const words = ['--solver', 'als', '--factors', '4', '--row-solver', 'exact', '--at', '10']
    const files = ['ratings.csv', '--out', 'als.safetensors']
    const { code, result } = await program.json<Trained>(['train', ...files, ...words])
    expect(code).toBe(0)
    expect(result).toMatchObject({ model: 'explicit', solver: 'als', plan: { rowSolver: 'exact' } })
    expect(Object.keys(result.epochs[0]!.phases!)).toEqual(['users', 'items'])
    expect(result.epochs.at(-1)!.trainLoss).toBeLessThan(result.epochs[0]!.trainLoss)
    expect(Object.keys(result.metrics.test)).toEqual(expect.arrayContaining(['rmse', 'mae', ...names(10)]))
    expect(result.metrics.test.rmse).toBeLessThan(3 * set.result.noiseFloor)
    const evaluated = await program.json<Evaluated>(['evaluate', 'als.safetensors', 'ratings.csv'])
    // Nine of ten of these were trained on.
    expect(evaluated.result.metrics.rmse).toBeLessThan(result.metrics.test.rmse!)
    expect(evaluated.result.metrics.rmse).toBeGreaterThan(0.5 * set.result.noiseFloor)
  })

  it('diverges where no row has a finite solution: exit status 5, the raw id, and no file', async () => {
    const rows = Array.from({ length: 200 }, (_, at) => [`u${at % 20}`, `i${Math.floor(at / 20)}`, 1 + (at % 5)])
    const huge = rows.map(row => (row[0] === 'u7' && row[1] === 'i3' ? [row[0], row[1], 1e25] : row).join(','))
    writeFileSync(program.path('huge.csv'), `user,item,rating\n${huge.join('\n')}\n`)
    const plain = [
      '--regularization',
      '1',
      '--no-global-mean',
      '--no-biases',
      '--init-std',
      '0.1',
      '--test-ratio',
      '0',
      '--out',
      'huge.safetensors',
    ]
    const words = ['train', 'huge.csv', '--solver', 'als', '--factors', '4', ...plain]
    const { code, result, stderr } = await program.json<Failure>(words)
    expect(code).toBe(5)
    expect(result.error).toMatchObject({ code: 'DIVERGED', epoch: 0, row: { side: 'users', id: 'u7' } })
    expect(stderr).toMatch(/equations of user "u7" .*no finite solution.*larger regularization/)
    expect((await program.run(['info', 'huge.safetensors'])).code).toBe(3)
  })

  it('keeps the last good epoch where equations lose their solution later', async () => {
    // The first epoch leaves items so small that the users of the second are too large to be squared in single precision.
    const penalties = [
      '--user-regularization',
      '0',
      '--item-regularization',
      '1e21',
      '--no-biases',
      '--test-ratio',
      '0',
    ]
    const words = ['--solver', 'als', '--row-solver', 'exact', '--factors', '4', ...penalties]
    const rows = Array.from({ length: 200 }, (_, at) => `u${at % 20},i${Math.floor(at / 20)},${1 + ((at * at) % 7)}\n`)
    writeFileSync(program.path('few.csv'), `user,item,rating\n${rows.join('')}`)
    const { code, result, stderr } = await program.json<Failure>([
      'train',
      'few.csv',
      ...words,
      '--out',
      'late.safetensors',
    ])
    expect(code).toBe(5)
    expect(result.error).toMatchObject({ epoch: 1, row: { side: 'items', id: expect.stringMatching(/^i\d+$/) } })
    expect(stderr).toContain('late.safetensors holds the model as of epoch 1')
    const info = await program.json(['info', 'late.safetensors'])
    expect(info.result).toMatchObject({ users: 20, items: 10, factors: 4 })
  })
})

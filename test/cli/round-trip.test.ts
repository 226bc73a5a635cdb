import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AdapterDescription } from '../../src/gpu/capabilities.ts'
import { decodeModel } from '../../src/model/file.ts'
import { resolveOptions } from '../../src/train/options.ts'
import type { EpochReport } from '../../src/train/training.ts'
import { type Failure, useProgram } from './program.ts'

const program = useProgram()
const options = ['--factors', '8', '--epochs', '10', '--penalty', 'frobenius', '--regularization', '2', '--seed', '5']
const rates = ['--learning-rate', '0.15', '--batch-size', '1024']
const training = ['train', 'ratings.csv', ...options, ...rates]

interface Errors {
  rmse: number
  mae: number
}

interface Trained {
  model: string
  solver: string
  options: Record<string, unknown>
  users: number
  items: number
  entries: { train: number; validation: number; test: number }
  epochs: EpochReport[]
  metrics: { test?: Errors & { unknownUsers: number; unknownItems: number } }
  baselines?: { globalMean: Errors; biasOnly: Errors }
  updatesPerSecond: number
  seconds: Record<'read' | 'pack' | 'train' | 'evaluate' | 'save' | 'total', number>
  peakRssBytes: number
  adapter: AdapterDescription
  out: string | null
}

interface Recommended {
  user: number
  items: { item: number; prediction: number }[]
}

let floor = 0

beforeAll(async () => {
  const shape = ['--users', '300', '--items', '200', '--entries', '30000', '--rank', '3', '--seed', '1']
  const { code, result } = await program.json<{ noiseFloor: number }>(['synth', ...shape, '--out', 'ratings.csv'])
  expect(code).toBe(0)
  floor = result.noiseFloor
  const trained = await program.run([...training, '--out', 'model.safetensors'])
  expect(trained).toMatchObject({ code: 0 })
}, 60_000)

const rowsOf = (name: string) => readFileSync(program.path(name), 'utf8').trimEnd().split('\n')

describe('synth', () => {
  it('writes what it says, and the same again by the same seed', async () => {
    expect(rowsOf('ratings.csv')).toHaveLength(30001)
    expect(floor).toBeGreaterThan(0.58)
    expect(floor).toBeLessThan(0.62)
    const shape = ['--users', '300', '--items', '200', '--entries', '30000', '--rank', '3', '--seed', '1']
    const { code } = await program.run(['synth', ...shape, '--out', 'again.csv'])
    expect(code).toBe(0)
    expect(readFileSync(program.path('again.csv'))).toEqual(readFileSync(program.path('ratings.csv')))
  })
})

describe('train', () => {
  it('reports all that the contract names, and learns', async () => {
    const { code, result, stderr } = await program.json<Trained>([...training, '--validation-ratio', '0.1'])
    expect(code).toBe(0)
    const given = { factors: 8, epochs: 10, penalty: 'frobenius', regularization: 2, seed: 5 } as const
    const resolved = resolveOptions({ ...given, learningRate: 0.15, batchSize: 1024, validationRatio: 0.1 })
    // These ratings are spread by about 1.
    expect(result.options).toEqual({ ...resolved, initStd: expect.closeTo(0.1, 2) })
    expect(result).toMatchObject({ model: 'explicit', solver: 'minibatch', users: 300, items: 200, out: null })
    expect(result.entries).toEqual({ train: 24300, validation: 2700, test: 3000 })
    expect(result.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    for (const { trainLoss, validationRmse, seconds } of result.epochs) {
      for (const number of [trainLoss, validationRmse, seconds]) expect(number).toBeGreaterThan(0)
    }
    const { test } = result.metrics
    expect(test!.rmse).toBeGreaterThan(test!.mae)
    expect(test!.rmse).toBeLessThan(0.8 * result.baselines!.biasOnly.rmse)
    expect(result.baselines!.biasOnly.rmse).toBeLessThan(result.baselines!.globalMean.rmse)
    for (const stage of ['read', 'pack', 'train', 'evaluate', 'save', 'total'] as const) {
      expect(result.seconds[stage]).toBeGreaterThanOrEqual(0)
    }
    expect(result.updatesPerSecond).toBeCloseTo((24300 * 10) / result.seconds.train, 3)
    expect(result.peakRssBytes).toBeGreaterThan(50e6)
    const text = expect.any(String)
    expect(result.adapter).toEqual({
      vendor: text,
      architecture: text,
      description: text,
      software: expect.any(Boolean),
    })
    expect(stderr).toMatch(/epoch 10\/10 {2}loss/)
  })

  it('takes the solver sgd by default, prints how the work is cut, and says so where workers race', async () => {
    const plain = ['train', 'ratings.csv', '--factors', '8', '--epochs', '6', '--seed', '5']
    const calm = await program.json<Trained>([...plain, '--verbose', '--workers', '5'])
    expect(calm.result).toMatchObject({
      solver: 'sgd',
      options: { optimizer: 'adagrad', penalty: 'sqrt', workers: 5 },
      plan: { reproducible: true, workers: 5, strata: 5 },
    })
    expect(calm.result.metrics.test!.rmse).toBeLessThan(0.8 * calm.result.baselines!.biasOnly.rmse)
    expect(calm.stderr).toMatch(/plan: workers +5\n/)
    expect(calm.stderr).not.toMatch(/raced/)
    const words = [...plain, '--workers', '5', '--strata', '2', '--precision', 'f16', '--out', 'raced.safetensors']
    const racing = await program.json<Trained>(words)
    expect(racing.result).toMatchObject({ plan: { reproducible: false, strata: 2 } })
    expect(racing.stderr).toMatch(/5 workers raced in 2 strata/)
    const info = await program.json<{ plan: object }>(['info', 'raced.safetensors'])
    expect(info.result.plan).toMatchObject({ reproducible: false, workers: 5, strata: 2 })
  })

  it('writes the same model file by the same seed, and another by another', async () => {
    for (const [name, seed] of [
      ['same', '5'],
      ['other', '6'],
    ]) {
      const { code } = await program.run([...training, '--seed', seed!, '--out', `${name}.safetensors`])
      expect(code).toBe(0)
    }
    const model = readFileSync(program.path('model.safetensors'))
    expect(model.equals(readFileSync(program.path('same.safetensors')))).toBe(true)
    expect(model.equals(readFileSync(program.path('other.safetensors')))).toBe(false)
  })

  it('tests on a file, and counts users and items that it does not know', async () => {
    writeFileSync(program.path('test.csv'), 'user,item,rating\n1,1,3\n900,1,4\n900,901,2\n')
    const { code, result, stderr } = await program.json<Trained>([...training, '--test', 'test.csv', '--epochs', '1'])
    expect(code).toBe(0)
    expect(result.entries).toEqual({ train: 30000, validation: 0, test: 3 })
    expect(result.metrics.test).toMatchObject({ entries: 3, unknownUsers: 2, unknownItems: 1 })
    expect(stderr).toMatch(/2 with a user and 1 with an item that the model does not know/)
  })

  it('tests on nothing where that is asked for, and leaves out what was seen', async () => {
    const words = [...training, '--test-ratio', '0', '--epochs', '0', '--no-seen', '--out', 'unseen.safetensors']
    const { code, result } = await program.json<Trained>(words)
    expect(code).toBe(0)
    expect(result).toMatchObject({ epochs: [], metrics: {}, updatesPerSecond: 0, out: 'unseen.safetensors' })
    expect(decodeModel(readFileSync(program.path('unseen.safetensors'))).seen).toBeUndefined()
  })

  it('tests on the last rating of each user', async () => {
    const rows = rowsOf('ratings.csv').slice(1, 2001)
    writeFileSync(program.path('timed.csv'), rows.map((row, time) => `${row},${time}\n`).join(''))
    const words = ['train', 'timed.csv', '--test-split', 'last', '--epochs', '1', '--factors', '2']
    const { code, result } = await program.json<Trained>(words)
    expect(code).toBe(0)
    const users = rows.map(row => row.split(',')[0]!)
    const several = new Set(users.filter((user, at) => users.indexOf(user) !== at))
    expect(result.entries.test).toBe(several.size)
  })

  it('says a line an epoch into a pipe, without escape codes', async () => {
    const { code, stdout, stderr } = await program.run([...training, '--epochs', '3', '--verbose'])
    expect(code).toBe(0)
    expect(stdout.match(/^epoch \d\/3 {2}loss [\d.]+ {2}.* entries\/s/gm)).toHaveLength(3)
    expect(stdout).toMatch(/this model[\s\S]*biases only[\s\S]*global mean/)
    expect(stdout).toMatch(/--learning-rate +0.15/)
    // The escape character, which opens a code for a terminal.
    expect(stdout + stderr).not.toContain('\u001b')
  })

  it('exits 5 where it diverges, and says what to try', async () => {
    const words = [
      'train',
      'ratings.csv',
      '--optimizer',
      'sgd',
      '--learning-rate',
      '500',
      '--out',
      'diverged.safetensors',
    ]
    const { code, result } = await program.json<Failure>(words)
    expect(code).toBe(5)
    expect(result.error).toMatchObject({ code: 'DIVERGED', epoch: 0 })
    expect(result.error.suggestedRate).toBeGreaterThan(0)
    expect(readdirSync(program.folder)).not.toContain('diverged.safetensors')
  })

  it('writes the last good model where it diverges later', async () => {
    const steps = ['--optimizer', 'sgd', '--learning-rate', '0.06', '--batch-size', '4096', '--regularization', '0']
    const words = ['train', 'ratings.csv', '--factors', '8', ...steps, '--out', 'kept.safetensors']
    const { code, result, stderr } = await program.json<Failure>(words)
    expect(code).toBe(5)
    expect(result.error.epoch).toBeGreaterThan(0)
    expect(stderr).toContain(`kept.safetensors holds the model as of epoch ${result.error.epoch}`)
    const { userFactors } = decodeModel(readFileSync(program.path('kept.safetensors')))
    expect(userFactors).toHaveLength(300 * 8)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('exits 130 on %s and leaves no file', async name => {
    const before = readdirSync(program.folder)
    const { code, result, stderr } = await program.json<Failure>(endless, {
      onStart: child => onceAtWork(child, () => child.kill(name)),
    })
    expect(code).toBe(130)
    expect(result.error.code).toBe('ABORTED')
    expect(stderr).toMatch(/error: training was aborted after epoch \d+/)
    expect(readdirSync(program.folder)).toEqual(before)
  })

  it('ends at once on a second signal', async () => {
    const { code, signal } = await program.run([...endless, '--json'], {
      onStart: child =>
        onceAtWork(child, () => {
          child.kill('SIGINT')
          child.kill('SIGTERM')
        }),
    })
    // Both may be delivered before the first is handled.
    expect(signal === 'SIGTERM' || code === 130).toBe(true)
  })
})

const endless = [...training, '--epochs', '100000', '--out', 'interrupted.safetensors']

/** Acts once when the first epoch is reported. */
function onceAtWork(child: ChildProcess, act: () => void): void {
  let acted = false
  child.stderr!.on('data', text => {
    if (acted || !String(text).includes('epoch ')) return
    acted = true
    act()
  })
}

describe('evaluate', () => {
  it('reports the errors, and the users that the model does not know', async () => {
    writeFileSync(program.path('some.csv'), `${rowsOf('ratings.csv').slice(0, 501).join('\n')}\n9001,1,3\n9002,1,3\n`)
    const { code, result } = await program.json<{
      model: string
      users: { evaluated: number; skipped: number }
      entries: number
      metrics: Errors
      seconds: number
      unknownUsers: number
    }>(['evaluate', 'model.safetensors', 'some.csv'])
    expect(code).toBe(0)
    expect(result).toMatchObject({ model: 'explicit', entries: 502, unknownUsers: 2, users: { skipped: 2 } })
    const users = new Set(
      rowsOf('some.csv')
        .slice(1)
        .map(row => row.split(',')[0]),
    )
    expect(result.users.evaluated).toBe(users.size - 2)
    expect(result.metrics.rmse).toBeGreaterThan(0.9 * floor)
    expect(result.metrics.rmse).toBeLessThan(1.1 * floor)
    expect(result.metrics.mae).toBeLessThan(result.metrics.rmse)
    expect(result.seconds).toBeGreaterThan(0)
  })
})

describe('predict', () => {
  it('predicts a file of pairs as it predicts each pair', async () => {
    writeFileSync(program.path('pairs.csv'), 'user,item\n1,10\n2,20\n9001,10\n')
    const file = await program.run(['predict', 'model.safetensors', 'pairs.csv'])
    expect(file.code).toBe(0)
    expect(file.stderr).toMatch(/1 with a user and 0 with an item/)
    const lines = file.stdout.trimEnd().split('\n')
    expect(lines[0]).toBe('user,item,prediction')
    expect(lines).toHaveLength(4)
    for (const line of lines.slice(1)) {
      const [user, item, prediction] = line.split(',')
      const words = ['predict', 'model.safetensors', '--user', user!, '--item', item!]
      const { code, result } = await program.json<{ prediction: number; known: { user: boolean } }>(words)
      expect(code).toBe(0)
      expect(result.known.user).toBe(user !== '9001')
      expect(result.prediction).toBeCloseTo(Number(prediction), 4)
    }
  })

  it('finds the columns by name, writes a file, and gives JSON', async () => {
    writeFileSync(program.path('named.tsv'), 'rating\tmovieId\tuserId\n3\t10\t1\n')
    const written = await program.json<{ pairs: number; out: string }>([
      'predict',
      'model.safetensors',
      'named.tsv',
      '--out',
      'predictions.csv',
    ])
    expect(written).toMatchObject({ code: 0, result: { pairs: 1, out: 'predictions.csv' } })
    const { result } = await program.json<{ predictions: { user: number; item: number; prediction: number }[] }>([
      'predict',
      'model.safetensors',
      'named.tsv',
      '--columns',
      '3,2',
    ])
    expect(result.predictions).toMatchObject([{ user: 1, item: 10 }])
    expect(rowsOf('predictions.csv')[1]).toBe(`1,10,${Number(result.predictions[0]!.prediction.toPrecision(7))}`)
  })

  it('writes megabytes into a pipe before it ends, and ends quietly where the reader has gone', async () => {
    const pairs = Array.from({ length: 200_000 }, (_, at) => `${1 + (at % 300)},${1 + (at % 200)}\n`)
    writeFileSync(program.path('many.csv'), pairs.join(''))
    const whole = await program.run(['predict', 'model.safetensors', 'many.csv'])
    expect(whole.code).toBe(0)
    expect(whole.stdout.split('\n')).toHaveLength(200_002)
    expect(whole.stdout.length).toBeGreaterThan(2 ** 21)
    const head = await program.run(['predict', 'model.safetensors', 'many.csv'], {
      onStart: child => child.stdout!.once('data', () => child.stdout!.destroy()),
    })
    expect(head).toMatchObject({ code: 0, signal: null })
    expect(head.stderr).not.toMatch(/error|EPIPE/)
  })
})

describe('recommend', () => {
  it('leaves out what the user has rated in the training, unless it is asked for', async () => {
    const parts = decodeModel(readFileSync(program.path('model.safetensors')))
    const row = parts.userIds.indexOf(7)
    const seen = [...parts.seen!.items.subarray(parts.seen!.offsets[row], parts.seen!.offsets[row + 1])]
    const rated = new Set(seen.map(item => parts.itemIds.at(item)))
    const words = ['recommend', 'model.safetensors', '--user', '7', '-k', '500']
    const { code, result } = await program.json<Recommended>(words)
    expect(code).toBe(0)
    expect(result.user).toBe(7)
    expect(result.items).toHaveLength(200 - rated.size)
    expect(result.items.filter(({ item }) => rated.has(item))).toEqual([])
    const predictions = result.items.map(({ prediction }) => prediction)
    expect(predictions).toEqual([...predictions].sort((a, b) => b - a))
    const all = await program.json<Recommended>([...words, '--include-seen', '--exclude', '1,2'])
    expect(all.result.items).toHaveLength(198)
  })

  it('writes the recommendations of all users', async () => {
    const words = ['recommend', 'model.safetensors', '--all', '-k', '3', '--out', 'all.csv']
    const { code, result } = await program.json(words)
    expect(code).toBe(0)
    expect(result).toMatchObject({ users: 300, k: 3, out: 'all.csv' })
    const [header, ...rows] = rowsOf('all.csv')
    expect(header).toBe('user,item,rank,prediction')
    expect(rows.length).toBeGreaterThan(800)
    const own = await program.json<Recommended>(['recommend', 'model.safetensors', '--user', '7', '-k', '3'])
    const written = rows.map(row => row.split(',')).filter(([user]) => user === '7')
    expect(written.map(([, item, rank]) => [Number(item), Number(rank)])).toEqual(
      own.result.items.map(({ item }, rank) => [item, rank + 1]),
    )
  })
})

describe('info', () => {
  it('tells what a model holds', async () => {
    const { code, result } = await program.json(['info', 'model.safetensors'])
    expect(code).toBe(0)
    const bytes = readFileSync(program.path('model.safetensors')).length
    expect(result).toMatchObject({
      kind: 'model',
      users: 300,
      items: 200,
      factors: 8,
      biases: true,
      seen: 27000,
      bytes,
    })
  })

  it('tells what a ratings file holds', async () => {
    writeFileSync(program.path('few.csv'), '1,a,3,100\n1,b,5,200\n2,a,1,300\n1,a,4,400\n')
    const { code, result } = await program.json(['info', 'few.csv'])
    expect(code).toBe(0)
    expect(result).toMatchObject({
      kind: 'ratings',
      entries: 3,
      users: 2,
      items: 2,
      density: 0.75,
      ids: { users: 'integer', items: 'string' },
      ratings: { min: 1, max: 5 },
      heaviest: { user: { id: 1, entries: 2 }, item: { id: 'a', entries: 2 } },
      times: { min: 200, max: 400 },
      rows: { skipped: 0, merged: 1 },
    })
  })
})

describe('quickstart', () => {
  it('comes close to the noise that was planted', async () => {
    const { code, stdout } = await program.run(['quickstart', '--out', 'quick.safetensors'])
    expect(code).toBe(0)
    const rmse = (name: string) => Number(new RegExp(`${name} +│ +([0-9.]+)`).exec(stdout)?.[1])
    expect(rmse('this model')).toBeGreaterThan(rmse('noise floor'))
    expect(rmse('this model')).toBeLessThan(1.05 * rmse('noise floor'))
    expect(rmse('biases only')).toBeGreaterThan(1.2 * rmse('this model'))
    expect(rmse('global mean')).toBeGreaterThan(rmse('biases only'))
    expect(stdout).toMatch(/ten recommendations for user/)
    const { code: read } = await program.run(['info', 'quick.safetensors'])
    expect(read).toBe(0)
  })
})

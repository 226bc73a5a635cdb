import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { EpochReport } from '../../src/train/training.ts'
import { leftBehind } from '../support/left-behind.ts'
import { type Failure, type RunOptions, useProgram } from './program.ts'

const program = useProgram()

interface Trained {
  epochs: EpochReport[]
  checkpoint: { dir: string; epoch: number; resumedFrom: number | null } | null
}

beforeAll(async () => {
  const shape = ['--users', '200', '--items', '120', '--entries', '9000', '--rank', '3']
  for (const [seed, name] of ['1', '2'].map(seed => [seed, `ratings${seed}.csv`] as const)) {
    const { code } = await program.run(['synth', ...shape, '--seed', seed, '--out', name])
    expect(code).toBe(0)
  }
}, 60_000)

const train = ['train', 'ratings1.csv', '--factors', '6', '--epochs', '30']
const file = (name: string) => readFileSync(program.path(name))
const files = (dir: string) => readdirSync(program.path(dir)).sort()

/** Sends a signal once so many epochs have been shown. */
const atEpoch = (epoch: number, signal: NodeJS.Signals): RunOptions => ({
  onStart(child: ChildProcess) {
    let text = ''
    let sent = false
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', chunk => {
        text += String(chunk)
        if (sent || !new RegExp(`epoch +${epoch}/`).test(text)) return
        sent = true
        child.kill(signal)
      })
    }
  },
})

/** A folder with a checkpoint of epoch 4 and one of epoch 8. */
async function interrupted(dir: string, words = train): Promise<void> {
  const rest = words.slice()
  rest[rest.indexOf('--epochs') + 1] = '8'
  const { code } = await program.run([...rest, '--checkpoint', dir, '--checkpoint-every', '4'])
  expect(code).toBe(0)
  expect(files(dir)).toEqual(['checkpoint-000004.safetensors', 'checkpoint-000008.safetensors'])
}

describe('train --checkpoint', () => {
  const kinds: [string, string[]][] = [
    ['fused', []],
    ['fused in halves, bold', ['--precision', 'f16', '--schedule', 'bold', '--validation-ratio', '0.1']],
    ['adam', ['--optimizer', 'adam', '--batch-size', '1024']],
    ['als', ['--solver', 'als']],
    ['implicit', ['--model', 'implicit', '--alpha', '4']],
    ['bpr', ['--model', 'bpr']],
  ]

  it.each(kinds)('is interrupted and goes on to the same bytes: %s', async (_, words) => {
    const expected = await program.run([...train, ...words, '--out', 'expected'])
    expect(expected.code).toBe(0)
    rmSync(program.path('dir'), { recursive: true, force: true })
    rmSync(program.path('model'), { force: true })
    // In an interval that is never over: only the signal writes them.
    const resuming = [
      ...train,
      ...words,
      '--out',
      'model',
      '--checkpoint',
      'dir',
      '--checkpoint-every',
      '999',
      '--resume',
    ]
    const first = await program.run(resuming, atEpoch(5, 'SIGTERM'))
    expect(first).toMatchObject({ code: 130, signal: null })
    expect(first.stdout).toMatch(/no checkpoint in dir yet: starting/)
    const [, epoch] = /dir holds epoch (\d+); --resume goes on from it/.exec(first.stdout)!
    expect(Number(epoch)).toBeGreaterThanOrEqual(5)
    expect(files('dir')).toEqual([`checkpoint-${epoch!.padStart(6, '0')}.safetensors`])
    expect(existsSync(program.path('model'))).toBe(false)
    const second = await program.run(resuming, atEpoch(Number(epoch) + 3, 'SIGINT'))
    expect(second.stdout).toContain(`going on from epoch ${epoch} (dir)`)
    expect(second.code).toBe(130)
    const { code, result } = await program.json<Trained>(resuming)
    expect(code).toBe(0)
    expect(result.epochs.map(report => report.epoch)).toEqual(Array.from({ length: 30 }, (_, at) => at + 1))
    expect(result.checkpoint).toEqual({ dir: 'dir', epoch: 30, resumedFrom: expect.any(Number) as number })
    expect(result.checkpoint!.resumedFrom).toBeGreaterThanOrEqual(Number(epoch) + 3)
    expect(file('model').equals(file('expected'))).toBe(true)
  })

  it('reports none where none is asked for', async () => {
    const { result } = await program.json<Trained>(train)
    expect(result.checkpoint).toBeNull()
  })

  it('writes after as many epochs as it is told, keeps two, and leaves other files alone', async () => {
    mkdirSync(program.path('kept'))
    const foreign = [
      'checkpoint.safetensors',
      'checkpoint-1.safetensors',
      'notes.txt',
      '.checkpoint-000001.tmp',
      '.hidden',
    ]
    for (const name of foreign) writeFileSync(program.path(`kept/${name}`), name)
    // What a killed process leaves is cleared away.
    for (const name of ['.checkpoint-000003.safetensors.', '.lock.', '.checkpoint-000007.safetensors.']) {
      writeFileSync(program.path(`kept/${leftBehind(name, '.tmp')}`), 'half')
    }
    const { code, result } = await program.json<Trained>([...train, '--checkpoint', 'kept', '--checkpoint-every', '7'])
    expect(code).toBe(0)
    expect(result.checkpoint).toEqual({ dir: 'kept', epoch: 30, resumedFrom: null })
    const own = ['checkpoint-000028.safetensors', 'checkpoint-000030.safetensors']
    expect(files('kept')).toEqual([...foreign, ...own].sort())
    for (const name of foreign) expect(file(`kept/${name}`).toString()).toBe(name)
  })

  it('takes minutes, and makes the folder with those above it', async () => {
    const words = [...train, '--checkpoint', 'deep/er', '--checkpoint-minutes']
    expect((await program.run([...words, '0'])).code).toBe(0)
    expect(files('deep/er')).toEqual(['checkpoint-000029.safetensors', 'checkpoint-000030.safetensors'])
    rmSync(program.path('deep'), { recursive: true })
    expect((await program.run([...words, '10'])).code).toBe(0)
    expect(files('deep/er')).toEqual(['checkpoint-000030.safetensors'])
  })

  it('goes on where there are more epochs to be, and has nothing to do where there are none', async () => {
    await interrupted('longer')
    const expected = await program.run([...train, '--out', 'expected'])
    expect(expected.code).toBe(0)
    for (const resumedFrom of [8, 30]) {
      const words = [...train, '--checkpoint', 'longer', '--resume', '--out', 'model']
      const { code, result } = await program.json<Trained>(words)
      expect(code).toBe(0)
      expect(result.checkpoint).toMatchObject({ epoch: 30, resumedFrom })
      expect(file('model').equals(file('expected'))).toBe(true)
    }
  })

  it('does not write over the checkpoints of a training that it was not told to go on with', async () => {
    await interrupted('taken')
    const { code, result } = await program.json<Failure>([...train, '--checkpoint', 'taken'])
    expect(code).toBe(2)
    expect(result.error.message).toMatch(/taken holds checkpoints already .*: --resume goes on from them/)
    expect(files('taken')).toHaveLength(2)
  })

  it.each([
    [['--resume'], '--resume', /--resume needs --checkpoint/],
    [['--checkpoint-every', '2'], '--checkpoint-every', /--checkpoint-every needs --checkpoint/],
    [['--checkpoint-minutes', '2'], '--checkpoint-minutes', /needs --checkpoint/],
    [['--checkpoint', 'x', '--checkpoint-every', '1', '--checkpoint-minutes', '1'], '--checkpoint-minutes', /take one/],
    [['--checkpoint', 'x', '--checkpoint-every', '0'], '--checkpoint-every', /integer from 1/],
    [['--checkpoint', '--resume'], '--checkpoint', /needs the name of a file/],
  ])('refuses %j', async (words, option, says) => {
    const { code, result } = await program.json<Failure>([...train, ...words])
    expect({ code, option: result.error.option }).toEqual({ code: 2, option })
    expect(result.error.message).toMatch(says)
    expect(existsSync(program.path('x'))).toBe(false)
  })
})

describe('train --resume', () => {
  const words = [...train, '--checkpoint', 'resumed', '--resume', '--out', 'model']

  // What defaults follow from the data is set, so that the data alone differ.
  const fixed = ['--regularization', '1', '--init-std', '0.1']

  beforeAll(async () => {
    await interrupted('whole')
    expect((await program.run([...train, '--out', 'whole-model'])).code).toBe(0)
    const begun = [...train.slice(0, -1), '8', '--checkpoint', 'fixed', ...fixed]
    expect((await program.run(begun)).code).toBe(0)
  }, 60_000)

  /** The folder as it was, changed. */
  function folderWith(change: (dir: string) => void, of = 'whole'): void {
    rmSync(program.path('resumed'), { recursive: true, force: true })
    cpSync(program.path(of), program.path('resumed'), { recursive: true })
    change(program.path('resumed'))
  }

  it.each([
    ['other ratings', ['ratings2.csv'], 3, /of a training on other data/],
    ['another split', ['ratings1.csv', '--test-ratio', '0.2'], 3, /what is held out of them/],
    ['other factors', ['ratings1.csv', '--factors', '7'], 2, /--factors 6 \(now 7\)/],
    ['a workers option', ['ratings1.csv', '--workers', '3'], 2, /--workers left out \(now 3\)/],
    ['other biases', ['ratings1.csv', '--no-biases'], 2, /"biases" true \(now false\)/],
    ['fewer epochs', ['ratings1.csv', '--epochs', '5'], 2, /--epochs is 5, and the checkpoint is of epoch 8/],
  ])('refuses %s', async (_, [ratings, ...changed], exit, says) => {
    folderWith(() => {}, 'fixed')
    const given = ['train', ratings!, ...words.slice(2), ...changed, ...fixed]
    const before = files('resumed').map(name => file(`resumed/${name}`))
    const { code, result } = await program.json<Failure>(given)
    expect(result.error.message).toMatch(says)
    expect(code).toBe(exit)
    expect(files('resumed').map(name => file(`resumed/${name}`))).toEqual(before)
  })

  const last = 'checkpoint-000008.safetensors'
  const damages: [string, (path: string) => void, RegExp][] = [
    ['cut off', path => truncateSync(path, 5000), /passed over: .*000008.*the file has/],
    ['empty', path => truncateSync(path, 0), /too few for the length of a header/],
    [
      'with a flipped bit',
      path => {
        const bytes = readFileSync(path)
        bytes[bytes.length - 100]! ^= 4
        writeFileSync(path, bytes)
      },
      /passed over: .*000008.*damaged: its checksum does not fit/,
    ],
    ['a model', path => cpSync(program.path('whole-model'), path), /no checkpoint/],
    [
      'a folder',
      path => {
        rmSync(path)
        mkdirSync(path)
      },
      /passed over: .*is a directory; expected a checkpoint/,
    ],
    ['a ratings file', path => cpSync(program.path('ratings1.csv'), path), /header/],
  ]

  it.each(damages)('takes the one before where the newest is %s, and says so', async (_, damage, says) => {
    folderWith(dir => damage(join(dir, last)))
    const { code, result, stderr } = await program.json<Trained>([...words, '--checkpoint-every', '11'])
    expect(stderr).toMatch(says)
    expect(code).toBe(0)
    expect(result.checkpoint).toEqual({ dir: 'resumed', epoch: 30, resumedFrom: 4 })
    expect(file('model').equals(file('whole-model'))).toBe(true)
    const left = files('resumed').filter(name => statSync(program.path(`resumed/${name}`)).isFile())
    expect(left).toEqual(['checkpoint-000026.safetensors', 'checkpoint-000030.safetensors'])
  })

  it('starts anew over none that can be read only when these are taken away', async () => {
    folderWith(dir => {
      for (const name of files('resumed')) truncateSync(join(dir, name), 1000)
    })
    const { code, result } = await program.json<Failure>(words)
    expect(code).toBe(3)
    expect(result.error.message).toMatch(/none of its 2 checkpoints can be read/)
    folderWith(dir => {
      for (const name of files('resumed')) rmSync(join(dir, name))
    })
    expect((await program.run(words)).code).toBe(0)
  })

  it('is refused while another process has the folder', async () => {
    folderWith(() => {})
    const inUse = { pid: process.pid, host: hostname(), began: beginning(process.pid) }
    writeFileSync(program.path('resumed/.lock'), JSON.stringify(inUse))
    const { code, result } = await program.json<Failure>(words)
    expect(code).toBe(3)
    expect(result.error.message).toMatch(new RegExp(`resumed: in use by process ${process.pid} on .*remove .*lock`))
    // A process of that number which began at another time, one that has gone, nonsense, and a host that is silent.
    const gone = { ...inUse, pid: 2 ** 30 }
    const silent = JSON.stringify({ ...inUse, host: 'elsewhere' })
    for (const content of [JSON.stringify({ ...inUse, began: '1' }), JSON.stringify(gone), '{', silent]) {
      writeFileSync(program.path('resumed/.lock'), content)
      const old = new Date(Date.now() - 120_000)
      utimesSync(program.path('resumed/.lock'), old, old)
      expect((await program.run(words)).code).toBe(0)
      expect(files('resumed')).not.toContain('.lock')
    }
    writeFileSync(program.path('resumed/.lock'), silent)
    expect((await program.json<Failure>(words)).result.error.message).toMatch(/in use by process \d+ on elsewhere/)
  }, 120_000)

  it('is for one of two that are started at once', async () => {
    folderWith(() => {})
    const both = await Promise.all([program.run(words), program.run([...words.slice(0, -1), 'other'])])
    const codes = both.map(({ code }) => code).sort()
    expect([
      [0, 0],
      [0, 3],
    ]).toContainEqual(codes)
    expect(existsSync(program.path('resumed/.lock'))).toBe(false)
  })
})

/** When a process began, as Linux counts it. */
function beginning(pid: number): string | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined
  const status = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return status.slice(status.lastIndexOf(')') + 2).split(' ')[19]
}

describe('a folder that cannot be written to', () => {
  it.each([
    ['a file', 'ratings1.csv', /there is a file in its place/],
    ['below a file', 'ratings1.csv/x', /there is a file in its place/],
    ['a place that is not for us', '/proc/lowrank', /cannot be made|cannot be written/],
  ])('is refused before anything is read: %s', async (_, dir, says) => {
    const { code, result } = await program.json<Failure>(['train', 'missing.csv', '--checkpoint', dir])
    expect(code).toBe(3)
    expect(result.error).toMatchObject({ code: 'OUTPUT', message: expect.stringMatching(says) as string })
  })

  it('is warned of where it goes away, and the training goes on', async () => {
    const words = [...train, '--checkpoint', 'gone', '--checkpoint-every', '10']
    const { code, stdout, stderr } = await program.run(words, {
      onStart: child =>
        child.stdout!.on('data', text => {
          if (String(text).includes('GPU:')) rmSync(program.path('gone'), { recursive: true, force: true })
        }),
    })
    expect(code).toBe(0)
    expect(stderr.match(/no checkpoint of epoch \d+: .*its folder does not exist; there is none/g)).toHaveLength(3)
    expect(stdout).toMatch(/epoch 30\/30/)
  })
})

describe('train where the device is lost', () => {
  const preload = resolve(import.meta.dirname, '../support/lose-device.mjs')
  const losing = (at: number, devices: number): RunOptions => ({
    env: { NODE_OPTIONS: `--import=${preload}`, LOSE_DEVICE: `${at},${devices}` },
  })

  it('asks for a fresh one, says so, and writes the same model', async () => {
    expect((await program.run([...train, '--out', 'expected'])).code).toBe(0)
    for (const at of [1, 8, 60]) {
      const { code, stderr } = await program.run([...train, '--out', 'model'], losing(at, 2))
      expect(stderr).toMatch(/the GPU device was lost after epoch \d+ \(.*\): asking for a fresh one .* \(1 of 3\)/)
      expect(stderr).toMatch(/\(2 of 3\)/)
      expect(code).toBe(0)
      expect(file('model').equals(file('expected'))).toBe(true)
    }
  })

  it('gives up after three, with what there is, and goes on with another command', async () => {
    const words = [...train, '--out', 'model', '--checkpoint', 'lost', '--checkpoint-every', '999', '--resume']
    const { code, result, stderr } = await program.json<Failure>(words, losing(60, 9))
    expect(code).toBe(4)
    expect(result.error.code).toBe('DEVICE_LOST')
    expect(stderr).toMatch(/\(3 of 3\)/)
    expect(stderr).toMatch(/lost holds epoch \d+; --resume goes on from it/)
    expect((await program.run([...train, '--out', 'expected'])).code).toBe(0)
    expect((await program.run(words)).code).toBe(0)
    expect(file('model').equals(file('expected'))).toBe(true)
  })
})

describe('train --on-divergence', () => {
  const wild = [...train, '--optimizer', 'sgd', '--learning-rate', '3']

  it('halve-rate goes on at a lower rate, and says so', async () => {
    const stopped = await program.json<Failure>(wild)
    expect(stopped.code).toBe(5)
    const { code, result, stderr } = await program.json<Trained>([...wild, '--on-divergence', 'halve-rate'])
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /epoch 1 diverged: gone back to the state before it, with 1\/\d+ of the learning rates from here/,
    )
    expect(result.epochs.at(-1)!.halvings).toBeGreaterThan(0)
  })

  it('stop leaves the last good checkpoint, from which it diverges again', async () => {
    // A rate that is too high, but not from the first epoch on.
    const words = ['train', 'ratings1.csv', '--factors', '6', '--optimizer', 'sgd', '--learning-rate', '0.3']
    const folder = ['--schedule', 'bold', '--checkpoint', 'diverged', '--out', 'diverged-model']
    const { code, stdout, stderr } = await program.run([...words, ...folder])
    expect(code).toBe(5)
    const epoch = Number(/diverged holds epoch (\d+); --resume goes on from it/.exec(stdout)![1])
    expect(stderr).toContain(`training diverged in epoch ${epoch + 1} `)
    expect(files('diverged')).toContain(`checkpoint-${String(epoch).padStart(6, '0')}.safetensors`)
    const model = file('diverged-model')
    const again = await program.run([...words, ...folder, '--resume'])
    expect(again.code).toBe(5)
    expect(again.stderr).toContain(`training diverged in epoch ${epoch + 1} `)
    expect(file('diverged-model').equals(model)).toBe(true)
  })

  it('is refused with als', async () => {
    const { code, result } = await program.json<Failure>([...train, '--solver', 'als', '--on-divergence', 'halve-rate'])
    expect(code).toBe(2)
    expect(result.error).toMatchObject({ option: '--on-divergence' })
  })
})

describe('a program that is killed at random moments', () => {
  it('ends with the undisturbed files all the same, and leaves no others', async () => {
    const harness = resolve(import.meta.dirname, '../../bench/faults.mjs')
    const child = spawn(process.execPath, [harness, '--kills', '8', '--seed', '5', '--program', program.script])
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    const code = await new Promise(settle => child.on('close', settle))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ kills: 8, wrong: 0, passedOver: 0, litter: 0 })
  }, 180_000)
})

import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Failure, type Outcome, type RunOptions, useProgram } from './program.ts'

const program = useProgram()

/**
 * The program where no file may have more than so many blocks of 512 bytes: what is written beyond fails in the system. For
 * commands without a GPU, as drivers keep its memory in files.
 */
function runWithin(blocks: number, words: readonly string[], into = ''): Promise<Omit<Outcome, 'signal'>> {
  const script = `ulimit -f ${blocks}; exec "$0" "$@" ${into}`
  const { NO_COLOR, FORCE_COLOR, ...env } = process.env
  const settings = { cwd: program.folder, env: { ...env, TMPDIR: program.path('temporary') } }
  return new Promise(settle => {
    const child = execFile(
      '/bin/sh',
      ['-c', script, process.execPath, program.script, ...words],
      settings,
      (_, stdout, stderr) => settle({ code: child.exitCode, stdout, stderr }),
    )
  })
}

beforeAll(async () => {
  mkdirSync(program.path('temporary'))
  const shape = ['--users', '400', '--items', '200', '--entries', '12000', '--rank', '3', '--seed', '1']
  expect((await program.run(['synth', ...shape, '--out', 'r.csv'])).code).toBe(0)
  writeFileSync(program.path('others.csv'), 'user,item,rating\n9001,1,3\n9001,2,4\n9001,5,1\n')
  expect((await program.run(['train', 'r.csv', ...short, '--out', 'm.safetensors'])).code).toBe(0)
})

const short = ['--factors', '16', '--epochs', '3']

const preload = resolve(import.meta.dirname, '../support/fill-disk.mjs')
const full: RunOptions = { env: { NODE_OPTIONS: `--import=${preload}` } }

/** Runs a command that cannot write its output, over an old one. */
async function expectOld(out: string, says: RegExp, run: () => Promise<Omit<Outcome, 'signal'>>): Promise<void> {
  writeFileSync(program.path(out), 'old')
  const before = readdirSync(program.folder)
  const { code, stdout, stderr } = await run()
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(out) as string })
  const { error } = JSON.parse(stdout) as Failure
  expect(error).toMatchObject({ code: 'OUTPUT', file: out, message: expect.stringMatching(says) as string })
  expect(readFileSync(program.path(out), 'utf8')).toBe('old')
  expect(readdirSync(program.folder)).toEqual(before)
  expect(readdirSync(program.path('temporary'))).toEqual([])
}

describe('a disk that is full', () => {
  const synth = ['synth', '--json', '--users', '400', '--items', '300', '--entries', '60000', '--seed', '1', '--out']
  const limited: [string, string[]][] = [
    ['packed.lrp', ['pack', '--json', 'r.csv', '--out']],
    ['planted.csv', synth],
    ['planted.tsv.gz', synth],
    ['planted.parquet', synth],
  ]

  it.each(limited)('is said of %s, whose old file stays', async (out, words) => {
    const says = /cannot be written( as Parquet)?: the file becomes too large for the file system/
    await expectOld(out, says, () => runWithin(16, [...words, out]))
  })

  const outputs: [string, string[]][] = [
    ['new.safetensors', ['train', 'r.csv', ...short, '--out']],
    ['folded.safetensors', ['foldin', 'm.safetensors', 'others.csv', '--out']],
    ['lists.csv', ['recommend', 'm.safetensors', '--all', '--out']],
    ['lists.csv.gz', ['recommend', 'm.safetensors', '--all', '--out']],
    ['pairs.csv', ['predict', 'm.safetensors', 'r.csv', '--out']],
    ['similar.csv', ['similar', 'm.safetensors', '--item', '1', '--out']],
  ]

  it.each(outputs)('is said of what a GPU has made, %s, too', async (out, words) => {
    const says = /cannot be written: no space is left on the disk/
    await expectOld(out, says, () => program.json([...words, out], full))
  })

  it('costs a training its checkpoints, with a warning for each, and no more', async () => {
    const words = ['train', 'r.csv', ...short, '--checkpoint', 'dir', '--checkpoint-every', '1']
    const { code, stdout, stderr } = await program.run(words, full)
    expect(code).toBe(0)
    expect(stderr.match(/no checkpoint of epoch \d: .*no space is left on the disk; there is none/g)).toHaveLength(3)
    expect(stdout).toMatch(/epoch 3\/3/)
    expect(readdirSync(program.path('dir'))).toEqual([])
  })

  it.each([[['info', 'r.csv']], [['info', '--json', 'r.csv']]])('is said of standard output: %j', async words => {
    const { code, stderr } = await runWithin(0, words, '> output')
    expect(stderr).toMatch(
      /error: standard output: cannot be written: the file becomes too large for the file system\n$/,
    )
    expect(code).toBe(3)
    expect(readFileSync(program.path('output'), 'utf8')).toBe('')
  })

  it('is none for what fits', async () => {
    const { code } = await runWithin(400, ['pack', 'r.csv', '--out', 'fits.lrp'])
    expect(code).toBe(0)
  })
})

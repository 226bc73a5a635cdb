import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Failure, useProgram } from './program.ts'

const program = useProgram()

const LINES = Array.from({ length: 400 }, (_, k) => `${k % 23},${(k * 7) % 31},${1 + (k % 5)},${k}`)
const TRAIN = ['--epochs', '2', '--factors', '4', '--seed', '3']

beforeAll(() => {
  writeFileSync(program.path('ratings.csv'), `user,item,rating,timestamp\n${LINES.join('\n')}\n`)
  mkdirSync(program.path('parts'))
  writeFileSync(program.path('parts/_SUCCESS'), '')
  writeFileSync(program.path('parts/part-0.csv'), `${LINES.slice(0, 150).join('\n')}\n`)
  writeFileSync(program.path('parts/part-1.csv'), `${LINES.slice(150).join('\n')}\n`)
})

describe('pack', () => {
  it('writes a file from which every command reads the same ratings', async () => {
    const packed = await program.json(['pack', 'ratings.csv', '--out', 'ratings.lrp', '--duplicates', 'mean'])
    expect(packed.code).toBe(0)
    const bytes = readFileSync(program.path('ratings.lrp')).length
    expect(packed.result).toMatchObject({ users: 23, items: 31, duplicates: 'mean', times: true, bytes })
    for (const file of ['ratings.csv', 'ratings.lrp']) {
      const out = `${file}.safetensors`
      const { code } = await program.run(['train', file, '--duplicates', 'mean', ...TRAIN, '--out', out])
      expect(code).toBe(0)
    }
    expect(readFileSync(program.path('ratings.lrp.safetensors'))).toEqual(
      readFileSync(program.path('ratings.csv.safetensors')),
    )
    const evaluated = await program.json(['evaluate', 'ratings.lrp.safetensors', 'ratings.lrp'])
    const expected = await program.json(['evaluate', 'ratings.lrp.safetensors', 'ratings.csv', '--duplicates', 'mean'])
    expect(evaluated.result).toMatchObject({ metrics: expected.result.metrics, entries: packed.result.entries })
    const info = await program.json(['info', 'ratings.lrp'])
    expect(info.result).toMatchObject({ kind: 'ratings', users: 23, times: { min: 0, max: 399 } })
  })

  it('reads the parts of a folder and of a glob, and what is packed', async () => {
    const outs = await Promise.all(
      ['ratings.csv', 'parts', 'parts/part-*.csv'].map(async (file, at) => {
        const { code, stderr } = await program.run(['pack', file, '--out', `parts-${at}.lrp`])
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        return readFileSync(program.path(`parts-${at}.lrp`))
      }),
    )
    expect(outs[1]).toEqual(outs[0])
    expect(outs[2]).toEqual(outs[0])
    const again = await program.json(['pack', 'parts-0.lrp', '--out', 'again.lrp'])
    expect(again.result).toMatchObject({ rows: { skipped: 0, merged: 0 }, duplicates: 'last' })
    expect(readFileSync(program.path('again.lrp'))).toEqual(outs[0])
  })
})

describe('pack, killed', () => {
  it('leaves a whole file or none', async () => {
    const words = ['pack', 'ratings.csv', '--out', 'killed.lrp']
    const delays = [150, 300, 400, 450, 500, 550, 600, 700]
    const outcomes = new Set<number | null>()
    for (const delay of delays) {
      const { code } = await program.run(words, { onStart: child => setTimeout(() => child.kill('SIGKILL'), delay) })
      outcomes.add(code)
      if (!existsSync(program.path('killed.lrp'))) continue
      const { code: read } = await program.run(['info', 'killed.lrp'])
      expect(read).toBe(0)
    }
    expect(outcomes).toContain(null)
  })
})

describe('pack and packed files, used wrongly', () => {
  beforeAll(async () => {
    await program.run(['pack', 'ratings.csv', '--out', 'sound.lrp'])
    const bytes = readFileSync(program.path('sound.lrp'))
    writeFileSync(program.path('cut.lrp'), bytes.subarray(0, -20))
    bytes[700]! ^= 1
    writeFileSync(program.path('damaged.lrp'), bytes)
    mkdirSync(program.path('linked'))
    symlinkSync('../ratings.csv', program.path('linked/part-0.csv'))
  })

  it.each([
    [['pack', 'ratings.csv'], 2, /pack needs --out <file>: packed file to write/],
    [['pack', 'ratings.csv', '--out', 'nowhere/x.lrp'], 3, /its folder does not exist/],
    [['pack', 'missing.csv', '--out', 'x.lrp'], 3, /there is no such file/],
    [['pack', 'linked', '--out', 'x.lrp'], 3, /is a symbolic link/],
    [['train', 'cut.lrp'], 3, /^cut.lrp: the packed ratings are cut off: the header promises \d+ bytes/],
    [['info', 'damaged.lrp'], 3, /^damaged.lrp: the packed ratings are damaged: the check sum of the users/],
    [['info', 'sound.lrp', '--duplicates', 'sum'], 2, /--duplicates cannot be sum: sound.lrp was packed with last/],
    [['info', 'sound.lrp', '--ids', 'string'], 2, /--ids cannot be string: sound.lrp holds user ids of kind integer/],
    [['info', 'sound.lrp', '--format', 'csv'], 3, /is packed ratings, not csv/],
    [['info', 'ratings.csv', '--format', 'packed'], 3, /is not packed ratings/],
  ])('%j exits %i', async (words, expected, message) => {
    const { code, result } = await program.json<Failure>(words)
    expect(result.error.message).toMatch(message)
    expect(code).toBe(expected)
  })
})

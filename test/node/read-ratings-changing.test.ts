import { appendFileSync, ReadStream, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import { readRatings } from '../../src/node/read-ratings.ts'
import { writePacked } from '../../src/node/write-packed.ts'
import { writeRatings } from '../../src/node/write-ratings.ts'
import { inputError, rawZstd, runSql, Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
const files = new Map<string, Uint8Array>()
const temporary = () => scratch.path('temporary')

beforeAll(async () => {
  await scratch.open()
  await mkdir(temporary())
  // Long enough for several reads of 256 KiB.
  const { ratings } = plantedRatings({ users: 4000, items: 900, entries: 120_000, rank: 2, noise: 0.3, seed: 4 })
  await writeRatings(scratch.path('r.csv'), ratings)
  const text = await readFile(scratch.path('r.csv'))
  await scratch.file('r.csv.gz', gzipSync(text, { level: 1 }))
  await scratch.file('r.csv.zst', rawZstd(text))
  await writePacked(scratch.path('r.lrp'), ratings)
  await runSql(`copy (from read_csv('${scratch.path('r.csv')}')) to '${scratch.path('r.parquet')}' (format parquet)`)
  for (const name of names) files.set(name, await readFile(scratch.path(name)))
})
afterAll(() => scratch.close())
beforeEach(() => {
  vi.stubEnv('TMPDIR', temporary())
})
afterEach(async () => {
  vi.unstubAllEnvs()
  expect(await readdir(temporary())).toEqual([])
})

const names = ['r.csv', 'r.csv.gz', 'r.csv.zst', 'r.lrp', 'r.parquet']

const changes: Record<string, (path: string, whole: Uint8Array) => void> = {
  'becomes shorter': (path, whole) => truncateSync(path, Math.floor(whole.length / 2)),
  grows: path => appendFileSync(path, '1,2,3\n'),
  'is written to': path => utimesSync(path, new Date(), new Date(0)),
  'is replaced': (path, whole) => {
    writeFileSync(`${path}.new`, whole)
    renameSync(`${path}.new`, path)
  },
  'is removed': path => rmSync(path),
}

describe('a file that changes while it is read', () => {
  const cases = names.flatMap(name => Object.keys(changes).map(change => [name, change] as const))

  it.each(cases)('gives an error and no half of it: %s %s', async (name, change) => {
    const path = await scratch.file(name, files.get(name)!)
    let changed = false
    // Progress is told while there is more to be read.
    const onProgress = () => {
      if (!changed) changes[change]!(path, files.get(name)!)
      changed = true
    }
    const error = await inputError(readRatings(path, { onProgress }))
    expect(error.file).toBe(path)
    const how = change === 'is removed' ? 'removed' : 'written to or replaced'
    expect(error.message).toBe(`${path}: the file was ${how} while it was read; read it again when it is whole`)
  })

  it('gives an error where that is one of several', async () => {
    await mkdir(scratch.path('parts'), { recursive: true })
    for (const part of ['a', 'b']) await scratch.file(`parts/${part}.csv`, files.get('r.csv')!)
    let told = 0
    const onProgress = () => {
      if (told++ === 0) appendFileSync(scratch.path('parts/a.csv'), '1,2,3\n')
    }
    const error = await inputError(readRatings(scratch.path('parts'), { onProgress }))
    expect(error.file).toBe(scratch.path('parts/a.csv'))
  })

  it('is read where it stays as it is', async () => {
    for (const name of names) {
      expect((await readRatings(await scratch.file(name, files.get(name)!))).length).toBe(120_000)
    }
  })
})

describe('a file that is cut off', () => {
  it.each(names.slice(1))('gives an error wherever that is: %s', async name => {
    const whole = files.get(name)!
    const random = new Random(9)
    for (let cut = 0; cut < 12; cut++) {
      const length = 1 + random.below(whole.length - 1)
      const error = await inputError(readRatings(await scratch.file(name, whole.subarray(0, length))))
      expect(error.file, `${length} bytes`).toBe(scratch.path(name))
    }
  })
})

describe('a disk that fails', () => {
  it.each(names.slice(0, 2))('in the middle of a file gives an error that names it: %s', async name => {
    const path = await scratch.file(name, files.get(name)!)
    const { _read: read } = ReadStream.prototype
    let reads = 0
    const failing = vi.spyOn(ReadStream.prototype, '_read').mockImplementation(function (this: ReadStream, size) {
      if (++reads < 3) read.call(this, size)
      else this.destroy(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }))
    })
    const error = await inputError(readRatings(path)).finally(() => failing.mockRestore())
    expect(reads).toBe(3)
    expect(error.message).toBe(`${path}: the file cannot be read (EIO)`)
  })
})

import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { type InputError, OutputError } from '../../src/errors.ts'
import { CheckpointFolder } from '../../src/node/checkpoint-folder.ts'
import { readFileWhole } from '../../src/node/read-file.ts'
import type { Checkpoint } from '../../src/train/checkpoint.ts'
import { Training } from '../../src/train/training.ts'
import { useGpu } from '../support/gpu.ts'
import { inputError, Scratch } from './read-ratings-helpers.ts'

const device = useGpu()
const scratch = new Scratch()
const { ratings } = plantedRatings({ users: 20, items: 15, entries: 200, rank: 2, noise: 0.3, seed: 4 })
const checkpoints: Checkpoint[] = []

beforeAll(async () => {
  await scratch.open()
  const training = new Training(device.gpu, ratings, { factors: 3, epochs: 4 })
  for (let epoch = 1; epoch <= 3; epoch++) {
    await training.step()
    checkpoints.push(await training.checkpoint())
  }
  training.destroy()
})
afterAll(() => scratch.close())

const dir = () => scratch.path('dir')
const nameOf = (epoch: number) => `checkpoint-00000${epoch}.safetensors`
const at = (epoch: number) => join(dir(), nameOf(epoch))
let folder: CheckpointFolder

beforeEach(async () => {
  folder = await CheckpointFolder.open(dir())
})
afterEach(async () => {
  await folder.close()
  await rm(dir(), { recursive: true })
})

const makePipe = (path: string) => execFileSync('/usr/bin/env', ['mkfifo', path])

const write = (epoch: number) => folder.write(checkpoints[epoch - 1]!)

async function newest(): Promise<{ epoch: number | undefined; passedOver: InputError[] }> {
  const passedOver: InputError[] = []
  const checkpoint = await folder.newest(problem => passedOver.push(problem))
  return { epoch: checkpoint?.epoch, passedOver }
}

describe('links in a folder of checkpoints', () => {
  it('are passed over, wherever they lead', async () => {
    await write(1)
    const outside = await scratch.file('outside', await readFile(at(1)))
    for (const target of [outside, nameOf(1), '../outside', '/dev/zero', 'nowhere']) {
      await symlink(target, at(3))
      const { epoch, passedOver } = await newest()
      expect(epoch).toBe(1)
      expect(passedOver.map(({ message }) => message)).toEqual([
        `${at(3)}: is a symbolic link; expected a checkpoint in the folder itself`,
      ])
      await rm(at(3))
    }
  })

  it('are not written through, but replaced', async () => {
    const outside = await scratch.file('outside', 'of somebody else')
    await symlink(outside, at(2))
    await write(2)
    expect(await readFile(outside, 'utf8')).toBe('of somebody else')
    expect((await lstat(at(2))).isFile()).toBe(true)
    expect(await newest()).toEqual({ epoch: 2, passedOver: [] })
  })

  it('are removed where they are old, and what they lead to is not', async () => {
    const outside = await scratch.file('outside', 'of somebody else')
    await symlink(outside, at(1))
    await write(2)
    await write(3)
    expect((await readdir(dir())).sort()).toEqual(['.lock', nameOf(2), nameOf(3)])
    expect(await readFile(outside, 'utf8')).toBe('of somebody else')
  })
})

it('leaves two where a killed process left more', async () => {
  await write(3)
  const bytes = await readFile(at(3))
  for (const epoch of [1, 2]) await writeFile(at(epoch), bytes)
  expect((await newest()).epoch).toBe(3)
  expect((await readdir(dir())).sort()).toEqual(['.lock', nameOf(2), nameOf(3)])
})

describe('what is no checkpoint', () => {
  it('is passed over without waiting for it: a pipe, a folder', async () => {
    await write(1)
    makePipe(at(2))
    await mkdir(at(3))
    const { epoch, passedOver } = await newest()
    expect(epoch).toBe(1)
    expect(passedOver.map(({ message }) => message)).toEqual([
      `${at(3)}: is a directory; expected a checkpoint`,
      `${at(2)}: is no regular file; expected a checkpoint`,
    ])
  })

  it('costs no memory by its length', async () => {
    await write(1)
    await writeFile(at(2), '')
    await truncate(at(2), 2 ** 43)
    const { epoch, passedOver } = await newest()
    expect(epoch).toBe(1)
    expect(passedOver[0]!.message).toBe(`${at(2)}: the file has ${2 ** 43} bytes, for which there is no memory`)
  })
})

describe('a lock that is none', () => {
  it.each([
    ['a link', (path: string) => symlink('/dev/zero', path)],
    ['a pipe', async (path: string) => makePipe(path)],
    ['a folder', (path: string) => mkdir(path)],
    ['a large file', (path: string) => writeFile(path, new Uint8Array(5000))],
  ])('is refused without reading it: %s', async (_, make) => {
    const other = scratch.path('other')
    await mkdir(other)
    await make(join(other, '.lock'))
    const error = await CheckpointFolder.open(other).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(OutputError)
    expect((error as OutputError).message).toBe(
      `${other}: ${join(other, '.lock')} is no lock of lowrank; remove it, or take another folder`,
    )
    expect(await readdir(other)).toEqual(['.lock'])
    await rm(other, { recursive: true })
  })
})

describe('readFileWhole', () => {
  it('reads in pieces of any size', async () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, k) => (k * 7919) % 251)
    const path = await scratch.file('pieces', bytes)
    for (const pieceBytes of [1, 7, 999, 1000, 1001, undefined]) {
      expect(await readFileWhole(path, 'bytes', pieceBytes)).toEqual(bytes)
    }
    expect(await readFileWhole(await scratch.file('empty', ''), 'bytes')).toEqual(new Uint8Array(0))
  })

  it('says what is in the way', async () => {
    const path = scratch.path('none')
    expect((await inputError(readFileWhole(path, 'bytes'))).message).toBe(`${path}: there is no such file`)
    const message = `${scratch.folder}: is a directory; expected bytes`
    expect((await inputError(readFileWhole(scratch.folder, 'bytes'))).message).toBe(message)
    expect((await inputError(readFileWhole('/dev/zero', 'bytes'))).message).toContain('is no regular file')
  })
})

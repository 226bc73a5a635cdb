import { type FileHandle, mkdir, open, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { OutputError } from '../../src/errors.ts'
import { removeAbandoned, temporaryName } from '../../src/node/temporary.ts'
import { reasonOfText, replaceFile, writeFileWhole } from '../../src/node/write-file.ts'
import { leftBehind } from '../support/left-behind.ts'
import { Scratch } from './read-ratings-helpers.ts'

const scratch = new Scratch()
beforeAll(() => scratch.open())
afterAll(() => scratch.close())

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => undefined).catch((error: unknown) => error)

describe('writeFileWhole', () => {
  it('writes one piece, several pieces and none', async () => {
    const path = scratch.path('pieces')
    const pieces = [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)]
    async function* slowly() {
      for (const piece of pieces) {
        await Promise.resolve()
        yield piece
      }
    }
    for (const chunks of [Uint8Array.of(1, 2, 3), pieces, slowly()]) {
      await writeFileWhole(path, Uint8Array.of(9))
      await writeFileWhole(path, chunks)
      expect([...(await readFile(path))]).toEqual([1, 2, 3])
    }
    await writeFileWhole(path, [])
    expect((await readFile(path)).length).toBe(0)
    expect(await scratch.names()).toEqual(['pieces'])
  })

  it('leaves the old file and no other where the pieces fail', async () => {
    const path = await scratch.file('old', 'old')
    const before = await scratch.names()
    function* failing() {
      yield Uint8Array.of(1)
      throw new RangeError('no more')
    }
    expect(await outcome(writeFileWhole(path, failing()))).toEqual(new RangeError('no more'))
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await scratch.names()).toEqual(before)
  })

  it.each([
    { name: 'missing/file', says: /its folder does not exist/ },
    { name: 'plain/file', says: /its folder is a file/ },
    { name: 'folder', says: /is a directory/ },
    { name: 'x'.repeat(300), says: /name is too long/ },
  ])('refuses $name', async ({ name, says }) => {
    await mkdir(scratch.path('folder'), { recursive: true })
    await writeFile(scratch.path('plain'), '')
    const before = await scratch.names()
    const path = scratch.path(name)
    const error = await outcome(writeFileWhole(path, Uint8Array.of(1)))
    expect(error).toBeInstanceOf(OutputError)
    expect(error).toMatchObject({ file: path, message: expect.stringMatching(says) as string })
    expect(await scratch.names()).toEqual(before)
  })
})

describe('a disk that is full', () => {
  const full = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'write' })

  /** What a file's handle does when its disk is full: some of it is written, or all is refused when it is to last. */
  async function fill(step: 'writeFile' | 'sync'): Promise<void> {
    const handle = await open(await scratch.file('probe', ''))
    await handle.close()
    await rm(scratch.path('probe'))
    const methods = Object.getPrototypeOf(handle) as Pick<FileHandle, 'writeFile' | 'sync' | 'write'>
    vi.spyOn(methods, step).mockImplementation(async function (this: FileHandle) {
      if (step === 'writeFile') await this.write('half')
      throw full()
    })
  }

  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.each(['writeFile', 'sync'] as const)('is said, and what stood there stays: %s', async step => {
    const path = await scratch.file('old', 'old')
    const before = await scratch.names()
    await fill(step)
    const error = await outcome(writeFileWhole(path, Uint8Array.of(1, 2, 3)))
    expect(error).toEqual(new OutputError('cannot be written: no space is left on the disk', path))
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await scratch.names()).toEqual(before)
  })

  it.each([
    ['Could not write file "x": No space left on device', 'no space is left on the disk'],
    ['IO Error: Disk quota exceeded', 'no space is left for this user'],
    ['IO Error: something else', undefined],
  ])('is known by the words of other libraries: %s', (text, reason) => {
    expect(reasonOfText(text)).toBe(reason)
  })
})

describe('what killed processes left', () => {
  const day = 24 * 3600 * 1000

  it('goes with the next file of that name, and nothing else does', async () => {
    const elsewhere = (prefix: string) => leftBehind(prefix, '.tmp').replace(/\.[0-9a-f]{8}\./, '.00000000.')
    const dead = leftBehind('.left.', '.tmp')
    const aged = elsewhere('.left.')
    const stays = [
      // Of a process that lives, of another machine that may be at work, of another file, and what is not ours.
      temporaryName('.left.', '.tmp'),
      elsewhere('.left.'),
      leftBehind('.left2.', '.tmp'),
      leftBehind('.left.txt.', '.tmp'),
      '.left.tmp',
      `${dead}x`,
      `.left.x${dead.slice('.left.'.length)}`,
    ]
    for (const name of [dead, aged, ...stays]) await scratch.file(name, 'half')
    const long = new Date(Date.now() - 1.1 * day)
    await utimes(scratch.path(aged), long, long)
    const before = await scratch.names()
    await writeFileWhole(scratch.path('left'), Uint8Array.of(1))
    const names = await scratch.names()
    expect(new Set([...names, dead, aged])).toEqual(new Set([...before, 'left']))
    expect(names).toHaveLength(before.length - 1)
    for (const name of stays) await rm(scratch.path(name))
  })

  it('goes from the temporary folder, by links not from elsewhere', async () => {
    const folder = scratch.path('temporary')
    await mkdir(folder)
    const kept = await scratch.file('kept', 'of somebody else')
    await mkdir(join(folder, leftBehind('lowrank-')))
    await writeFile(join(folder, leftBehind('lowrank-')), 'half')
    await symlink(scratch.folder, join(folder, leftBehind('lowrank-')))
    await mkdir(join(folder, 'lowrank-cli-aB3'))
    await removeAbandoned(folder, 'lowrank-')
    expect(await readdir(folder)).toEqual(['lowrank-cli-aB3'])
    expect(await readFile(kept, 'utf8')).toBe('of somebody else')
  })
})

describe('replaceFile', () => {
  it('gives a path in the same folder and moves what stands there', async () => {
    const path = await scratch.file('target', 'old')
    await replaceFile(path, async temporary => {
      expect(temporary).toMatch(/[\\/]\.target\.[0-9a-f]{8}\.\d+\.[0-9a-f]{12}\.tmp$/)
      await writeFile(temporary, 'new')
      expect(await readFile(path, 'utf8')).toBe('old')
    })
    expect(await readFile(path, 'utf8')).toBe('new')
  })

  it('passes the errors of the writer and removes what it wrote', async () => {
    const path = await scratch.file('target', 'old')
    const before = await scratch.names()
    const failure = new Error('writer')
    const error = await outcome(
      replaceFile(path, async temporary => {
        await writeFile(temporary, 'half')
        throw failure
      }),
    )
    expect(error).toBe(failure)
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await scratch.names()).toEqual(before)
  })
})

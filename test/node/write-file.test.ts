import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OutputError } from '../../src/errors.ts'
import { replaceFile, writeFileWhole } from '../../src/node/write-file.ts'
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

describe('replaceFile', () => {
  it('gives a path in the same folder and moves what stands there', async () => {
    const path = await scratch.file('target', 'old')
    await replaceFile(path, async temporary => {
      expect(temporary).toMatch(/[\\/]\.target\.\d+\.[0-9a-f]+\.tmp$/)
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

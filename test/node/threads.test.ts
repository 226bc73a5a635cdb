import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { packOnThreads } from '../../src/layout/pack-on-threads.ts'
import { ThreadError } from '../../src/layout/threads.ts'
import { packTiles } from '../../src/layout/tiles.ts'
import { hostThreads } from '../../src/node/threads.ts'
import { drawParameters } from '../../src/train/draw-parameters.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { withPrograms } from '../support/build-program.ts'
import { parameterBits } from '../support/threads.ts'
import { inOneArray, skewed } from '../support/tiles.ts'

const thread = new URL('../../src/node/lowrank-thread.ts', import.meta.url)
const program = new URL('../support/threads-program.ts', import.meta.url)
const ratings = skewed(new Random(1), 50_000, 900, 700)
const shape = { workers: 12, strata: 12, slices: 4, nested: true }

describe('hostThreads', () => {
  it('packs as one thread does', async () => {
    const layout = packTiles(ratings, shape, { seed: 3 })
    await withPrograms([thread], async folder => {
      const file = pathToFileURL(join(folder, 'lowrank-thread.js'))
      for (const count of [2, 5]) {
        const packed = await packOnThreads(hostThreads(file, count)!, ratings, shape, { seed: 3 }, 4000)
        expect(packed.parts).toHaveLength(count)
        expect(inOneArray(packed)).toEqual(layout)
      }
    })
  })

  it('draws as one thread does', async () => {
    const options = { factors: 700, biases: true, initStd: 0.1, biasInitStd: 0.02, seed: 7 }
    await withPrograms([thread], async folder => {
      const threads = hostThreads(pathToFileURL(join(folder, 'lowrank-thread.js')), 2)
      const drawn = await drawParameters(threads, ratings, options)
      expect(parameterBits(drawn)).toEqual(parameterBits(initialParameters(ratings, options)))
    })
  })

  it('are none where their program is not', () => {
    expect(hostThreads()).toBeUndefined()
    expect(hostThreads(new URL('file:///no/such/program.js'))).toBeUndefined()
  })

  it.each([
    ['cannot be read', 'this is no program'],
    ['throws at once', 'throw new Error("denied")'],
    ['ends at once', 'process.exit(0)'],
    ['throws at a message', onMessage('throw new Error("gone")', 4)],
    ['ends at a message', onMessage('process.exit(3)', 4)],
  ])('fail where their program %s', async (_, text) => {
    await withPrograms([], async folder => {
      const file = join(folder, 'lowrank-thread.js')
      await writeFile(file, text)
      const packing = packOnThreads(hostThreads(pathToFileURL(file), 3)!, ratings, shape, { seed: 3 }, 4000)
      await expect(packing).rejects.toThrow(ThreadError)
    })
  })

  it('answer nothing once they have ended', async () => {
    await withPrograms([], async folder => {
      const file = join(folder, 'lowrank-thread.js')
      await writeFile(file, onMessage('', 0))
      const thread = hostThreads(pathToFileURL(file), 2)!.start()
      const asked = thread.ask('now')
      thread.end()
      await expect(asked).rejects.toThrow(ThreadError)
      await expect(thread.ask('later')).rejects.toThrow(ThreadError)
    })
  })
})

describe('a plain Node program that trains on many entries', () => {
  it('has threads, the same model without them, and ends by itself with code 0', async () => {
    await withPrograms([thread, program], async folder => {
      const run = async () => {
        const file = join(folder, 'threads-program.js')
        const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 50_000 })
        return JSON.parse(stdout.trim().split('\n').at(-1)!) as { started: number; ended: number; sum: number }
      }
      const { started, ended, sum } = await run()
      // All but this one pack, and one draws.
      const threads = Math.min(16, availableParallelism())
      expect(started).toBe(threads === 1 ? 0 : threads)
      expect(ended).toBe(started)
      await rm(join(folder, 'lowrank-thread.js'))
      expect(await run()).toEqual({ started: 0, ended: 0, sum })
    })
  })
})

/** The program of a thread that answers, and does something else at a message. */
function onMessage(work: string, at: number): string {
  return `import { parentPort } from 'node:worker_threads'
let messages = 0
parentPort.on('message', () => {
  if (++messages === ${at}) { ${work} }
  parentPort.postMessage(undefined)
})`
}

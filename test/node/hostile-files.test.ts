import { readFile, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { InputError } from '../../src/errors.ts'
import { CheckpointFolder } from '../../src/node/checkpoint-folder.ts'
import { readModel, writeModel } from '../../src/node/model-file.ts'
import { readRatings } from '../../src/node/read-ratings.ts'
import { writePacked } from '../../src/node/write-packed.ts'
import { writeRatings } from '../../src/node/write-ratings.ts'
import { fit } from '../../src/train/fit.ts'
import { Training } from '../../src/train/training.ts'
import { AllocationError, withLargestArray } from '../support/allocation.ts'
import { useGpu } from '../support/gpu.ts'
import { mutations } from '../support/mutations.ts'
import { rawZstd, runSql, Scratch } from './read-ratings-helpers.ts'

const device = useGpu()
const scratch = new Scratch()
const checkpoints = 'checkpoints'
const checkpointName = 'checkpoint-000001.safetensors'

const { ratings } = plantedRatings({ users: 30, items: 20, entries: 300, rank: 2, noise: 0.3, seed: 4 })

interface Kind {
  /** The file that is read. */
  name: string
  read(path: string): Promise<unknown>
  /** Bytes that hold lengths and names. */
  head: number
  /** Whether no change at all may pass. */
  sealed: boolean
}

const asRatings = (name: string, head: number, sealed = false): Kind => ({ name, read: readRatings, head, sealed })

const kinds: Record<string, Kind> = {
  model: { name: 'm.safetensors', read: path => readModel(path), head: 900, sealed: false },
  checkpoint: { name: `${checkpoints}/${checkpointName}`, read: readNewest, head: 2000, sealed: true },
  packed: asRatings('r.lrp', 128, true),
  csv: asRatings('r.csv', 60),
  gzip: asRatings('r.csv.gz', 30),
  zstd: asRatings('r.csv.zst', 30),
  parquet: asRatings('r.parquet', 30),
}

async function readNewest(): Promise<unknown> {
  const folder = await CheckpointFolder.open(scratch.path(checkpoints))
  try {
    return await folder.newest(problem => {
      expect(problem.message).toContain(checkpointName)
    })
  } finally {
    await folder.close()
  }
}

const files = new Map<string, Uint8Array<ArrayBuffer>>()

beforeAll(async () => {
  await scratch.open()
  const path = (name: string) => scratch.path(name)
  const { model } = await fit(device.gpu, ratings, { factors: 3, epochs: 1 })
  await writeModel(path('m.safetensors'), model)
  await writePacked(path('r.lrp'), ratings)
  await writeRatings(path('r.csv'), ratings)
  const text = await readFile(path('r.csv'))
  await writeFile(path('r.csv.gz'), gzipSync(text))
  await writeFile(path('r.csv.zst'), rawZstd(text))
  await runSql(`copy (from read_csv('${path('r.csv')}')) to '${path('r.parquet')}' (format parquet)`)
  const folder = await CheckpointFolder.open(path(checkpoints))
  const training = new Training(device.gpu, ratings, { factors: 3, epochs: 2 })
  await training.step()
  await folder.write(await training.checkpoint())
  training.destroy()
  await folder.close()
  for (const { name } of Object.values(kinds)) files.set(name, new Uint8Array(await readFile(path(name))))
})
afterAll(() => scratch.close())

/** Room for the columns of so small a file, by readers that take some 256 KiB at once. */
const room = (bytes: number) => 16 * bytes + 2 ** 21

describe('a file that is changed in any way', () => {
  it.each(Object.entries(kinds))(
    'is read, or refused by its name, in memory of its size: %s',
    async (kind, settings) => {
      const { name, read, head, sealed } = settings
      const whole = files.get(name)!
      const path = scratch.path(name)
      const before = await scratch.names()
      const runs = kind === 'zstd' || kind === 'parquet' ? 60 : 300
      const seen = { same: 0, changed: 0, refused: 0 }
      await fc.assert(
        fc.asyncProperty(mutations(head, [...files.values()]), async mutate => {
          const bytes = mutate(whole)
          const same = Buffer.from(whole).equals(bytes)
          seen[same ? 'same' : 'changed']++
          await writeFile(path, bytes)
          try {
            await withLargestArray(room(bytes.length), () => read(path))
          } catch (error) {
            if (!(error instanceof InputError)) throw error
            expect(same).toBe(false)
            seen.refused++
            expect(error.message.startsWith(scratch.folder), error.message).toBe(true)
            expect(error.message.length).toBeLessThan(1000)
          }
        }),
        { seed: 7, numRuns: runs },
      )
      expect(seen.changed).toBeGreaterThan(0.8 * runs)
      if (sealed) expect(seen.refused).toBe(seen.changed)
      else expect(seen.refused).toBeGreaterThan(0.2 * runs)
      await writeFile(path, whole)
      await read(path)
      expect(await scratch.names()).toEqual(before)
    },
  )

  it('is found out where it makes large arrays', async () => {
    const large = withLargestArray(1000, async () => new Float64Array(126))
    await expect(large).rejects.toThrow(AllocationError)
    await withLargestArray(1000, async () => new Float64Array(125))
    expect(new Float64Array(126)).toBeInstanceOf(Float64Array)
  })
})

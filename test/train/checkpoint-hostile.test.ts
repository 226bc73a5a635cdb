import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { LowrankError } from '../../src/errors.ts'
import { Checkpoint } from '../../src/train/checkpoint.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { Training } from '../../src/train/training.ts'
import type { TrainingState } from '../../src/train/training-state.ts'
import { useGpu } from '../support/gpu.ts'

const device = useGpu()
const { ratings } = plantedRatings({ users: 25, items: 18, entries: 250, rank: 2, noise: 0.3, seed: 3 })

type Json = Record<string, unknown>

/** Values that a header may hold in the place of others. */
const values = fc.constantFrom<unknown>(null, -1, 0, 1, 3, 0.5, 1e308, 2 ** 31, 2 ** 53, '', 'x', true, [], {}, [[0]])

/** The object with one of its leaves, or what holds one, in another state. */
function changed(object: unknown, path: number[], value: unknown): unknown {
  if (typeof object !== 'object' || object === null || path.length === 0) return value
  const entries = Object.entries(object)
  if (entries.length === 0) return value
  const [name, inner] = entries[path[0]! % entries.length]!
  const copy = Array.isArray(object) ? [...object] : { ...object }
  Object.assign(copy, { [name]: changed(inner, path.slice(1), value) })
  return copy
}

/** A table cut, grown, or with other bytes. */
const tables = fc.oneof(
  fc.nat(64).map(length => (bytes: Uint8Array) => bytes.slice(0, length)),
  fc.constantFrom(1, 4, 16, 4096).map(more => (bytes: Uint8Array) => new Uint8Array([...bytes, ...Array(more)])),
  fc.constantFrom(0, 0x7f, 0xff).map(byte => (bytes: Uint8Array) => bytes.slice().fill(byte)),
)

/** A checkpoint of what it is told to be, with a sum that fits. */
async function made(whole: Checkpoint, change: (json: Json) => Json, state: Partial<TrainingState>) {
  const { identity, mark, reports } = change({
    identity: whole.identity,
    mark: whole.state.mark,
    reports: whole.state.reports,
  }) as unknown as Checkpoint & TrainingState
  const pieces = await new Checkpoint(identity, { ...whole.state, ...state, mark, reports }).encode()
  return new Uint8Array(Buffer.concat(pieces))
}

describe('a checkpoint that lies under a check sum that fits', () => {
  const kinds: [string, TrainOptions][] = [
    ['fused', {}],
    ['adam, a best epoch', { optimizer: 'adam', batchSize: 100, validationRatio: 0.2, patience: 1 }],
    ['als', { solver: 'als' }],
  ]

  it.each(kinds)('goes on, or is refused, and leaves nothing on the GPU: %s', async (_, options) => {
    const settings: TrainOptions = { factors: 3, epochs: 3, ...options }
    const first = new Training(device.gpu, ratings, settings)
    await first.step()
    await first.step()
    const whole = await first.checkpoint()
    first.destroy()
    const before = device.gpu.liveBytes
    const seen = { refused: 0, wentOn: 0 }
    const goOn = async (bytes: Uint8Array) => {
      try {
        const resume = await Checkpoint.decode(bytes, 'x')
        const training = new Training(device.gpu, ratings, { ...settings, resume })
        try {
          await training.step()
        } finally {
          training.destroy()
        }
        seen.wentOn++
      } catch (error) {
        if (!(error instanceof LowrankError)) throw error
        expect(['INPUT', 'OPTION', 'DIVERGED'], error.message).toContain(error.code)
        seen.refused++
      }
    }
    const path = fc.array(fc.nat(40), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(path, values, async (at, value) => {
        await goOn(await made(whole, json => changed(json, at, value) as Json, {}))
      }),
      { seed: 11, numRuns: 120 },
    )
    const names = [...whole.state.solver.keys()]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), tables, async (name, change) => {
        const solver = new Map(whole.state.solver)
        solver.set(name, change(solver.get(name)!) as Uint8Array<ArrayBuffer>)
        await goOn(await made(whole, json => json, { solver }))
      }),
      { seed: 12, numRuns: 30 },
    )
    expect(seen.refused).toBeGreaterThan(40)
    expect(seen.wentOn).toBeGreaterThan(5)
    expect(device.gpu.liveBytes).toBe(before)
  })
})

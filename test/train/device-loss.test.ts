import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { AbortedError, DeviceLostError, GpuUnavailableError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { Checkpoint } from '../../src/train/checkpoint.ts'
import { fit } from '../../src/train/fit.ts'
import { memoryOf, shapeOf } from '../../src/train/memory.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { type DeviceLoss, type FitResult, Training, type TrainingExtras } from '../../src/train/training.ts'
import { setUp } from '../../src/train/training-setup.ts'
import { narrow, openTestGpu } from '../support/gpu.ts'
import { type Call, loseAt } from '../support/lose-device.ts'

const { ratings } = plantedRatings({ users: 60, items: 40, entries: 900, rank: 2, noise: 0.4, seed: 2 })
const base: TrainOptions = { factors: 5, epochs: 4, seed: 1, validationRatio: 0.1 }

const opened: Gpu[] = []
afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.destroy()
})

async function open(): Promise<Gpu> {
  const gpu = await openTestGpu()
  opened.push(gpu)
  return gpu
}

/** Destroys the device at its nth submit from here on; counts them all. */
function failAtSubmit(gpu: Gpu, n: number): { submits: number } {
  const { queue } = gpu.device
  const { submit } = queue
  const seen = { submits: 0 }
  queue.submit = function (commands) {
    seen.submits++
    submit.call(this, commands)
    if (seen.submits === n) gpu.device.destroy()
  }
  return seen
}

const bytesOf = ({ model }: FitResult) => Buffer.concat(model.encode())

const short: TrainOptions = { ...base, epochs: 2 }
/** Bytes of a table's shard; and whether there is no more memory than a training whose entries are streamed takes. */
type Room = { binding?: number; streamed?: boolean }

const solvers: [string, TrainOptions & Room][] = [
  ['fused', short],
  ['fused, streamed', { ...short, workers: 2, strata: 6, streamed: true }],
  ['fused over shards', { ...short, factors: 12, binding: 1800 }],
  ['fused in halves', { ...short, precision: 'f16', schedule: 'bold' }],
  ['adam', { ...short, optimizer: 'adam', batchSize: 300 }],
  ['als', { ...short, solver: 'als' }],
  ['als, exact', { ...short, solver: 'als', rowSolver: 'exact' }],
  ['implicit', { ...short, model: 'implicit' }],
  ['bpr', { ...short, model: 'bpr' }],
]

/** Of each kind of call one in so many; odd, so that the device goes before some and after others. */
const stride = 13

/** Some calls of each kind, counted from 1, others for each solver. */
function someOf(calls: readonly Call[], solver: string): number[] {
  // No kind of call is rarer than that.
  const first = solvers.findIndex(([name]) => name === solver) % 6
  const seen = new Map<Call, number>()
  return calls.flatMap((call, at) => {
    const before = seen.get(call) ?? 0
    seen.set(call, before + 1)
    return before % stride === first ? [at + 1] : []
  })
}

/** What a training gives that uses all there is: a snapshot, a checkpoint after each epoch, validation, the model. */
interface Given {
  states: string[]
  epochs: number[]
  model: Buffer | undefined
}

/** Bytes that a training takes with its entries streamed. */
function leastOf({ capabilities }: Gpu, options: TrainOptions): number {
  const setup = setUp(ratings, options, {})
  return memoryOf(shapeOf(setup), setup.options, capabilities, { resumable: true }).least
}

async function trainAll(gpu: Gpu, settings: TrainOptions & TrainingExtras & Room, given: Given): Promise<Given> {
  const { binding, streamed = false, reopen, ...options } = settings
  const room = (of: Gpu) => {
    if (binding !== undefined) narrow(of, binding)
    return of
  }
  const training = new Training(room(gpu), ratings, {
    ...options,
    resumable: true,
    ...(streamed ? { memory: leastOf(gpu, options) / 2 ** 20 } : {}),
    ...(reopen === undefined ? {} : { reopen: async loss => room(await reopen(loss)) }),
  })
  try {
    for await (const { epoch } of training) {
      given.epochs.push(epoch)
      given.states.push(textOf(await training.checkpoint()))
    }
    expect(training.residency?.streamed ?? false).toBe(streamed)
    given.model = bytesOf(await training.finish())
    return given
  } finally {
    training.destroy()
  }
}

/** All of a checkpoint but the times; tables by their digests. */
function textOf({ identity, state }: Checkpoint): string {
  const { mark, reports, solver, kept = {} } = state
  const untimed = reports.map(({ seconds, gpuSeconds, phases, ...report }) => report)
  const tables = [...solver, ...Object.entries(kept)].map(([name, table]) => {
    const { buffer, byteOffset, byteLength } = table as Uint8Array<ArrayBuffer>
    return [
      name,
      createHash('sha256')
        .update(new Uint8Array(buffer, byteOffset, byteLength))
        .digest('hex'),
    ]
  })
  return JSON.stringify({ identity, mark, reports: untimed, tables })
}

const nothing = (): Given => ({ states: [], epochs: [], model: undefined })

interface Undisturbed {
  calls: Call[]
  expected: Given
}

const undisturbed = new Map<string, Promise<Undisturbed>>()

/** What a training gives that loses no device, and what it asks of its own. */
function undisturbedOf(name: string, options: TrainOptions & Room): Promise<Undisturbed> {
  const train = async () => {
    const calm = await open()
    const calls = loseAt(calm, -1)
    return { calls, expected: await trainAll(calm, options, nothing()) }
  }
  const known = undisturbed.get(name) ?? train()
  undisturbed.set(name, known)
  return known
}

/** Does what there is to do at each place, with devices of its own; two at a time, since each waits for compilers mostly. */
async function eachPlace(places: readonly number[], work: (at: number, open: () => Promise<Gpu>) => Promise<void>) {
  const left = places.slice()
  const lane = async () => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      const own: Gpu[] = []
      try {
        await work(at, async () => {
          const gpu = await openTestGpu()
          own.push(gpu)
          return gpu
        })
      } catch (error) {
        left.length = 0
        throw error
      } finally {
        for (const gpu of own) gpu.destroy()
      }
    }
  }
  await Promise.all([lane(), lane()])
}

describe('a device that is lost', () => {
  it.each(solvers)('costs nothing but time, whatever it was asked for: %s', async (name, options) => {
    const { calls, expected } = await undisturbedOf(name, options)
    expect(expected.epochs).toEqual([1, 2])
    const places = someOf(calls, name)
    // Every stage: packing, uploads, the epochs and their losses, validation, keeping, the snapshot, checkpoints, the end.
    expect(new Set(places.map(at => calls[at - 1])).size).toBe(5)
    let missed = 0
    await eachPlace(places, async (at, open) => {
      const gpu = await open()
      loseAt(gpu, at)
      const losses: DeviceLoss[] = []
      const reopen = (loss: DeviceLoss) => {
        losses.push(loss)
        return open()
      }
      const given = await trainAll(gpu, { ...options, reopen }, nothing())
      expect({ at, ...given }).toEqual({ at, ...expected })
      for (const loss of losses) expect(loss.goesOnFrom).toBeLessThanOrEqual(loss.epoch)
      if (losses.length > 0) missed++
    })
    // What is lost last, when all that is to be returned is on the host, nobody misses; submits may be fewer than before.
    expect(missed).toBeGreaterThan(0.75 * places.length)
  })

  it.each(solvers)('ends a training that is given no other, with what is on the host: %s', async (name, options) => {
    const { calls, expected } = await undisturbedOf(name, options)
    let withResult = 0
    await eachPlace(someOf(calls, name), async (at, open) => {
      const gpu = await open()
      loseAt(gpu, at)
      const given = nothing()
      const error = await trainAll(gpu, options, given).catch((caught: unknown) => caught)
      const { length: done } = given.epochs
      expect({ at, epochs: given.epochs }).toEqual({ at, epochs: expected.epochs.slice(0, done) })
      expect({ at, states: given.states }).toEqual({ at, states: expected.states.slice(0, given.states.length) })
      if (given.model !== undefined) expect(given.model.equals(expected.model!)).toBe(true)
      else {
        expect(error, `call ${at}`).toBeInstanceOf(DeviceLostError)
        const { epoch, result } = error as DeviceLostError<FitResult>
        expect([done, done + 1]).toContain(epoch)
        if (result !== undefined) {
          withResult++
          expect(result.epochs.length).toBe(epoch)
          expect(result.epoch).toBeLessThanOrEqual(epoch)
          expect(result.epoch).toBeGreaterThanOrEqual(done - 1)
        }
      }
      expect(gpu.liveBytes).toBeLessThan(1e5)
    })
    expect(withResult).toBeGreaterThan(0)
  })

  it('is survived before, within and after the epochs, in the middle of a checkpoint too', async () => {
    const expected = bytesOf(await fit(await open(), ratings, base))
    let gpu = await open()
    const losses: DeviceLoss[] = []
    const reopen = async (loss: DeviceLoss) => {
      losses.push(loss)
      gpu = await open()
      return gpu
    }
    const training = new Training(gpu, ratings, { ...base, reopen, resumable: true })
    gpu.device.destroy()
    await training.step()
    await training.step()
    gpu.device.destroy()
    const { epoch } = await training.checkpoint()
    expect(epoch).toBe(2)
    for await (const _ of training);
    gpu.device.destroy()
    expect(bytesOf(await training.finish()).equals(expected)).toBe(true)
    // What is to be returned is on the host already: nobody missed the third device.
    expect(losses.map(loss => [loss.attempt, loss.attempts, loss.epoch])).toEqual([
      [1, 3, 0],
      [2, 3, 2],
    ])
  })

  it('ends the training where there is no other, after three, and where none can be had', async () => {
    const settings = { ...base, epochs: 30 }
    const failing = async () => {
      const gpu = await open()
      failAtSubmit(gpu, 40)
      return gpu
    }
    let asked = 0
    const error = await fit(await failing(), ratings, {
      ...settings,
      reopen: () => {
        asked++
        return failing()
      },
    }).catch((caught: unknown) => caught)
    expect(asked).toBe(3)
    expect(error).toBeInstanceOf(DeviceLostError)
    const { epoch, result } = error as DeviceLostError<FitResult>
    expect(epoch).toBeGreaterThan(3)
    expect(result!.epoch).toBeGreaterThan(0)
    expect(result!.epochs).toHaveLength(epoch)

    const none = await fit(await failing(), ratings, {
      ...settings,
      reopen: () => Promise.reject(new GpuUnavailableError('gone', '')),
    }).catch((caught: unknown) => caught)
    expect(none).toBeInstanceOf(DeviceLostError)

    const lost = await failing()
    const broken = await fit(lost, ratings, {
      ...settings,
      reopen: () => Promise.reject(new TypeError('mine')),
    }).catch((caught: unknown) => caught)
    expect(broken).toEqual(new TypeError('mine'))
    expect(lost.liveBytes).toBeLessThan(1e5)
  })

  it('is not waited for by a training that is aborted', async () => {
    const gpu = await open()
    failAtSubmit(gpu, 30)
    const stop = new AbortController()
    const error = await fit(gpu, ratings, {
      ...base,
      epochs: 30,
      signal: stop.signal,
      reopen: () => {
        stop.abort()
        return Promise.reject(new GpuUnavailableError('gone', ''))
      },
    }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(AbortedError)
    expect((error as AbortedError<FitResult>).result!.epoch).toBeGreaterThan(0)
  })

  it('is not replaced by one that cuts the work in another way', async () => {
    const gpu = await open()
    failAtSubmit(gpu, 30)
    let asked = 0
    const error = await fit(gpu, ratings, {
      ...base,
      epochs: 30,
      reopen: async () => {
        asked++
        const other = await open()
        other.capabilities.adapter.software = !other.capabilities.adapter.software
        return other
      },
    }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(DeviceLostError)
    expect(asked).toBe(3)
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { AbortedError, DeviceLostError, GpuUnavailableError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { openGpu } from '../../src/node/gpu.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { type DeviceLoss, type FitResult, Training } from '../../src/train/training.ts'

const { ratings } = plantedRatings({ users: 60, items: 40, entries: 900, rank: 2, noise: 0.4, seed: 2 })
const base: TrainOptions = { factors: 5, epochs: 4, seed: 1, validationRatio: 0.1 }

const opened: Gpu[] = []
afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.destroy()
})

async function open(): Promise<Gpu> {
  const gpu = await openGpu()
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

const solvers: [string, TrainOptions][] = [
  ['fused', base],
  ['adam', { ...base, optimizer: 'adam', batchSize: 200, epochs: 3 }],
  ['als', { ...base, solver: 'als', epochs: 3 }],
  ['bpr', { ...base, model: 'bpr', epochs: 3 }],
]

describe('a device that is lost', () => {
  it.each(solvers)('costs nothing but time, at whatever submit that is: %s', async (_, options) => {
    const calm = await open()
    const count = failAtSubmit(calm, -1)
    const expected = bytesOf(await fit(calm, ratings, options))
    expect(count.submits).toBeGreaterThan(10)
    // Every stage: packing, the epochs and their validation, keeping, reading back.
    const stride = Math.max(1, Math.floor(count.submits / 18))
    for (let at = 1; at <= count.submits; at += stride) {
      const gpu = await open()
      failAtSubmit(gpu, at)
      const losses: DeviceLoss[] = []
      const heard: number[] = []
      const result = await fit(gpu, ratings, {
        ...options,
        onEpoch: ({ epoch }) => heard.push(epoch),
        reopen: loss => {
          losses.push(loss)
          return open()
        },
      })
      expect({ at, same: bytesOf(result).equals(expected) }).toEqual({ at, same: true })
      expect(heard).toEqual(Array.from({ length: options.epochs! }, (_, epoch) => epoch + 1))
      expect(result.epochs.map(({ epoch }) => epoch)).toEqual(heard)
      for (const loss of losses) expect(loss.goesOnFrom).toBeLessThanOrEqual(loss.epoch)
      for (const used of opened.splice(0)) used.destroy()
    }
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

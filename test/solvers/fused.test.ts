import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import type { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { DeviceLostError, InputError } from '../../src/errors.ts'
import { Model } from '../../src/model/model.ts'
import type { Parameters } from '../../src/model/tables.ts'
import { FusedSolver } from '../../src/solvers/fused.ts'
import type { FusedPlan } from '../../src/solvers/fused-plan.ts'
import { fit } from '../../src/train/fit.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { type ResolvedOptions, resolveOptions, type TrainOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'
import type { FitResult } from '../../src/train/training.ts'
import { expectExactState } from '../support/exact-state.ts'
import { updateLength } from '../support/fused.ts'
import { depth, referenceOf } from '../support/fused-schedule.ts'
import { onOwnGpu, useGpu } from '../support/gpu.ts'
import { halfStep } from '../support/half.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'
import { solverContract } from './contract.ts'

solverContract('fused adagrad', { options: { solver: 'sgd', regularization: 0.1 }, divergingRate: 1e4 })
solverContract('fused sgd', {
  options: { solver: 'sgd', optimizer: 'sgd', learningRate: 0.05, regularization: 0.1 },
  divergingRate: 30,
})
solverContract('fused adagrad in halves', {
  options: { solver: 'sgd', precision: 'f16', regularization: 0.1 },
  divergingRate: 1e4,
})

const device = useGpu()

const planted = plantedRatings({ users: 90, items: 60, entries: 2400, rank: 2, noise: 0.2, seed: 7 })
const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 2 })

const flat = (workers: number, slices: number, lanes: number): FusedPlan => ({
  variant: { lanes, vecs: Math.ceil(2 / lanes), nested: false, subgroups: lanes > 1, prefetch: false, f16: false },
  shape: { workers, strata: workers, slices, nested: false },
})

/** Grids as they are cut for CPUs and for GPUs, with and without subgroups; the larger ones with replicas of heavy rows. */
const plans: [string, FusedPlan][] = [
  ['one worker', flat(1, 4, 2)],
  ['a CPU', flat(6, 4, 2)],
  ['more slices than workers', flat(3, 8, 1)],
  ['heavy rows in replicas', flat(42, 4, 2)],
  [
    'a GPU',
    {
      variant: { lanes: 2, vecs: 1, nested: true, subgroups: true, prefetch: true, f16: false },
      shape: { workers: 5, strata: 5, slices: 4, nested: true },
    },
  ],
  [
    'a GPU without subgroups',
    {
      variant: { lanes: 2, vecs: 1, nested: true, subgroups: false, prefetch: true, f16: false },
      shape: { workers: 3, strata: 7, slices: 2, nested: true },
    },
  ],
]

const settings = (options: TrainOptions = {}): ResolvedOptions =>
  resolveOptions({ solver: 'sgd', factors: 6, seed: 4, regularization: 0.3, ...options })

async function trainOn(ratings: Ratings, plan: FusedPlan | undefined, options: ResolvedOptions, epochs: number) {
  const scale = scaleOf(ratings, options)
  const initial = initialParameters(ratings, options)
  const fused = { ...options, optimizer: options.optimizer as 'sgd' | 'adagrad' }
  const solver = await FusedSolver.create(device.gpu, ratings, scale, () => initial, fused, plan)
  try {
    const losses: number[] = []
    for (let epoch = 0; epoch < epochs; epoch++) {
      const sums = await solver.runEpoch({ epoch, rateScale: 1 / (1 + epoch) })
      losses.push(sums.squaredError)
    }
    return { parameters: await solver.tables.read(device.gpu), losses, plan: solver.plan }
  } finally {
    solver.destroy()
  }
}

const bytesOf = ({ userFactors, itemFactors, userBias, itemBias }: Parameters) =>
  Buffer.concat([userFactors, itemFactors, userBias, itemBias].map(part => Buffer.from(part.buffer as ArrayBuffer)))

describe('the fused solver', () => {
  it.each(plans)('agrees with the serial reference after an epoch: %s', async (_, plan) => {
    for (const options of [settings(), settings({ optimizer: 'sgd', learningRate: 0.02, link: 'bounded' })]) {
      const { parameters, losses } = await trainOn(train, plan, options, 1)
      const expected = referenceOf(train, plan, options, 1)
      const within = (value: number) => tolerance(depth(train) * updateLength(6), 1 + Math.abs(value))
      for (const [what, actual, exact] of [
        ['user factors', parameters.userFactors, expected.users.factors],
        ['item factors', parameters.itemFactors, expected.items.factors],
        ['user biases', parameters.userBias, expected.users.bias],
        ['item biases', parameters.itemBias, expected.items.bias],
      ] as const) {
        expectClose(what, actual, exact, at => within(exact[at]!))
      }
      expectClose('loss', losses, expected.losses, at =>
        tolerance(depth(train) * updateLength(6), expected.losses[at]!),
      )
    }
  })

  it.each(plans)('keeps in step with the serial reference over ten epochs: %s', async (_, plan) => {
    const { losses } = await trainOn(train, plan, settings(), 10)
    const expected = referenceOf(train, plan, settings(), 10)
    const rmse = (sums: number[]) => sums.map(sum => Math.sqrt(sum / train.length))
    expect(expected.losses[9]).toBeLessThan(0.8 * expected.losses[0]!)
    const exact = rmse(expected.losses)
    expectClose('RMSE', rmse(losses), exact, epoch =>
      tolerance((epoch + 1) * depth(train) * updateLength(6), exact[epoch]!),
    )
  })

  it.each(plans)('gives the same bytes twice: %s', async (_, plan) => {
    const [one, two] = [await trainOn(train, plan, settings(), 3), await trainOn(train, plan, settings(), 3)]
    expect(bytesOf(one.parameters).equals(bytesOf(two.parameters))).toBe(true)
    expect(one.losses).toEqual(two.losses)
    expect(one.plan.reproducible).toBe(true)
  })

  it.each([1, 2, 3, 7, 8, 16, 31, 60])('gives the same bytes twice with %i workers', async workers => {
    const run = async () =>
      Buffer.concat((await fit(device.gpu, train, { ...settings({ workers }), epochs: 2 })).model.encode())
    expect((await run()).equals(await run())).toBe(true)
  })

  it('has heavy rows in replicas where blocks are small', async () => {
    const { plan } = await trainOn(train, flat(42, 4, 2), settings(), 0)
    expect(plan.replicas).toBeGreaterThan(5)
  })

  it.each(['f32', 'f16'] as const)(
    'goes on from its state to the same bits with heavy rows in replicas: %s',
    async precision => {
      await expectExactState(device.gpu, train, settings({ workers: 42, precision }))
    },
  )

  it('gives the same model for any order of the lines, ids being the same', async () => {
    const model = async (ratings: Ratings) =>
      Buffer.concat((await fit(device.gpu, ratings, { ...settings(), epochs: 3 })).model.encode())
    const expected = await model(train)
    for (const seed of [1, 2, 3]) {
      const permuted = train.select(new Random(seed).permutation(train.length))
      expect((await model(permuted)).equals(expected)).toBe(true)
    }
  })

  it('says in the model whether it can be had again, and says no where workers race', async () => {
    const calm = await fit(device.gpu, train, { ...settings({ workers: 6 }), epochs: 2 })
    expect(calm.plan).toMatchObject({ reproducible: true, workers: 6, strata: 6 })
    const racing = await fit(device.gpu, train, { ...settings({ workers: 6, strata: 2 }), epochs: 12 })
    expect(racing.plan).toMatchObject({ reproducible: false, workers: 6, strata: 2 })
    const again = Model.decode(new Uint8Array(Buffer.concat(racing.model.encode())))
    expect(again.parts.plan).toMatchObject({ reproducible: false, strata: 2 })
    expect((await racing.model.evaluate(test)).rmse).toBeLessThan(2 * planted.noiseFloor(test))
    racing.model.destroy()
  })

  it('keeps the last finished epoch when the device is lost', async () => {
    const error = await onOwnGpu(gpu => {
      const onEpoch = ({ epoch }: { epoch: number }) => {
        if (epoch === 2) gpu.device.destroy()
      }
      return fit(gpu, train, { ...settings(), epochs: 5, onEpoch }).catch((caught: unknown) => caught)
    })
    expect(error).toBeInstanceOf(DeviceLostError)
    const { epoch, result } = error as DeviceLostError<FitResult>
    const expected = await fit(device.gpu, train, { ...settings(), epochs: 2 })
    expect(epoch).toBe(2)
    expect(result!.model.parts.userFactors).toEqual(expected.model.parts.userFactors)
    expect(result!.plan).toEqual(expected.plan)
  })

  it('gives the same bytes where entries fill many buffers', async () => {
    const run = (binding?: number) =>
      onOwnGpu(async gpu => {
        if (binding !== undefined) gpu.capabilities.limits.maxStorageBufferBindingSize = binding
        const { model } = await fit(gpu, train, { ...settings({ workers: 2, strata: 9 }), epochs: 2, keepSeen: false })
        return Buffer.concat(model.encode())
      })
    // 2,160 entries of 8 bytes in 9 strata: three strata a buffer at most.
    expect((await run(6000)).equals(await run())).toBe(true)
  })

  it('reaches in halves what it reaches in full', async () => {
    const rmse = async (precision: 'f32' | 'f16') => {
      const { model } = await fit(device.gpu, train, { ...settings({ precision }), epochs: 30 })
      const { rmse } = await model.evaluate(test)
      model.destroy()
      return rmse
    }
    const [full, half] = [await rmse('f32'), await rmse('f16')]
    expect(Math.abs(half - full)).toBeLessThan(0.03 * full)
  })

  it('draws anew at each rounding, so that updates far below a half add up', async () => {
    const drift = async (precision: 'f32' | 'f16') => {
      const options = settings({ optimizer: 'sgd', learningRate: 2e-5, initStd: 0.5, precision })
      return (await fit(device.gpu, train, { ...options, epochs: 8 })).model.parts.userFactors
    }
    const [full, half] = [await drift('f32'), await drift('f16')]
    // Some 200 stores a row, each moved by about a fortieth of a step: 200 draws whose sum has a deviation of 2 to 3 steps.
    // One draw for all of them would move a number by all 200 steps or by none, a deviation of about 30.
    let squares = 0
    full.forEach((value, at) => {
      squares += ((half[at]! - value) / halfStep(value)) ** 2
    })
    expect(Math.sqrt(squares / full.length)).toBeLessThan(8)
    expect(half).not.toEqual(full)
  })

  it.each([1e-12, 1e13])('refuses ratings whose squares single precision cannot hold: times %d', async factor => {
    const ratings = train.select(Uint32Array.from(train.users.keys()))
    for (let e = 0; e < ratings.length; e++) ratings.values[e]! *= factor
    await expect(fit(device.gpu, ratings, settings())).rejects.toThrow(InputError)
    await expect(fit(device.gpu, ratings, settings())).rejects.toThrow('bring the ratings into other units')
  })

  it('trains ratings in other units alike', async () => {
    const scaled = train.select(Uint32Array.from(train.users.keys()))
    const factor = 10
    for (let e = 0; e < scaled.length; e++) scaled.values[e] = factor * train.values[e]!
    const run = async (ratings: Ratings) => {
      const { epochs } = await fit(device.gpu, ratings, { solver: 'sgd', factors: 6, epochs: 8, seed: 1, initStd: 0 })
      return epochs.map(({ trainLoss }) => trainLoss)
    }
    // Without initial factors, whose size the caller sets, only the biases move: all in proportion.
    const [one, other] = [await run(train), await run(scaled)]
    expectClose(
      'losses',
      other.map(loss => loss / factor ** 2),
      one,
      at => tolerance((at + 1) * depth(train) * updateLength(6), one[at]!),
    )
  })
})

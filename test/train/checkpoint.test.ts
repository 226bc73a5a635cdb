import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitRandom } from '../../src/data/split.ts'
import { AbortedError, DivergedError, InputError, OptionError } from '../../src/errors.ts'
import { decodeSafetensors, encodeSafetensors } from '../../src/model/safetensors.ts'
import { Checkpoint } from '../../src/train/checkpoint.ts'
import { fit } from '../../src/train/fit.ts'
import type { TrainOptions } from '../../src/train/options.ts'
import { type EpochReport, Training, type TrainingExtras } from '../../src/train/training.ts'
import { onOwnGpu, useGpu } from '../support/gpu.ts'

const device = useGpu()

const planted = plantedRatings({ users: 90, items: 60, entries: 2000, rank: 2, noise: 0.4, seed: 2 })
const { train, test } = splitRandom(planted.ratings, { ratio: 0.2, seed: 1 })
const base: TrainOptions = { factors: 5, epochs: 6, seed: 1 }

type Settings = TrainOptions & TrainingExtras

const bytesOf = (pieces: Uint8Array[]) => new Uint8Array(Buffer.concat(pieces))

/** Runs until so many epochs are done, and gives the checkpoint as a file holds it. */
async function checkpointAt(epoch: number, settings: Settings, ratings = train): Promise<Uint8Array> {
  const training = new Training(device.gpu, ratings, settings)
  try {
    while (training.epoch < epoch) await training.step()
    return bytesOf(await (await training.checkpoint()).encode())
  } finally {
    training.destroy()
  }
}

async function trained(settings: Settings, ratings = train) {
  const { model, epochs, epoch } = await fit(device.gpu, ratings, settings)
  return { bytes: bytesOf(model.encode()), epochs: epochs.map(untimed), epoch }
}

/** What an epoch gave, without how long it took. */
function untimed({ seconds, gpuSeconds, phases, ...report }: EpochReport): Partial<EpochReport> {
  return report
}

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('it did not fail'),
    (error: Error) => error,
  )

describe('a checkpoint', () => {
  const bold: Settings = { ...base, solver: 'sgd', optimizer: 'sgd', learningRate: 0.15, schedule: 'bold', epochs: 14 }
  // It overfits: the best epoch is not the last.
  const overfitting: Settings = {
    ...base,
    optimizer: 'sgd',
    batchSize: 128,
    learningRate: 0.1,
    regularization: 0,
    epochs: 30,
    initStd: 0.3,
    patience: 4,
  }
  const kinds: [string, Settings][] = [
    ['fused', base],
    ['fused, in halves', { ...base, precision: 'f16' }],
    ['fused, inverse rates, no biases', { ...base, schedule: 'inverse', biases: false }],
    ['fused, cosine', { ...base, schedule: 'cosine' }],
    ['fused, bold', bold],
    ['momentum', { ...base, optimizer: 'momentum', batchSize: 128 }],
    ['adam', { ...base, optimizer: 'adam', batchSize: 128 }],
    ['als', { ...base, solver: 'als' }],
    ['als, exact', { ...base, solver: 'als', rowSolver: 'exact' }],
    ['implicit', { ...base, model: 'implicit', validationRatio: 0.2 }],
    ['bpr', { ...base, model: 'bpr', negativePower: 0.5 }],
    ['patience', { ...overfitting, validationRatio: 0.2 }],
    ['validation of its own', { ...overfitting, validation: test }],
  ]

  it.each(kinds)('goes on to the same bytes: %s', async (_, settings) => {
    const straight = await trained(settings)
    const last = straight.epochs.length
    for (const epoch of new Set([0, 1, Math.min(straight.epoch + 2, last), last])) {
      const bytes = await checkpointAt(epoch, settings)
      const resume = await Checkpoint.decode(bytes)
      expect(resume.epoch).toBe(epoch)
      expect(Buffer.compare(bytesOf(await resume.encode()), bytes)).toBe(0)
      const resumed = await trained({ ...settings, resume })
      expect(resumed.epochs).toEqual(straight.epochs)
      expect(resumed.epoch).toBe(straight.epoch)
      expect(Buffer.compare(resumed.bytes, straight.bytes)).toBe(0)
    }
  })

  it('has an epoch to keep that is not the last one', async () => {
    const { epoch, epochs } = await trained({ ...overfitting, validationRatio: 0.2 })
    expect(epoch).toBeGreaterThan(2)
    expect(epochs.length).toBe(epoch + 4)
    expect((await trained(bold)).epochs.some(({ rateScale }) => rateScale! < 1)).toBe(true)
  })

  it('goes on from a training that went on from a model, and from one that went on from a checkpoint', async () => {
    const { model } = await fit(device.gpu, train, { ...base, epochs: 2 })
    const settings: Settings = { ...base, from: model, keepSeen: false }
    const straight = await trained(settings, test)
    const second = await Checkpoint.decode(await checkpointAt(2, settings, test))
    const fourth = await Checkpoint.decode(await checkpointAt(4, { ...settings, resume: second }, test))
    expect((await trained({ ...settings, resume: fourth }, test)).bytes).toEqual(straight.bytes)
    const { model: other } = await fit(device.gpu, train, { ...base, epochs: 3 })
    expect(await failure(trained({ ...settings, from: other, resume: fourth }, test))).toMatchObject({
      code: 'INPUT',
      message: expect.stringMatching(/other data/) as string,
    })
  })

  it('takes more epochs than there were to be, and no fewer than there are', async () => {
    const resume = await Checkpoint.decode(await checkpointAt(3, { ...base, epochs: 3 }))
    expect((await trained({ ...base, resume })).bytes).toEqual((await trained(base)).bytes)
    expect(await failure(trained({ ...base, epochs: 2, resume }))).toMatchObject({ code: 'OPTION', option: 'epochs' })
    const cosine: Settings = { ...base, schedule: 'cosine' }
    const bent = await Checkpoint.decode(await checkpointAt(3, cosine))
    expect(await failure(trained({ ...cosine, epochs: 7, resume: bent }))).toMatchObject({
      message: 'the checkpoint is of a training with "epochs" 6 (now 7); take the same options',
    })
  })

  it('goes on where workers race, to a model that says that it cannot be had again', async () => {
    const racing: Settings = { ...base, workers: 4, strata: 2, epochs: 12 }
    const resume = await Checkpoint.decode(await checkpointAt(6, racing))
    const { model, epochs, plan } = await fit(device.gpu, train, { ...racing, resume })
    expect(epochs).toHaveLength(12)
    expect(plan.reproducible).toBe(false)
    expect((await model.evaluate(test)).rmse).toBeLessThan(2 * planted.noiseFloor(test))
    expect(epochs[6]!.trainLoss).toBeLessThan(epochs[5]!.trainLoss)
    model.destroy()
  })

  it('refuses other options by their names', async () => {
    const resume = await Checkpoint.decode(await checkpointAt(1, base))
    const error = await failure(trained({ ...base, learningRate: 0.02, seed: 2, workers: 3, resume }))
    expect(error).toBeInstanceOf(OptionError)
    for (const name of [
      '"learningRate" 0.1 (now 0.02)',
      '"userLearningRate"',
      '"seed" 1',
      '"workers" left out (now 3)',
    ]) {
      expect(error.message).toContain(name)
    }
    expect(error.message).not.toContain('"factors"')
  })

  const { users, items, values, userIds, itemIds } = train
  const others: [string, () => Ratings][] = [
    [
      'another value',
      () =>
        new Ratings({
          ...train,
          users,
          items,
          userIds,
          itemIds,
          values: values.map((value, e) => (e === 9 ? value + 1e-6 : value)),
        }),
    ],
    ['another order', () => train.select(new Random(3).permutation(train.length))],
    ['one entry fewer', () => train.select(Uint32Array.from({ length: train.length - 1 }, (_, e) => e))],
    [
      'other ids',
      () =>
        Ratings.from(
          Array.from(users, user => `u${user}`),
          Array.from(items, item => `i${item}`),
          values,
        ),
    ],
  ]

  it.each(others)('refuses other data: %s', async (_, ratings) => {
    const resume = await Checkpoint.decode(await checkpointAt(1, { ...base, regularization: 0.5, initStd: 0.1 }))
    const error = await failure(trained({ ...base, regularization: 0.5, initStd: 0.1, resume }, ratings()))
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(/of a training on other data/)
  })

  it('takes the same entries at other times', async () => {
    const resume = await Checkpoint.decode(await checkpointAt(1, base))
    const timed = new Ratings({ users, items, values, userIds, itemIds, times: Float64Array.from(values, (_, e) => e) })
    expect((await trained({ ...base, resume }, timed)).bytes).toEqual((await trained(base)).bytes)
  })

  it('refuses a device that cuts the work in another way', async () => {
    const resume = await Checkpoint.decode(await checkpointAt(1, base))
    const plan = { ...resume.identity.plan, workers: 3, strata: 5 }
    const elsewhere = new Checkpoint({ ...resume.identity, plan, adapter: 'a large GPU' }, resume.state)
    const error = await failure(trained({ ...base, resume: elsewhere }))
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(/another way than a large GPU, .*\(workers \d+, not 3; strata \d+, not 5\)/)
  })

  it('refuses tables of another training, and leaves nothing on the GPU', async () => {
    const [own, other] = [await checkpointAt(2, base), await checkpointAt(2, { ...base, factors: 20 })]
    const before = device.gpu.liveBytes
    const { identity, state } = await Checkpoint.decode(own)
    const { solver } = (await Checkpoint.decode(other)).state
    const [first] = state.solver.keys()
    const without = new Map([...state.solver].filter(([name]) => name !== first))
    const kept = { userFactors: new Float32Array(3), itemFactors: values, userBias: values, itemBias: values }
    const wrong: [Checkpoint, RegExp][] = [
      [new Checkpoint(identity, { ...state, solver }), /takes \d+ bytes, not \d+/],
      [new Checkpoint(identity, { ...state, solver: without }), /takes \d+ bytes, not none/],
      [
        new Checkpoint(identity, { ...state, solver: new Map([...solver, ['x', new Uint8Array(4)]]) }),
        /no table is called x/,
      ],
      [new Checkpoint(identity, { ...state, kept }), /kept table userFactors has 3 numbers/],
      [new Checkpoint(identity, { ...state, mark: { ...state.mark, bestEpoch: 1 } }), /best epoch 1 is missing/],
    ]
    for (const [resume, says] of wrong) {
      const error = await failure(trained({ ...base, resume }))
      expect(error).toBeInstanceOf(InputError)
      expect(error.message).toMatch(says)
    }
    expect(device.gpu.liveBytes).toBe(before)
  })
})

describe('a checkpoint file', () => {
  it('is refused where it is cut off, wherever that is', async () => {
    const bytes = await checkpointAt(2, base)
    const random = new Random(4)
    const lengths = [0, 1, 7, 8, 9, bytes.length - 1, ...Array.from({ length: 40 }, () => random.below(bytes.length))]
    for (const length of lengths) {
      expect(await failure(Checkpoint.decode(bytes.subarray(0, length), 'x'))).toBeInstanceOf(InputError)
    }
    expect(await failure(Checkpoint.decode(new Uint8Array([...bytes, 0]), 'x'))).toBeInstanceOf(InputError)
  })

  it('is refused where a bit has flipped, wherever that is', async () => {
    const bytes = await checkpointAt(2, { ...base, validationRatio: 0.2 })
    const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))
    const random = new Random(5)
    const places = [
      ...Array.from({ length: 150 }, () => random.below(header)),
      ...Array.from({ length: 150 }, () => header + random.below(bytes.length - header)),
    ]
    for (const at of places) {
      const damaged = bytes.slice()
      damaged[at]! ^= 1 << random.below(8)
      // Blanks at the end of the header carry nothing.
      if (at < header && bytes[at] === 0x20 && damaged[at] === 0x20) continue
      const error = await failure(Checkpoint.decode(damaged, 'x'))
      expect({ at, error }).toEqual({ at, error: expect.any(InputError) as Error })
      expect(error.message).toMatch(/^x: /)
    }
  })

  it('is refused where it is none, of another version, or made to mislead', async () => {
    const bytes = await checkpointAt(1, base)
    const { model } = await fit(device.gpu, train, base)
    const { tensors, metadata } = decodeSafetensors(bytes)
    const remade = (changed: Record<string, string>, list = [...tensors.values()]) =>
      bytesOf(encodeSafetensors(list, { ...Object.fromEntries(metadata), ...changed }))
    const huge = bytesOf([new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0]), new Uint8Array(64)])
    const wrong: [Uint8Array, RegExp][] = [
      [bytesOf(model.encode()), /no checkpoint/],
      [new Uint8Array(64).fill(0x41), /header/],
      [huge, /header of \d+ bytes is announced/],
      [remade({ version: '2' }), /version "2"; this lowrank goes on from version 1 only/],
      [remade({ more: 'than that' }), /checksum/],
      [remade({ checksum: '0'.repeat(64) }), /checksum/],
      [remade({}, [...tensors.values()].slice(1)), /checksum/],
    ]
    for (const [file, says] of wrong) {
      const error = await failure(Checkpoint.decode(file, 'x'))
      expect(error).toBeInstanceOf(InputError)
      expect(error.message).toMatch(says)
    }
  })

  it('is refused where its numbers are none, whatever its checksum', async () => {
    const { identity, state } = await Checkpoint.decode(await checkpointAt(1, base))
    const { mark, reports } = state
    const wrong: [Partial<typeof state>, RegExp][] = [
      [{ mark: { ...mark, epoch: -1 } }, /mark\.epoch/],
      [{ mark: { ...mark, epoch: 5 } }, /5 epochs, the best 1, with 1 reports/],
      [{ mark: { ...mark, bestEpoch: 7 } }, /the best 7/],
      [{ mark: { ...mark, halvings: 0.5 } }, /mark\.halvings/],
      [{ reports: [{ ...reports[0]!, trainLoss: Number.NaN }] }, /reports\.0\.trainLoss/],
    ]
    for (const [changed, says] of wrong) {
      const file = bytesOf(await new Checkpoint(identity, { ...state, ...changed }).encode())
      const error = await failure(Checkpoint.decode(file))
      expect(error).toBeInstanceOf(InputError)
      expect(error.message).toMatch(says)
    }
  })
})

describe('a training that ends early', () => {
  it('has its last finished epoch as a checkpoint where it is resumable', async () => {
    const settings = { ...base, validationRatio: 0.1 }
    const straight = await trained(settings)
    for (const at of [3, 4]) {
      const stop = new AbortController()
      const training = new Training(device.gpu, train, { ...settings, signal: stop.signal, resumable: true })
      while (training.epoch < at) await training.step()
      const { gpu } = device
      const { submit } = gpu.device.queue
      // Within the epoch, before its validation: the tables are no longer those of the one before.
      gpu.device.queue.submit = function (commands) {
        stop.abort()
        return submit.call(this, commands)
      }
      try {
        expect(await failure(training.step())).toBeInstanceOf(AbortedError)
      } finally {
        gpu.device.queue.submit = submit
      }
      const resume = await training.checkpoint()
      expect(resume.epoch).toBe(at)
      expect((await trained({ ...settings, resume })).bytes).toEqual(straight.bytes)
    }
  })

  it('has none where it is not, nor after the end', async () => {
    const stop = new AbortController()
    const training = new Training(device.gpu, train, { ...base, signal: stop.signal })
    await training.step()
    stop.abort()
    await failure(training.step())
    expect((await failure(training.checkpoint())).message).toMatch(/taken before, or of one that is "resumable"/)
    const ended = new Training(device.gpu, train, { ...base, epochs: 1 })
    await ended.step()
    await ended.finish()
    expect(await failure(ended.checkpoint())).toBeInstanceOf(InputError)
  })

  it('gives the same bits whether it is resumable or not, and frees all', async () => {
    await trained(base)
    const before = device.gpu.liveBytes
    const checkpointed = new Training(device.gpu, train, { ...base, resumable: true })
    for await (const _ of checkpointed) await checkpointed.checkpoint()
    const { model } = await checkpointed.finish()
    expect(bytesOf(model.encode())).toEqual((await trained(base)).bytes)
    expect(device.gpu.liveBytes).toBe(before)
  })
})

describe('a training that diverges', () => {
  const wild: TrainOptions = { ...base, solver: 'sgd', optimizer: 'sgd', learningRate: 3, epochs: 8 }

  it('goes back and halves its rate where it may, and says so', async () => {
    expect(await failure(trained(wild))).toBeInstanceOf(DivergedError)
    const halving: TrainOptions = { ...wild, onDivergence: 'halve-rate' }
    const { epochs, bytes } = await trained(halving)
    expect(epochs).toHaveLength(8)
    const { halvings, rateScale } = epochs.at(-1)!
    expect(halvings).toBeGreaterThan(0)
    expect(rateScale).toBe(0.5 ** halvings!)
    for (const { trainLoss } of epochs) expect(Number.isFinite(trainLoss)).toBe(true)
    const resume = await Checkpoint.decode(await checkpointAt(4, halving))
    expect(resume.state.mark.halvings).toBeGreaterThan(0)
    expect((await trained({ ...halving, resume })).bytes).toEqual(bytes)
    // From the state before the epoch, not from what it left.
    const calm = await trained({ ...wild, learningRate: 3 * epochs[0]!.rateScale!, epochs: 1 })
    expect(epochs[0]!.trainLoss).toBe(calm.epochs[0]!.trainLoss)
  })

  it('gives up after ten halvings', async () => {
    const error = await failure(trained({ ...wild, learningRate: 1e9, onDivergence: 'halve-rate' }))
    expect(error).toBeInstanceOf(DivergedError)
    expect(error).toMatchObject({ epoch: 0 })
    expect((error as DivergedError).suggestedRate).toBeLessThan(1e9 / 1024)
  })

  it('has no rate to halve in als', async () => {
    for (const settings of [{ solver: 'als' }, { model: 'implicit' }] as const) {
      const error = await failure((async () => trained({ ...base, ...settings, onDivergence: 'halve-rate' }))())
      expect(error).toMatchObject({ code: 'OPTION', option: 'onDivergence' })
    }
  })

  it('leaves a calm training as it is', async () => {
    const [calm, halving] = [await trained(base), await trained({ ...base, onDivergence: 'halve-rate' })]
    expect(halving.epochs).toEqual(calm.epochs)
  })
})

describe('several trainings', () => {
  it('are taken apart and put together on one device without mixing', async () => {
    const seeds = [1, 2, 3]
    const straight = await Promise.all(seeds.map(seed => trained({ ...base, seed })))
    const files = await Promise.all(seeds.map(seed => checkpointAt(3, { ...base, seed })))
    const resumed = await onOwnGpu(gpu =>
      Promise.all(
        seeds.map(async (seed, at) => {
          const resume = await Checkpoint.decode(files[at]!)
          return bytesOf((await fit(gpu, train, { ...base, seed, resume })).model.encode())
        }),
      ),
    )
    expect(resumed).toEqual(straight.map(({ bytes }) => bytes))
  })
})

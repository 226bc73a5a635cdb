import { expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import {
  DeviceLostError,
  evaluateRanking,
  type FitResult,
  fit,
  foldIn,
  Gpu,
  Model,
  planTraining,
  plantedRatings,
  Ratings,
  splitRandom,
} from '../../src/index.ts'

// The core in a page, on the adapter that Chromium has there: other limits, other subgroups, no f16.

const planted = plantedRatings({ users: 200, items: 120, entries: 6000, rank: 3, noise: 0.2, seed: 4 })
const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 1 })
const options = { factors: 8, epochs: 25, batchSize: 512, learningRate: 0.1, regularization: 0.02, seed: 1 } as const

it('trains, evaluates, recommends, saves and loads in a page', async () => {
  const gpu = await Gpu.open()
  const { model, epochs } = await fit(gpu, train, options)
  expect(epochs).toHaveLength(25)
  const { rmse } = await model.evaluate(test)
  expect(rmse).toBeLessThan(2 * planted.noiseFloor(test))

  const user = train.userIds.at(0)
  const [best, ...others] = await model.recommend(user, { k: 5 })
  expect(others).toHaveLength(4)
  for (const other of others) expect(other.prediction).toBeLessThanOrEqual(best!.prediction)
  expect(best!.prediction).toBeCloseTo(model.predict(user, best!.item), 4)

  const copy = Model.decode(new Uint8Array(await new Blob(model.encode() as BlobPart[]).arrayBuffer()), gpu)
  expect((await copy.evaluate(test)).rmse).toBe(rmse)
  copy.destroy()
  model.destroy()
  gpu.destroy()
  expect(gpu.liveBytes).toBe(0)
})

it('tells beforehand what a training takes, in memory and time', async () => {
  const gpu = await Gpu.open()
  const plan = await planTraining(gpu, train, { factors: 8, solver: 'als' })
  expect(plan.gpuBytes.total).toBeGreaterThan(plan.gpuBytes.factors)
  expect(plan.secondsPerEpoch).toBeGreaterThan(0)
  gpu.destroy()
  expect(gpu.liveBytes).toBe(0)
})

it('gives the same bits twice, for every optimizer and solver', async () => {
  const gpu = await Gpu.open()
  const { batchSize: _, ...fused } = options
  for (const settings of [
    ...(['sgd', 'momentum', 'adagrad', 'adam', 'sparse-adam'] as const).map(optimizer => ({
      ...options,
      optimizer,
      learningRate: 0.01,
      epochs: 2,
      factors: 5,
    })),
    ...(['f32', 'f16'] as const).map(precision => ({ ...fused, precision, workers: 9, epochs: 3, factors: 18 })),
  ]) {
    const [one, two] = [await fit(gpu, train, settings), await fit(gpu, train, settings)]
    expect(one.model.parts.userFactors).toEqual(two.model.parts.userFactors)
    expect(one.model.parts.userFactors.every(Number.isFinite)).toBe(true)
  }
  gpu.destroy()
})

it('takes a device of the page and leaves it alive', async () => {
  const adapter = await navigator.gpu.requestAdapter()
  const device = await adapter!.requestDevice()
  const gpu = Gpu.from(device)
  await fit(gpu, Ratings.from(['a', 'b'], ['x', 'y'], [1, 5]), { epochs: 1 })
  gpu.destroy()
  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  await buffer.mapAsync(GPUMapMode.READ)
  device.destroy()
})

it('keeps the last finished epoch when the device is lost', async () => {
  const gpu = await Gpu.open()
  const running = fit(gpu, train, { ...options, onEpoch: e => e.epoch === 2 && gpu.device.destroy() })
  const error = await running.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(DeviceLostError)
  expect((error as DeviceLostError<FitResult>).result!.epoch).toBe(2)
})

it('trains with the fused solver, with subgroups and on a device without them', async () => {
  const { batchSize: _, ...fused } = options
  const adapter = await navigator.gpu.requestAdapter()
  const offered: GPUFeatureName[][] = adapter!.features.has('subgroups') ? [['subgroups'], []] : [[]]
  for (const requiredFeatures of offered) {
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice({ requiredFeatures })
    const gpu = Gpu.from(device)
    const { model, plan, epochs } = await fit(gpu, train, { ...fused, solver: 'sgd', epochs: 20 })
    expect(plan).toMatchObject({ reproducible: true, subgroups: requiredFeatures.length === 1 })
    expect(epochs.at(-1)!.trainLoss).toBeLessThan(epochs[0]!.trainLoss)
    expect((await model.evaluate(test)).rmse).toBeLessThan(2 * planted.noiseFloor(test))
    model.destroy()
    gpu.destroy()
    device.destroy()
  }
})

// Users have most items of their group and hardly any of others; one item of its group is held out for each.
const groups = 4
const random = new Random(8)
const grouped = Array.from({ length: 40 }, (_, user) =>
  Array.from({ length: 48 }, (_, item) => item)
    .filter(item => item !== user && random.uniform() < (item % groups === user % groups ? 0.85 : 0.02))
    .map(item => [user, item] as const),
).flat()
const entriesOf = (pairs: readonly (readonly [user: number, item: number])[]) =>
  Ratings.from(
    pairs.map(([user]) => user),
    pairs.map(([, item]) => item),
    pairs.map(() => 1),
  )
const known = entriesOf(grouped.filter(([user]) => user >= 4))
const strangers = entriesOf(grouped.filter(([user]) => user < 4))
const heldOut = (from: number, to: number) =>
  entriesOf(Array.from({ length: to - from }, (_, at) => [from + at, from + at] as const))

it.each([
  { model: 'implicit', rowSolver: 'cg' },
  { model: 'implicit', rowSolver: 'exact', alpha: 8 },
  { model: 'bpr', epochs: 80 },
] as const)('learns groups from entries without ratings, ranks, and folds in, in a page: %j', async settings => {
  const gpu = await Gpu.open()
  const { model, epochs } = await fit(gpu, known, { ...settings, factors: 4, seed: 2 })
  expect(epochs.at(-1)!.trainLoss).toBeLessThan(epochs[0]!.trainLoss)
  const { users, metrics } = await evaluateRanking(model, heldOut(4, 40), { at: [5], auc: true })
  expect(users).toEqual({ evaluated: 36, skipped: 0 })
  expect(metrics['recall@5']).toBeGreaterThan(0.95)
  expect(metrics.auc).toBeGreaterThan(0.95)
  for await (const { user, items } of model.recommendMany([5, 17, 30], { k: 5 })) {
    const has = new Set(grouped.filter(pair => pair[0] === user).map(([, item]) => item))
    const lacking = Array.from({ length: 12 }, (_, at) => groups * at + (Number(user) % groups)).filter(
      i => !has.has(i),
    )
    const first = items.slice(0, lacking.length).map(({ item }) => Number(item))
    expect(new Set(first)).toEqual(new Set(lacking.slice(0, items.length)))
    for (const { item, prediction } of items) expect(prediction).toBeCloseTo(model.predict(user, item), 4)
  }

  const folded = await foldIn(gpu, model, strangers)
  expect(folded).toMatchObject({ added: [0, 1, 2, 3], known: 0, left: 0, entries: strangers.length })
  const ranked = await evaluateRanking(folded.model, heldOut(0, 4), { at: [5] })
  expect(ranked.users).toEqual({ evaluated: 4, skipped: 0 })
  expect(ranked.metrics['recall@5']).toBe(1)
  folded.model.destroy()
  model.destroy()
  gpu.destroy()
  expect(gpu.liveBytes).toBe(0)
})

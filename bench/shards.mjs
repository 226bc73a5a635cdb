// A model whose user factors take several bindings (k = 128 and 2,000,000 users: 1 GiB, where software adapters bind 128 MiB)
// trains by the fused solver or alternating least squares, is evaluated, predicts, recommends, folds in, is saved and loaded: seconds of each, bytes on the GPU, peak memory
// of the process (on a software adapter the GPU's too). Prints a line a step and, last, one JSON object.
//
//   npm run build && node bench/shards.mjs [--users 2000000] [--items 20000] [--entries 4000000] [--factors 128] [--epochs 2]
//                                          [--precision f32] [--solver sgd|als] [--out FILE]
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { foldIn, NewUser, plantedRatings, Ratings, splitRandom, Training } from '../dist/index.js'
import { openGpu, readModel, writeModel } from '../dist/node.js'

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '2000000' },
    items: { type: 'string', default: '20000' },
    entries: { type: 'string', default: '4000000' },
    factors: { type: 'string', default: '128' },
    epochs: { type: 'string', default: '2' },
    precision: { type: 'string', default: 'f32' },
    solver: { type: 'string', default: 'sgd' },
    out: { type: 'string' },
  },
})
const [users, items, entries, factors, epochs] = ['users', 'items', 'entries', 'factors', 'epochs'].map(name =>
  Number(values[name]),
)
const asked = 1000

const gpu = await openGpu()
const steps = []
async function step(name, work) {
  const began = performance.now()
  const { result, figures = {} } = await work()
  const seconds = (performance.now() - began) / 1000
  const peakRss = process.resourceUsage().maxRSS * 1024
  steps.push({ name, seconds, gpuBytes: gpu.liveBytes, peakRss, ...figures })
  const gib = bytes => `${(bytes / 2 ** 30).toFixed(2)} GiB`
  console.error(
    `${name.padEnd(24)} ${seconds.toFixed(1).padStart(7)} s   GPU ${gib(gpu.liveBytes)}   peak memory ${gib(peakRss)}` +
      Object.entries(figures)
        .map(([key, value]) => `   ${key} ${value}`)
        .join(''),
  )
  return result
}

const { train, test } = await step('planted', () => {
  const { ratings } = plantedRatings({ users, items, entries, userExponent: 0, seed: 1 })
  return {
    result: splitRandom(ratings, { ratio: 0.02, seed: 1 }),
    figures: { rows: `${ratings.userCount} x ${ratings.itemCount}` },
  }
})
const { solver, precision } = values
const own = solver === 'sgd' ? { precision } : {}
const training = new Training(gpu, train, { factors, epochs, solver, ...own, seed: 1 })
const plan = await step('packed and uploaded', async () => {
  const result = await training.prepare()
  return { result, figures: { shards: result.shards ?? 'one a side' } }
})
for (let epoch = 1; epoch <= epochs; epoch++) {
  await step(`epoch ${epoch}`, async () => {
    const report = await training.step()
    return { figures: { 'mean squared error': report.trainLoss.toFixed(4) } }
  })
}
const { model } = await step('read back', async () => ({ result: await training.finish() }))
await step('evaluated', async () => {
  const { rmse, mae } = await model.evaluate(test)
  return { figures: { RMSE: rmse.toFixed(4), MAE: mae.toFixed(4), entries: test.length } }
})
const some = Array.from({ length: asked }, (_, at) => train.userIds.at(Math.floor((at * train.userCount) / asked)))
await step('predicted', async () => {
  const predicted = await model.predictMany(
    some,
    some.map((_, at) => train.itemIds.at(at % train.itemCount)),
  )
  return { figures: { pairs: predicted.length } }
})
await step('recommended', async () => {
  let lists = 0
  for await (const { items: list } of model.recommendMany(some, { k: 10 })) lists += Number(list.length === 10)
  return { figures: { users: lists } }
})
await step('one new user', async () => {
  const visitor = await NewUser.create(gpu, model)
  const list = await visitor.recommend([train.itemIds.at(0), train.itemIds.at(1), train.itemIds.at(2)], [5, 4, 1])
  visitor.destroy()
  return { figures: { items: list.length } }
})
await step('folded in', async () => {
  const fresh = Ratings.from(
    Array.from({ length: 3 * asked }, (_, at) => `new ${Math.floor(at / 3)}`),
    Array.from({ length: 3 * asked }, (_, at) => train.itemIds.at((7 * at) % train.itemCount)),
    Float32Array.from({ length: 3 * asked }, (_, at) => 1 + (at % 5)),
  )
  const { added, model: grown } = await foldIn(gpu, model, fresh)
  grown.destroy()
  return { figures: { added: added.length } }
})
const folder = await mkdtemp(join(tmpdir(), 'lowrank-shards-'))
try {
  const file = join(folder, 'model.safetensors')
  await step('saved', async () => {
    await writeModel(file, model)
    return { figures: { bytes: (await stat(file)).size } }
  })
  model.destroy()
  await step('loaded', async () => {
    const loaded = await readModel(file, gpu)
    const list = await loaded.recommend(some[0])
    loaded.destroy()
    return { figures: { items: list.length } }
  })
} finally {
  await rm(folder, { recursive: true })
}
const { adapter, limits } = gpu.capabilities
gpu.destroy()
const report = JSON.stringify(
  {
    adapter,
    solver,
    binding: limits.maxStorageBufferBindingSize,
    users: train.userCount,
    items: train.itemCount,
    entries,
    factors,
    epochs,
    plan,
    steps,
  },
  undefined,
  2,
)
if (values.out !== undefined) {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${report}\n`)
}
console.log(report)

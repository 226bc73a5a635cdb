// Trains on real ratings by published protocols and compares the errors with their bars. Prints a line a case and, last,
// one JSON object; exits 1 where a bar is missed.
//
//   npm run build && npm run bench:quality -- --data DIR      (DIR holds ml-100k/ as MovieLens publishes it)
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { fit, plantedRatings, splitLast, splitRandom } from '../dist/index.js'
import { openGpu, readRatings } from '../dist/node.js'

const { values } = parseArgs({
  options: { data: { type: 'string' }, seeds: { type: 'string', default: '1,2,3' }, out: { type: 'string' } },
})
const seeds = values.seeds.split(',').map(Number)
const gpu = await openGpu()
const results = []

/**
 * @param {string} name
 * @param {{ train: object, test: object }} split
 * @param {object} options
 * @param {number} bar RMSE that must be reached
 */
async function measure(name, { train, test }, options, bar) {
  const { model, seconds } = await fit(gpu, train, options)
  const { rmse, mae } = await model.evaluate(test)
  model.destroy()
  const passed = rmse <= bar
  const result = {
    name,
    options,
    train: train.length,
    test: test.length,
    rmse,
    mae,
    bar,
    passed,
    seconds: seconds.train,
  }
  results.push(result)
  const line = `${name.padEnd(44)} RMSE ${rmse.toFixed(4)}  MAE ${mae.toFixed(4)}  bar ${bar.toFixed(4)}`
  console.error(`${passed ? 'ok  ' : 'MISS'} ${line}  ${seconds.train.toFixed(1)} s`)
}

// The textbook's setting (Dive into Deep Learning, 21.3): plain Adam with weight decay, no global mean, small normal
// initial values everywhere.
const textbook = {
  optimizer: 'adam',
  factors: 30,
  epochs: 20,
  batchSize: 512,
  learningRate: 0.002,
  regularization: 1e-5,
  globalMean: false,
  initStd: 0.01,
  biasInitStd: 0.01,
}

// A setting of our own for the official split.
const tuned = {
  optimizer: 'adagrad',
  factors: 32,
  epochs: 30,
  batchSize: 1024,
  learningRate: 0.05,
  regularization: 0.1,
}

if (values.data !== undefined) {
  const all = await readRatings(join(values.data, 'ml-100k/u.data'))
  for (const seed of seeds) {
    await measure(`ML-100K last entry, textbook Adam, seed ${seed}`, splitLast(all), { ...textbook, seed }, 1.06)
  }
  for (const seed of seeds) {
    const split = splitRandom(all, { ratio: 0.1, seed })
    await measure(`ML-100K random 10%, textbook Adam, seed ${seed}`, split, { ...textbook, seed }, 0.93)
  }
  const official = {
    train: await readRatings(join(values.data, 'ml-100k/u1.base')),
    test: await readRatings(join(values.data, 'ml-100k/u1.test')),
  }
  for (const seed of seeds) await measure(`ML-100K u1, AdaGrad, seed ${seed}`, official, { ...tuned, seed }, 0.935)
}

// The planted sets of `lowrank quickstart`, on a software and on a hardware adapter: within 5% of the noise floor.
const planted = { factors: 8, epochs: 20, learningRate: 0.15, penalty: 'frobenius', regularization: 2 }
for (const shape of [
  { users: 2000, items: 1200, entries: 400_000, rank: 4 },
  { users: 6040, items: 3706, entries: 1_000_000, rank: 4 },
]) {
  for (const seed of seeds) {
    const set = plantedRatings({ ...shape, seed })
    const split = splitRandom(set.ratings, { ratio: 0.1, seed })
    const floor = set.noiseFloor(split.test)
    const name = `planted ${shape.users} x ${shape.items}, floor ${floor.toFixed(4)}, seed ${seed}`
    await measure(name, split, { ...planted, batchSize: 16384, seed }, 1.05 * floor)
  }
}

const { adapter } = gpu.capabilities
gpu.destroy()
const report = JSON.stringify({ adapter, results }, undefined, 2)
if (values.out !== undefined) {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${report}\n`)
}
console.log(report)
const missed = results.filter(({ passed }) => !passed).length
console.error(`${results.length - missed} passed, ${missed} failed`)
process.exitCode = missed === 0 ? 0 : 1

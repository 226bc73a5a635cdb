// Trains on real ratings by published protocols and compares the errors with their bars. Prints a line a case, a table
// beside the published numbers and, last, one JSON object; exits 1 where a bar is missed.
//
//   npm run build && npm run bench:quality -- --data DIR [--cases E1,E2] [--seeds 1,2,3] [--out FILE]
//
// DIR holds ml-100k/, ml-latest-small/ and movietweetings-100k/ as they are published, ml-1m/ratings.csv.gz (user, item,
// rating with a header), and the published splits ml-1m-implicit/ and gowalla/ (a line of a user and its items). Cases E are
// published protocols, I those of implicit feedback, A alternating least squares beside sgd, D the defaults, M mini-batches,
// P planted sets.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { fit, plantedRatings, splitFolds, splitLast, splitRandom } from '../dist/index.js'
import { openGpu, readRatings } from '../dist/node.js'
import { rankingCases } from './quality-ranking.mjs'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    cases: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    out: { type: 'string' },
  },
})
const seeds = values.seeds.split(',').map(Number)
const chosen = values.cases?.split(',')
const wanted = id => chosen === undefined || chosen.includes(id)
const gpu = await openGpu()
const results = []

/**
 * Trains on each split and compares the mean RMSE with the bar.
 * @param {{ id: string, name: string, published?: string, bar: number, options: object }} what
 * @param {{ train: object, test: object }[]} splits
 */
async function measure({ id, name, published, bar, options }, splits) {
  const folds = []
  let trainSeconds = 0
  for (const { train, test } of splits) {
    const { model, seconds } = await fit(gpu, train, options)
    const { rmse, mae } = await model.evaluate(test)
    model.destroy()
    folds.push({ train: train.length, test: test.length, rmse, mae })
    trainSeconds += seconds.train
  }
  const mean = key => folds.reduce((sum, fold) => sum + fold[key], 0) / folds.length
  const [rmse, mae] = [mean('rmse'), mean('mae')]
  const passed = rmse <= bar
  results.push({ id, name, published, options, rmse, mae, bar, passed, folds, seconds: trainSeconds })
  const line = `${`${id} ${name}`.padEnd(52)} RMSE ${rmse.toFixed(4)}  MAE ${mae.toFixed(4)}  bar ${bar.toFixed(4)}`
  console.error(`${passed ? 'ok  ' : 'MISS'} ${line}  ${trainSeconds.toFixed(1)} s`)
}

// MyMediaLite's BiasedMF with the options of its example page: sigmoid, bold driver, penalties by the root of the count.
const biasedMf = {
  solver: 'sgd',
  optimizer: 'sgd',
  link: 'bounded',
  schedule: 'bold',
  penalty: 'sqrt',
  initStd: 0.1,
}
const biasedMf100k = {
  ...biasedMf,
  factors: 40,
  epochs: 100,
  learningRate: 0.07,
  userRegularization: 1,
  itemRegularization: 1.2,
  biasRegularization: 0.1,
}
const biasedMf1m = {
  ...biasedMf,
  factors: 20,
  epochs: 80,
  learningRate: 0.03,
  userRegularization: 0.4,
  itemRegularization: 1.2,
  biasRegularization: 0.25,
}

// Surprise's SVD with its defaults.
const surpriseSvd = {
  solver: 'sgd',
  optimizer: 'sgd',
  factors: 100,
  epochs: 20,
  learningRate: 0.005,
  regularization: 0.02,
  penalty: 'weighted',
  initStd: 0.1,
}

// MyMediaLite's documented run on the official split.
const documentedRun = {
  solver: 'sgd',
  optimizer: 'sgd',
  link: 'bounded',
  factors: 10,
  epochs: 30,
  learningRate: 0.01,
  regularization: 0.015,
  biasRegularization: 0.01,
  penalty: 'weighted',
  initStd: 0.1,
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

// A setting of our own for the official split, by mini-batches.
const tuned = {
  solver: 'minibatch',
  optimizer: 'adagrad',
  factors: 32,
  epochs: 30,
  batchSize: 1024,
  learningRate: 0.05,
  regularization: 0.1,
}

if (values.data !== undefined) {
  const [seed] = seeds
  const all = await readRatings(join(values.data, 'ml-100k/u.data'))
  const official = await Promise.all(
    [1, 2, 3, 4, 5].map(async fold => ({
      train: await readRatings(join(values.data, `ml-100k/u${fold}.base`)),
      test: await readRatings(join(values.data, `ml-100k/u${fold}.test`)),
    })),
  )
  const folds = splitFolds(all, { folds: 5, seed })
  const options100k = { ...biasedMf100k, seed }
  const svd = { ...surpriseSvd, seed }
  if (wanted('E1')) {
    await measure(
      { id: 'E1', name: 'ML-100K 5-fold, BiasedMF k = 40', published: '0.90764', bar: 0.911, options: options100k },
      folds,
    )
  }
  if (wanted('E2')) {
    await measure({ id: 'E2', name: 'ML-100K u1 to u5, BiasedMF k = 40', bar: 0.914, options: options100k }, official)
  }
  if (wanted('E3')) {
    await measure(
      { id: 'E3', name: 'ML-100K 5-fold, SVD k = 100', published: '0.934', bar: 0.938, options: svd },
      folds,
    )
  }
  if (wanted('E4') || wanted('E5') || wanted('D2')) {
    const million = await readRatings(join(values.data, 'ml-1m/ratings.csv.gz'))
    const millionFolds = splitFolds(million, { folds: 5, seed })
    if (wanted('E4')) {
      await measure(
        { id: 'E4', name: 'ML-1M 5-fold, SVD k = 100', published: '0.873', bar: 0.875, options: svd },
        millionFolds,
      )
    }
    if (wanted('E5')) {
      await measure(
        {
          id: 'E5',
          name: 'ML-1M 5-fold, BiasedMF k = 20',
          published: '0.852',
          bar: 0.855,
          options: { ...biasedMf1m, seed },
        },
        millionFolds,
      )
    }
    if (wanted('D2')) {
      await measure({ id: 'D2', name: 'ML-1M 5-fold, the defaults', bar: 0.855, options: { seed } }, millionFolds)
    }
  }
  if (wanted('E6')) {
    for (const seed of seeds) {
      await measure(
        {
          id: 'E6',
          name: `ML-100K last entry, textbook Adam, seed ${seed}`,
          published: '1.061, 1.048',
          bar: 1.06,
          options: { ...textbook, seed },
        },
        [splitLast(all)],
      )
    }
    for (const seed of seeds) {
      await measure(
        {
          id: 'E6',
          name: `ML-100K random 10%, textbook Adam, seed ${seed}`,
          bar: 0.93,
          options: { ...textbook, seed },
        },
        [splitRandom(all, { ratio: 0.1, seed })],
      )
    }
  }
  if (wanted('E7')) {
    await measure(
      {
        id: 'E7',
        name: 'ML-100K u1, BiasedMF k = 10',
        published: '0.96108',
        bar: 0.965,
        options: { ...documentedRun, seed },
      },
      [official[0]],
    )
  }
  if (wanted('D1')) {
    for (const seed of seeds) {
      await measure({ id: 'D1', name: `ML-100K u1, the defaults, seed ${seed}`, bar: 0.93, options: { seed } }, [
        official[0],
      ])
    }
  }
  for (const [id, name, file, bar] of [
    ['D3', 'ml-latest-small 5-fold, the defaults', 'ml-latest-small/ratings.csv', 0.875],
    ['D4', 'MovieTweetings 100K 5-fold (0 to 10), the defaults', 'movietweetings-100k/ratings.dat', 1.55],
  ]) {
    if (!wanted(id)) continue
    const ratings = await readRatings(join(values.data, file))
    await measure({ id, name, bar, options: { seed } }, splitFolds(ratings, { folds: 5, seed }))
  }
  if (wanted('M1')) {
    for (const seed of seeds) {
      await measure({ id: 'M1', name: `ML-100K u1, AdaGrad, seed ${seed}`, bar: 0.935, options: { ...tuned, seed } }, [
        official[0],
      ])
    }
  }
}

const rankings = values.data === undefined ? [] : await rankingCases({ gpu, data: values.data, seeds, wanted })

// The planted sets of `lowrank quickstart`, on a software and on a hardware adapter: within 5% of the noise floor.
const planted = { factors: 8, epochs: 20, learningRate: 0.15, penalty: 'frobenius', regularization: 2 }
for (const shape of [
  { users: 2000, items: 1200, entries: 400_000, rank: 4 },
  { users: 6040, items: 3706, entries: 1_000_000, rank: 4 },
]) {
  for (const seed of wanted('P1') ? seeds : []) {
    const set = plantedRatings({ ...shape, seed })
    const split = splitRandom(set.ratings, { ratio: 0.1, seed })
    const floor = set.noiseFloor(split.test)
    const name = `planted ${shape.users} x ${shape.items}, floor ${floor.toFixed(4)}, seed ${seed}`
    await measure({ id: 'P1', name, bar: 1.05 * floor, options: { ...planted, batchSize: 16384, seed } }, [split])
  }
}

const { adapter } = gpu.capabilities
gpu.destroy()
const table = new Table({
  head: ['case', 'published RMSE', 'ours', 'MAE', 'bar', 's'],
  style: { head: [], border: [] },
})
for (const { id, name, published, rmse, mae, bar, seconds } of results) {
  table.push([`${id} ${name}`, published ?? '', rmse.toFixed(4), mae.toFixed(4), bar.toFixed(4), seconds.toFixed(1)])
}
console.error(String(table))
for (const { id, name, published, figures, bars, seconds } of rankings) {
  const reached = Object.entries(figures).map(([key, value]) => {
    const bar = bars[key] === undefined ? '' : ` (bar ${bars[key].toFixed(4)})`
    return `${key} ${value.toFixed(4)}${bar}`
  })
  console.error(
    `${id} ${name}: ${reached.join(', ')}; ${seconds.toFixed(1)} s${published ? `; published: ${published}` : ''}`,
  )
}
const report = JSON.stringify({ adapter, results, rankings }, undefined, 2)
if (values.out !== undefined) {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${report}\n`)
}
console.log(report)
const all = [...results, ...rankings]
const missed = all.filter(({ passed }) => !passed).length
console.error(`${all.length - missed} passed, ${missed} failed`)
process.exitCode = missed === 0 ? 0 : 1

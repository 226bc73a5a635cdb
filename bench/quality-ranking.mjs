// Cases of `quality.mjs` that rank: implicit feedback by published protocols, and alternating least squares beside the
// solver sgd.
import { join } from 'node:path'
import { evaluateRanking, fit, splitRandom, splitStratified } from '../dist/index.js'
import { readRatings } from '../dist/node.js'

/**
 * The published splits of ML-1M as implicit data and of Gowalla: all items are ranked but those of the training.
 * iALS (Rendle et al., 2021) with one weight for all cells, initial factors from N(0, 0.1 / sqrt(k)).
 */
const published = [
  {
    id: 'I1',
    name: 'ML-1M implicit, iALS k = 128',
    files: ['ml-1m-implicit/train.txt', 'ml-1m-implicit/test.txt'],
    options: { factors: 128, unobservedWeight: 0.3, regularization: 0.007, epochs: 12 },
    bars: { 'recall@20': 0.278, 'ndcg@20': 0.264 },
    published: 'UltraGCN .2787 .2642, LightGCN .2576 .2427',
  },
  {
    id: 'I2',
    name: 'Gowalla, iALS k = 256',
    files: ['gowalla/train.txt.gz', 'gowalla/test.txt.gz'],
    options: { factors: 256, unobservedWeight: 0.02, regularization: 0.003, epochs: 6 },
    bars: { 'recall@20': 0.173, 'ndcg@20': 0.144 },
    published: 'EASE .1765 .1467, LightGCN .1820 .1547',
  },
  {
    id: 'D5',
    name: 'ML-1M implicit, the defaults, k = 64',
    files: ['ml-1m-implicit/train.txt', 'ml-1m-implicit/test.txt'],
    options: { factors: 64 },
    bars: { 'recall@20': 0.265, 'ndcg@20': 0.25 },
  },
  {
    id: 'D6',
    name: 'Gowalla, the defaults, k = 64',
    files: ['gowalla/train.txt.gz', 'gowalla/test.txt.gz'],
    options: { factors: 64 },
    bars: { 'recall@20': 0.143, 'ndcg@20': 0.123 },
  },
]

/** cornac's BPR on ML-100K, initial factors as uniform from -0.5 / k to 0.5 / k have them. */
const bpr = {
  model: 'bpr',
  factors: 200,
  epochs: 200,
  learningRate: 0.01,
  regularization: 0.001,
  initStd: 1 / (200 * Math.sqrt(12)),
}

/** How far the RMSE of alternating least squares may lie above that of the solver sgd, each with its defaults. */
const beside = 0.005

/**
 * Runs the wanted cases and returns what they reached.
 * @param {{ gpu: import('../dist/index.js').Gpu, data: string, seeds: number[], wanted: (id: string) => boolean }} context
 */
export async function rankingCases({ gpu, data, seeds, wanted }) {
  const results = []
  const report = result => {
    results.push(result)
    const figures = Object.entries(result.figures).map(([name, value]) => {
      const bar = result.bars[name]
      return `${name} ${value.toFixed(4)}${bar === undefined ? '' : ` (${bar.toFixed(4)})`}`
    })
    const name = `${result.id} ${result.name}`.padEnd(52)
    console.error(`${result.passed ? 'ok  ' : 'MISS'} ${name} ${figures.join('  ')}  ${result.seconds.toFixed(1)} s`)
  }

  for (const { files, ...one } of published) {
    if (!wanted(one.id)) continue
    const [train, test] = await Promise.all(
      files.map(file => readRatings(join(data, file), { format: 'adjacency', duplicates: 'last' })),
    )
    const options = { model: 'implicit', seed: seeds[0], ...one.options }
    report({ ...one, options, ...judge(await rank(gpu, train, test, options, 20), one.bars) })
  }

  if (wanted('I3')) {
    const ratings = await readRatings(join(data, 'ml-100k/u.data'))
    const runs = []
    for (const seed of seeds) {
      const { train, test } = splitStratified(ratings, { ratio: 0.25, seed, by: 'items' })
      runs.push(await rank(gpu, train, test, { ...bpr, seed }, 10))
    }
    const mean = key => runs.reduce((sum, run) => sum + run.metrics[key], 0) / runs.length
    const metrics = Object.fromEntries(Object.keys(runs[0].metrics).map(key => [key, mean(key)]))
    const seconds = runs.reduce((sum, run) => sum + run.seconds, 0)
    report({
      id: 'I3',
      name: `ML-100K, BPR k = 200, mean of ${seeds.length} seeds`,
      published: 'nDCG@10 .4420, P@10 .3882, MAP .1325',
      options: bpr,
      runs,
      ...judge({ metrics, seconds }, { 'ndcg@10': 0.425, 'precision@10': 0.37 }),
    })
  }

  if (wanted('A1')) {
    const folds = await Promise.all(
      [1, 2, 3, 4, 5].map(async fold => ({
        train: await readRatings(join(data, `ml-100k/u${fold}.base`)),
        test: await readRatings(join(data, `ml-100k/u${fold}.test`)),
      })),
    )
    report({ id: 'A1', name: 'ML-100K u1 to u5, als beside sgd, k = 64', ...(await compare(gpu, folds, seeds[0])) })
  }
  if (wanted('A2')) {
    const ratings = await readRatings(join(data, 'ml-1m/ratings.csv.gz'))
    const split = splitRandom(ratings, { ratio: 0.1, seed: seeds[0] })
    report({ id: 'A2', name: 'ML-1M random 10%, als beside sgd, k = 64', ...(await compare(gpu, [split], seeds[0])) })
  }
  return results
}

/** Trains, and ranks all items for the users of the test. */
async function rank(gpu, train, test, options, k) {
  const { model, seconds } = await fit(gpu, train, options)
  const began = performance.now()
  try {
    const { metrics, users } = await evaluateRanking(model, test, { at: [k] })
    return { metrics, users, seconds: seconds.train, rankSeconds: (performance.now() - began) / 1000 }
  } finally {
    model.destroy()
  }
}

function judge({ metrics, seconds }, bars) {
  const figures = Object.fromEntries(Object.keys(bars).map(name => [name, metrics[name]]))
  return { metrics, figures, bars, seconds, passed: Object.entries(bars).every(([name, bar]) => metrics[name] >= bar) }
}

/** The mean RMSE of both solvers with their defaults over the splits; als in 11 iterations. */
async function compare(gpu, splits, seed) {
  const errors = { als: 0, sgd: 0 }
  let seconds = 0
  for (const { train, test } of splits) {
    for (const [name, options] of Object.entries({ als: { solver: 'als', epochs: 11 }, sgd: { solver: 'sgd' } })) {
      const { model, seconds: own } = await fit(gpu, train, { factors: 64, seed, ...options })
      errors[name] += (await model.evaluate(test)).rmse / splits.length
      model.destroy()
      if (name === 'als') seconds += own.train
    }
  }
  return {
    options: { factors: 64, seed, solver: 'als', epochs: 11 },
    figures: { 'als RMSE': errors.als, 'sgd RMSE': errors.sgd },
    bars: { 'als RMSE': errors.sgd + beside },
    passed: errors.als <= errors.sgd + beside,
    seconds,
  }
}

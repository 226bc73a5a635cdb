// Alternating least squares: time of each half of an iteration, beside what it must do at least (the bytes and multiply-adds
// that `plan` counts) at the rates of the same adapter: a plain copy's bytes a second, and a register-tiled product's
// multiply-adds a second (`products.mjs`), measured between the trainings. Prints a table and, last, one JSON object.
//
//   npm run build && node bench/als.mjs [--sets planted-20m,gowalla] [--data DIR] [--factors 32,64,128,256] [--epochs 3]
//                                       [--models implicit,explicit] [--row-solver cg|exact] [--out FILE]
//   npm run build && node bench/als.mjs --users 600 --items 400 --entries 30000
//
// DIR holds gowalla/train.txt.gz (a line of a user and its items). Figures are medians over all epochs but the first.
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { LimitExceededError, plantedRatings, Training } from '../dist/index.js'
import { openGpu, readRatings } from '../dist/node.js'
import { prepareCopy } from './copy-rate.mjs'
import { prepareProduct } from './products.mjs'

const { values } = parseArgs({
  options: {
    sets: { type: 'string' },
    data: { type: 'string' },
    users: { type: 'string' },
    items: { type: 'string' },
    entries: { type: 'string' },
    factors: { type: 'string', default: '32,64,128,256' },
    epochs: { type: 'string', default: '3' },
    models: { type: 'string', default: 'implicit' },
    'row-solver': { type: 'string', default: 'cg' },
    out: { type: 'string' },
  },
})
const epochs = Number(values.epochs)
const ranks = values.factors.split(',').map(Number)
if (!(epochs >= 2) || !ranks.every(k => Number.isInteger(k) && k > 0)) {
  console.error('als: --epochs takes at least 2, --factors a list of positive integers')
  process.exit(2)
}
const shapes = {
  // That of MovieLens 20M.
  'planted-20m': { users: 138_493, items: 26_744, entries: 20_000_263 },
  shape: { users: Number(values.users), items: Number(values.items), entries: Number(values.entries) },
}
const sets =
  values.sets?.split(',') ??
  (values.entries === undefined ? ['planted-20m', ...(values.data === undefined ? [] : ['gowalla'])] : ['shape'])

const gpu = await openGpu()
const copyRate = await prepareCopy(gpu)
// The tile that ranks fastest on such an adapter.
const tile = gpu.capabilities.adapter.software ? { users: 5, items: 6 } : { users: 4, items: 8 }
const results = []
for (const set of sets) {
  const ratings = await open(set)
  for (const model of values.models.split(',')) {
    for (const factors of ranks) {
      try {
        await measure(set, ratings, model, factors)
      } catch (error) {
        if (!(error instanceof LimitExceededError)) throw error
        results.push({ set, model, factors, error: error.message })
        console.error(`${set} ${model} k = ${factors}: ${error.message}`)
      }
    }
  }
}
print()
const report = JSON.stringify(
  { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, adapter: gpu.capabilities.adapter, results },
  undefined,
  2,
)
gpu.destroy()
if (values.out !== undefined) {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${report}\n`)
}
console.log(report)

async function open(set) {
  return shapes[set] === undefined
    ? await readRatings(join(values.data ?? '.', `${set}/train.txt.gz`), { format: 'adjacency' })
    : plantedRatings({ ...shapes[set], seed: 1 }).ratings
}

async function measure(set, ratings, model, factors) {
  const options = { model, solver: 'als', rowSolver: values['row-solver'], factors, epochs, seed: 1, keepSeen: false }
  const training = new Training(gpu, ratings, options)
  const packing = performance.now()
  const plan = await training.prepare()
  const packSeconds = (performance.now() - packing) / 1000
  const deviceBytes = gpu.liveBytes
  const reports = []
  const rates = []
  const shape = { users: ratings.userCount, items: ratings.itemCount, factors }
  const productRate = await prepareProduct(gpu, tile, shape)
  for (;;) {
    rates.push({ bytes: await copyRate(), operations: await productRate() })
    const report = await training.step()
    if (report === undefined) break
    reports.push(report)
  }
  training.destroy()
  const rate = key => median(rates.map(one => one[key]))
  const later = reports.slice(1)
  const half = side => {
    const seconds = median(later.map(report => report.phases[side]))
    const bytes = plan[side === 'users' ? 'userBytes' : 'itemBytes']
    const operations = plan[side === 'users' ? 'userOperations' : 'itemOperations']
    // Bytes and multiply-adds one after another, as on a CPU; a GPU hides the lesser behind the greater.
    const least = bytes / rate('bytes') + operations / rate('operations')
    return { seconds, bytes, operations, least, shareOfLeast: least / seconds }
  }
  results.push({
    set,
    model,
    factors,
    users: ratings.userCount,
    items: ratings.itemCount,
    entries: ratings.length,
    plan,
    iterationSeconds: median(later.map(report => report.seconds)),
    gpuSeconds: later.every(report => report.gpuSeconds !== undefined)
      ? median(later.map(report => report.gpuSeconds))
      : null,
    halves: { users: half('users'), items: half('items') },
    copyBytesPerSecond: rate('bytes'),
    productOperationsPerSecond: rate('operations'),
    packSeconds,
    deviceBytes,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    trainLoss: reports.map(report => report.trainLoss),
  })
  const { halves } = results.at(-1)
  const line = Object.entries(halves).map(([side, { seconds }]) => `${side} ${seconds.toFixed(2)} s`)
  console.error(`${set} ${model} k = ${factors}: ${line.join(', ')}`)
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

function print() {
  const head = [
    'set',
    'k',
    's/iteration',
    'users',
    'items',
    'GB',
    'G multiply-adds',
    'copy GB/s',
    'product G/s',
    'least / s',
    'device MiB',
  ]
  const table = new Table({ head, style: { head: [], border: [] } })
  for (const {
    error,
    set,
    model,
    factors,
    halves,
    iterationSeconds,
    copyBytesPerSecond,
    productOperationsPerSecond,
    deviceBytes,
  } of results) {
    if (error !== undefined) continue
    const { users, items } = halves
    const giga = value => (value / 1e9).toFixed(1)
    table.push([
      `${set} ${model}`,
      factors,
      iterationSeconds.toFixed(2),
      users.seconds.toFixed(2),
      items.seconds.toFixed(2),
      giga(users.bytes + items.bytes),
      giga(users.operations + items.operations),
      giga(copyBytesPerSecond),
      giga(productOperationsPerSecond),
      ((users.least + items.least) / (users.seconds + items.seconds)).toFixed(2),
      (deviceBytes / 2 ** 20).toFixed(0),
    ])
  }
  console.error(String(table))
}

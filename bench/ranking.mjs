// How fast all items are ranked for many users, beside the product alone, of the same shape on the same adapter: streamed,
// the ranker's way without masks and lists, and tiled, the classic 4 x 4 register tile (`products.mjs`). Random factors of
// the shape of a data set (Gowalla's), each user with so many seen items. Medians over the rounds, the products before and
// after each.
//
//   npm run build && node bench/ranking.mjs [--users 29858] [--items 40981] [--factors 64] [--k 20] [--seen 27]
//                                           [--rounds 3] [--out FILE]
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { IdTable, Model } from '../dist/index.js'
import { openGpu } from '../dist/node.js'
import { prepareProduct } from './products.mjs'

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '29858' },
    items: { type: 'string', default: '40981' },
    factors: { type: 'string', default: '64' },
    k: { type: 'string', default: '20' },
    seen: { type: 'string', default: '27' },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string' },
  },
})
const numbers = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]))
const { users, items, factors, k, seen, rounds } = numbers
for (const name of ['users', 'items', 'factors', 'k', 'rounds']) {
  if (!Number.isInteger(numbers[name]) || numbers[name] < 1) {
    console.error(`ranking: --${name} must be a positive integer`)
    process.exit(2)
  }
}
if (!Number.isInteger(seen) || seen < 0 || seen > items) {
  console.error(`ranking: --seen must be an integer from 0 to ${items}`)
  process.exit(2)
}

const random = generator(1)
const userFactors = gaussians(users * factors)
const itemFactors = gaussians(items * factors)
const model = {
  factors,
  userFactors,
  itemFactors,
  itemBias: gaussians(items),
  userBias: gaussians(users),
  mean: 0,
  link: 'linear',
  range: { min: 0, max: 1 },
  clip: false,
  userIds: IdTable.range(users),
  itemIds: IdTable.range(items),
  seen: drawSeen(),
  options: {},
}
const gpu = await openGpu()
const ranked = new Model(model, gpu)
const shape = { users, items, factors }
const products = {
  // The ranker's tile.
  streamed: await prepareProduct(
    gpu,
    gpu.capabilities.adapter.software ? { users: 5, items: 6 } : { users: 4, items: 8 },
    shape,
  ),
  tiled: await prepareProduct(gpu, undefined, shape),
}
const all = Uint32Array.from({ length: users }, (_, user) => user)

// Compiles, and finds how much to submit at once.
await drain(ranked.rankUsers(all.subarray(0, Math.min(users, 4096)), { k }))

const runs = { streamed: [], tiled: [], ranking: [], gpuShare: [] }
await multiply()
for (let round = 0; round < rounds; round++) {
  const started = performance.now()
  const { gpuSeconds } = await drain(ranked.rankUsers(all, { k }))
  const seconds = (performance.now() - started) / 1000
  runs.ranking.push((users * items * factors) / seconds)
  if (gpuSeconds !== undefined) runs.gpuShare.push(gpuSeconds / seconds)
  await multiply()
}
const { adapter } = gpu.capabilities
ranked.destroy()
gpu.destroy()

const rate = median(runs.ranking)
const best = Math.max(median(runs.streamed), median(runs.tiled))
const report = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  adapter,
  users,
  items,
  factors,
  k,
  seen,
  rounds,
  productsPerSecond: { streamed: median(runs.streamed), tiled: median(runs.tiled), ranking: rate },
  shareOfProduct: rate / best,
  itemsScoredPerSecond: rate / factors,
  seconds: (users * items * factors) / rate,
  ...(runs.gpuShare.length > 0 && { gpuShare: median(runs.gpuShare) }),
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
}
const giga = value => (value / 1e9).toFixed(2)
console.error(`${users} users x ${items} items, k = ${factors}, the best ${k}, ${seen} seen a user`)
console.error(
  `G multiply-adds/s: streamed ${giga(report.productsPerSecond.streamed)}, tiled ${giga(report.productsPerSecond.tiled)}, ` +
    `ranking ${giga(rate)} (${(100 * report.shareOfProduct).toFixed(0)}% of the better)`,
)
const json = JSON.stringify(report, undefined, 2)
if (values.out !== undefined) {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${json}\n`)
}
console.log(json)

async function multiply() {
  for (const [name, product] of Object.entries(products)) runs[name].push(await product())
}

async function drain(blocks) {
  let gpuSeconds = 0
  for await (const block of blocks) gpuSeconds += block.gpuSeconds ?? Number.NaN
  return { gpuSeconds: Number.isNaN(gpuSeconds) ? undefined : gpuSeconds }
}

function drawSeen() {
  const offsets = Uint32Array.from({ length: users + 1 }, (_, user) => user * seen)
  const list = new Uint32Array(users * seen)
  for (let user = 0; user < users; user++) {
    const drawn = new Set()
    while (drawn.size < seen) drawn.add(Math.floor(random() * items))
    list.set(
      [...drawn].sort((a, b) => a - b),
      user * seen,
    )
  }
  return { offsets, items: list }
}

function gaussians(length) {
  return Float32Array.from({ length }, () => random() + random() + random() - 1.5)
}

/** mulberry32 */
function generator(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

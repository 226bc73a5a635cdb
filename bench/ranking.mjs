// How fast all items are ranked for many users, beside the product alone: (a) the ranker's own register tile, which keeps
// nothing but a running maximum a user, (b) the classic 4 x 4 register tile, through workgroup memory where that pays.
// Random factors of the shape of a data set, each user with so many seen items.
//
//   npm run build && node bench/ranking.mjs [--users 29858] [--items 40981] [--factors 64] [--k 20] [--seen 27]
//                                           [--rounds 3] [--out FILE]
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '29858' },
    items: { type: 'string', default: '40981' },
    factors: { type: 'string', default: '64' },
    k: { type: 'string', default: '20' },
    seen: { type: 'string', default: '27' },
    rounds: { type: 'string', default: '3' },
    dist: { type: 'string', default: '../dist' },
    out: { type: 'string' },
  },
})
const { IdTable, Model } = await import(`${values.dist}/index.js`)
const { openGpu } = await import(`${values.dist}/node.js`)
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
const products = {
  ranker: await prepareProduct({ users: 4, items: 8 }),
  classic: await prepareProduct({ users: 4, items: 4 }),
}
const all = Uint32Array.from({ length: users }, (_, user) => user)

// Compiles, and finds how much to submit at once.
await drain(ranked.rankUsers(all.subarray(0, Math.min(users, 4096)), { k }))
for (const product of Object.values(products)) await product()

const runs = { ranker: [], classic: [], ranking: [], gpuShare: [] }
for (let round = 0; round < rounds; round++) {
  for (const [name, product] of Object.entries(products)) runs[name].push(await product())
  const started = performance.now()
  const { gpuSeconds } = await drain(ranked.rankUsers(all, { k }))
  const seconds = (performance.now() - started) / 1000
  runs.ranking.push((users * items * factors) / seconds)
  if (gpuSeconds !== undefined) runs.gpuShare.push(gpuSeconds / seconds)
}
const { adapter } = gpu.capabilities
ranked.destroy()
gpu.destroy()

const rate = median(runs.ranking)
const best = Math.max(median(runs.ranker), median(runs.classic))
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
  productsPerSecond: { tile: median(runs.ranker), classic: median(runs.classic), ranking: rate },
  shareOfProduct: rate / best,
  itemsScoredPerSecond: rate / factors,
  seconds: (users * items * factors) / rate,
  ...(runs.gpuShare.length > 0 && { gpuShare: median(runs.gpuShare) }),
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
}
const giga = value => (value / 1e9).toFixed(2)
console.error(`${users} users x ${items} items, k = ${factors}, the best ${k}, ${seen} seen a user`)
console.error(
  `G multiply-adds/s: tile ${giga(report.productsPerSecond.tile)}, classic ${giga(report.productsPerSecond.classic)}, ` +
    `ranking ${giga(rate)} (${(100 * report.shareOfProduct).toFixed(0)}% of the better)`,
)
const json = JSON.stringify(report, undefined, 2)
if (values.out !== undefined) {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${json}\n`)
}
console.log(json)

async function drain(blocks) {
  let gpuSeconds = 0
  for await (const block of blocks) gpuSeconds += block.gpuSeconds ?? Number.NaN
  return { gpuSeconds: Number.isNaN(gpuSeconds) ? undefined : gpuSeconds }
}

/**
 * The product of a block of users with a range of items, in a register tile, keeping each user's maximum; returns what
 * measures its multiply-adds a second.
 */
async function prepareProduct(tile) {
  const { device } = gpu
  const blocks = Math.ceil(factors / 4)
  const rows = Math.min(items, 2048)
  const block = 64 * tile.users * Math.max(1, Math.floor(Math.min(users, 4096) / (64 * tile.users)))
  const range = tile.items * Math.floor(rows / tile.items)
  const buffer = (floats, usage = 0x88) => device.createBuffer({ size: 4 * floats, usage })
  const upload = floats => {
    const target = buffer(floats.length)
    device.queue.writeBuffer(target, 0, floats)
    return target
  }
  const staged = upload(gaussians(4 * blocks * block))
  const table = upload(gaussians(4 * blocks * Math.max(range, 1)))
  const best = buffer(block)
  const sizes = buffer(4, 0x48)
  device.queue.writeBuffer(sizes, 0, Uint32Array.of(blocks, block, range, 0))
  const module = device.createShaderModule({
    code: `
      const USERS = ${tile.users};
      const ITEMS = ${tile.items};
      @group(0) @binding(0) var<storage, read> staged: array<vec4f>;
      @group(0) @binding(1) var<storage, read> rows: array<vec4f>;
      @group(0) @binding(2) var<storage, read_write> best: array<f32>;
      @group(0) @binding(3) var<uniform> sizes: vec4u;
      @compute @workgroup_size(64) fn product(
        @builtin(workgroup_id) group: vec3u,
        @builtin(local_invocation_index) local_index: u32,
      ) {
        let first = group.x * 64 * USERS + local_index;
        var highest: array<f32, USERS>;
        for (var x = 0u; x < USERS; x++) { highest[x] = -1e30; }
        for (var item = 0u; item < sizes.z; item += ITEMS) {
          var tile: array<f32, USERS * ITEMS>;
          for (var block = 0u; block < sizes.x; block++) {
            var p: array<vec4f, USERS>;
            for (var x = 0u; x < USERS; x++) { p[x] = staged[block * sizes.y + first + 64 * x]; }
            for (var y = 0u; y < ITEMS; y++) {
              let q = rows[(item + y) * sizes.x + block];
              for (var x = 0u; x < USERS; x++) { tile[x * ITEMS + y] += dot(p[x], q); }
            }
          }
          for (var x = 0u; x < USERS; x++) {
            for (var y = 0u; y < ITEMS; y++) { highest[x] = max(highest[x], tile[x * ITEMS + y]); }
          }
        }
        for (var x = 0u; x < USERS; x++) { best[first + 64 * x] = highest[x]; }
      }`,
  })
  const pipeline = await gpu.wait(device.createComputePipelineAsync({ layout: 'auto', compute: { module } }))
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [staged, table, best, sizes].map((bound, binding) => ({ binding, resource: { buffer: bound } })),
  })
  const run = async dispatches => {
    const started = performance.now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    for (let n = 0; n < dispatches; n++) pass.dispatchWorkgroups(block / (64 * tile.users))
    pass.end()
    device.queue.submit([encoder.finish()])
    await gpu.idle()
    return (dispatches * block * range * factors) / ((performance.now() - started) / 1000)
  }
  // As many dispatches as take about half a second.
  await run(1)
  const dispatches = Math.max(1, Math.ceil((0.5 * (await run(1))) / (block * range * factors)))
  return () => run(dispatches)
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

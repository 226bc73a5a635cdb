// How busy the workers of the fused solver's grid are: efficiency = entries / (workers * the longest worker's entries,
// summed over strata), by the planner's own figure, without replicas of heavy rows and with them. No GPU is needed.
//
//   npm run build && node bench/efficiency.mjs [--data DIR] [--out FILE]
//
// DIR holds ml-1m/ratings.csv.gz and gowalla/train.txt.gz (a line is a user and its items). Slices: 1 has every worker on
// tiles of its own; with 8, workgroups of 8 workers share tiles in sub-strata.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import Table from 'cli-table3'
import { packTiles, plantedRatings, Ratings } from '../dist/index.js'
import { readRatings } from '../dist/node.js'

const { values } = parseArgs({ options: { data: { type: 'string' }, out: { type: 'string' } } })
const counts = [16, 64, 256, 512, 1024, 4096]

const sets = {
  ...(values.data !== undefined && {
    'ML-1M': () => readRatings(join(values.data, 'ml-1m/ratings.csv.gz')),
    Gowalla: () => readAdjacency(join(values.data, 'gowalla/train.txt.gz')),
  }),
  // The most popular item has about 4% of all entries: without replicas, work for two dozen workers.
  'Zipf, 4.5 M': () =>
    plantedRatings({ users: 400_000, items: 12_000, entries: 4_500_000, itemExponent: 0.85, itemShift: 0, seed: 1 })
      .ratings,
}

const results = []
for (const [name, read] of Object.entries(sets)) {
  const ratings = await read()
  const heaviest = heaviestShare(ratings)
  const table = new Table({
    head: [
      'workers',
      '1 slice, no replicas',
      '1 slice',
      '8 slices, no replicas',
      '8 slices',
      'entries a tile',
      'replicas',
      'pack s',
    ],
    style: { head: [], border: [] },
  })
  for (const workers of counts) {
    const row = { set: name, entries: ratings.length, heaviestShare: heaviest, workers, packSeconds: 0 }
    for (const slices of [1, 8]) {
      const groups = workers / slices
      const shape = { workers: groups, strata: groups, slices, nested: slices > 1 }
      const whole = packTiles(ratings, shape, { seed: 1, replicaCap: Number.POSITIVE_INFINITY })
      const started = performance.now()
      const split = packTiles(ratings, shape, { seed: 1 })
      row.packSeconds = Math.max(row.packSeconds, (performance.now() - started) / 1000)
      row[`slices${slices}`] = { withoutReplicas: whole.efficiency, withReplicas: split.efficiency }
      row.replicas =
        split.users.rowOf.length - whole.users.rowOf.length + split.items.rowOf.length - whole.items.rowOf.length
    }
    results.push(row)
    const figures = [1, 8].flatMap(slices => Object.values(row[`slices${slices}`]).map(value => value.toFixed(2)))
    table.push([
      workers,
      ...figures,
      (ratings.length / workers ** 2).toFixed(1),
      row.replicas,
      row.packSeconds.toFixed(2),
    ])
  }
  console.error(`${name}: ${ratings.length} entries, the heaviest row has ${(100 * heaviest).toFixed(2)}% of them`)
  console.error(String(table))
}
const report = JSON.stringify(results, undefined, 2)
if (values.out !== undefined) await writeFile(values.out, `${report}\n`)
console.log(report)

/** @param {Ratings} ratings */
function heaviestShare({ users, items, userCount, itemCount, length }) {
  const most = (rows, count) => {
    const entries = new Uint32Array(count)
    for (const row of rows) entries[row]++
    return entries.reduce((max, value) => Math.max(max, value), 0)
  }
  return Math.max(most(users, userCount), most(items, itemCount)) / length
}

/** @param {string} file */
async function readAdjacency(file) {
  const users = []
  const items = []
  for (const line of gunzipSync(await readFile(file))
    .toString()
    .split('\n')) {
    const [user, ...own] = line.trim().split(' ').filter(Boolean).map(Number)
    for (const item of own) {
      users.push(user)
      items.push(item)
    }
  }
  return Ratings.from(users, items, new Float32Array(users.length).fill(1))
}

/**
 * How time and memory grow: trainings of the fused solver on generated ratings of Netflix's shape (480,189 x 17,770), read
 * from Parquet, packed, and trained from the packed file by a process of its own. Two sweeps, over the entries at one k and
 * over k at one number of entries. Needs a build: `npm run build && node bench/growth.mjs > growth.json`; then
 * `node bench/growth-plot.mjs growth.json` prints the table and draws the plot of `docs/performance.md`. 100 million
 * entries take 2 GB of disk below `--folder` (by default the temporary one). Prints one JSON object.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000,3000000,10000000,30000000,100000000' },
    factors: { type: 'string', default: '16,32,64,128,256' },
    'at-rows': { type: 'string', default: '10000000' },
    'at-factors': { type: 'string', default: '32' },
    epochs: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
  },
})

const numbers = (/** @type {string} */ list) => list.split(',').map(Number)
const atRows = Number(values['at-rows'])
const atFactors = Number(values['at-factors'])
const folder = await mkdtemp(join(values.folder, 'lowrank-growth-'))
const results = []
try {
  for (const rows of new Set([...numbers(values.rows), atRows])) {
    const { packed, reading } = read(rows)
    const sweep = rows === atRows ? [...new Set([...numbers(values.factors), atFactors])] : [atFactors]
    for (const factors of sweep.sort((a, b) => a - b))
      results.push({ rows, factors, reading, ...train(packed, factors) })
    await rm(packed)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
console.log(JSON.stringify({ ...machine, atRows, atFactors, results }, undefined, 2))

/**
 * Generates, reads and packs.
 * @param {number} rows
 */
function read(rows) {
  const words = ['--rows', String(rows), '--folder', folder, '--keep']
  const { folder: made, results } = run([fileURLToPath(new URL('large.mjs', import.meta.url)), ...words])
  const { pack, open } = results[0]
  return {
    packed: join(made, `${rows}-ratings.parquet.lrp`),
    reading: {
      entries: results[0].rows,
      readSeconds: pack.seconds.read,
      openSeconds: open.seconds,
      peakRssBytes: pack.peakRssBytes,
    },
  }
}

/**
 * @param {string} file
 * @param {number} factors
 */
function train(file, factors) {
  const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
  const out = join(folder, 'model.safetensors')
  const options = ['--factors', String(factors), '--epochs', values.epochs, '--seed', '1', '--out', out, '--json']
  const { entries, epochs, seconds, peakRssBytes, adapter } = run([cli, 'train', file, ...options])
  // The first epoch compiles the kernels.
  const own = epochs.slice(1).map((/** @type {{ seconds: number }} */ { seconds }) => seconds)
  return { entries: entries.train, seconds, epochSeconds: median(own), peakRssBytes, adapter: adapter.description }
}

/** @param {string[]} words */
function run(words) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`${words.join(' ')} failed: ${stderr}`)
  return JSON.parse(stdout)
}

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

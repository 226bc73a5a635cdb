/**
 * Time and memory of reading ratings: 5 million generated rows as integer csv, string csv, gzip csv and Parquet, each
 * read by a process of its own. Needs a build: `npm run build && node bench/ingest.mjs`, or another one by its URL in
 * `LOWRANK_NODE`. Prints one JSON object: `seconds` and `cpuSeconds` are those of `readRatings`, `processSeconds` and
 * `peakRssBytes` those of the whole process. `--rows N` sets the rows.
 */
import { execFileSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createGzip } from 'node:zlib'

const LIBRARY = process.env.LOWRANK_NODE ?? new URL('../dist/node.js', import.meta.url).href

const { values } = parseArgs({ options: { rows: { type: 'string', default: '5000000' }, read: { type: 'string' } } })

if (values.read === undefined) await benchmark(Number(values.rows))
else await readOne(values.read)

/** @param {string} path */
async function readOne(path) {
  const { readRatings } = await import(LIBRARY)
  const started = performance.now()
  const before = process.cpuUsage()
  const ratings = await readRatings(path)
  const cpu = process.cpuUsage(before)
  const result = {
    rows: ratings.length,
    users: ratings.userCount,
    items: ratings.itemCount,
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }
  console.log(JSON.stringify(result))
}

/** @param {number} rows */
async function benchmark(rows) {
  const folder = await mkdtemp(join(tmpdir(), 'lowrank-ingest-'))
  try {
    const path = (/** @type {string} */ name) => join(folder, name)
    await pipeline(Readable.from(generate(rows, '', '')), createWriteStream(path('integers.csv')))
    await pipeline(Readable.from(generate(rows, 'user-name-', 'product/')), createWriteStream(path('strings.csv')))
    const gzip = createGzip({ level: 4 })
    await pipeline(
      Readable.from(generate(rows, 'user-name-', 'product/')),
      gzip,
      createWriteStream(path('strings.csv.gz')),
    )
    const { readRatings, writeRatings } = await import(LIBRARY)
    await writeRatings(path('integers.parquet'), await readRatings(path('integers.csv')))
    const names = ['integers.csv', 'strings.csv', 'strings.csv.gz', 'integers.parquet']
    const results = names.map(name => [name, measure(path(name))])
    console.log(
      JSON.stringify({
        cpu: cpus()[0]?.model,
        cores: cpus().length,
        node: process.version,
        ...Object.fromEntries(results),
      }),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param {string} path */
function measure(path) {
  const started = performance.now()
  const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--read', path], { encoding: 'utf8' })
  return { ...JSON.parse(output), processSeconds: (performance.now() - started) / 1000 }
}

/**
 * Rows of a set shaped like MovieLens 20M: 138,493 users, 26,744 items of which the first are much more popular, half
 * stars, times. Each pair of user and item appears once: rows walk over the users, and a user's items are distinct.
 * @param {number} rows
 * @param {string} user
 * @param {string} item
 */
function* generate(rows, user, item) {
  let text = 'user,item,rating,timestamp\n'
  let state = 1
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const users = Math.min(138_493, rows)
  for (let row = 0; row < rows; row++) {
    const round = Math.floor(row / users)
    const rounds = Math.ceil(rows / users)
    // Round k draws from the k-th of as many slices of the items, whose sizes grow quadratically.
    const [from, to] = [round, round + 1].map(k => Math.floor(26_744 * (k / rounds) ** 2))
    const drawn = rounds > 160 ? round : from + Math.floor(uniform() * (to - from))
    const u = Math.floor(((row % users) * 48_271) % users) + 1
    text += `${user}${u},${item}${drawn + 1},${(1 + Math.floor(uniform() * 10)) / 2},${1e9 + Math.floor(uniform() * 4e8)}\n`
    if (text.length < 1 << 16) continue
    yield text
    text = ''
  }
  yield text
}

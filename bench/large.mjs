/**
 * Time and memory of reading and packing many ratings: generated ones of Netflix's shape (480,189 users, 17,770 items,
 * skewed; a planted angle for each), read and packed by one process, opened again by another one, and trained on for an
 * epoch by a third (`secondsToTrain`: from the start of its process to that of the epoch). Needs a build:
 * `npm run build && node bench/large.mjs --rows 10000000,30000000,100000000` (480,189 at least). 100 million rows take 2 GB of disk below
 * `--folder` (by default the temporary one). `--as` says what they are read from: `parquet`, `parts` (a folder of it),
 * `text-ids` (Parquet), `csv`, `csv-gz`. `--test-ratio` is what the training holds out (0.1). `--keep` leaves the files. Prints one
 * JSON object.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'

const USERS = 480_189
const ITEMS = 17_770
/** Rounds at most, a prime: in each a user takes one item, of another slice of them. */
const ROUNDS = 2729

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    as: { type: 'string', default: 'parquet' },
    folder: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false },
    'test-ratio': { type: 'string', default: '0.1' },
    child: { type: 'string' },
    file: { type: 'string', default: '' },
    out: { type: 'string', default: '' },
  },
})

const KINDS = {
  parquet: ['ratings.parquet', 'format parquet, compression zstd'],
  parts: ['ratings', "format parquet, compression zstd, file_size_bytes '64MB'"],
  'text-ids': ['ratings.parquet', 'format parquet, compression zstd'],
  csv: ['ratings.csv', 'format csv'],
  'csv-gz': ['ratings.csv.gz', 'format csv, compression gzip'],
}

if (values.child !== undefined) await runChild(values.child)
else await benchmark(values.rows.split(',').map(Number))

/** @param {number[]} sizes */
async function benchmark(sizes) {
  const folder = await mkdtemp(join(values.folder, 'lowrank-large-'))
  const kind = KINDS[/** @type {keyof typeof KINDS} */ (values.as)]
  if (kind === undefined) throw new Error(`--as must be one of ${Object.keys(KINDS).join(', ')}`)
  const results = []
  try {
    for (const rows of sizes) {
      const file = join(folder, `${rows}-${kind[0]}`)
      const packed = `${file}.lrp`
      await generate(rows, file, /** @type {string} */ (kind[1]))
      const pack = measure('pack', file, packed)
      const open = measure('open', packed, '')
      const train = measureTraining(packed)
      results.push({ rows: open.rows, pack, open, train })
      if (values.keep) continue
      for (const path of [file, packed]) await rm(path, { recursive: true })
    }
    const cpu = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
    console.log(
      JSON.stringify({ ...cpu, as: values.as, folder: values.keep ? folder : undefined, results }, undefined, 2),
    )
  } finally {
    if (!values.keep) await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Runs a step in a process of its own: its JSON object with the seconds and the memory of the whole process.
 * @param {string} step
 * @param {string} file
 * @param {string} out
 */
function measure(step, file, out) {
  const { result, usage } = runStep(step, file, out)
  const { rows, entries, bytes, seconds } = result
  return { rows: rows.skipped === undefined ? rows : entries, bytes, seconds, ...usage }
}

/** @param {string} packed */
function measureTraining(packed) {
  const { result, usage } = runStep('train', packed, '')
  const { firstEpoch, ...rest } = usage
  const { read, pack, train } = result.seconds
  return {
    secondsToTrain: firstEpoch.seconds - train,
    cpuSecondsWithEpoch: firstEpoch.cpuSeconds,
    read,
    pack,
    train,
    ...rest,
  }
}

/**
 * @param {string} step
 * @param {string} file
 * @param {string} out
 */
function runStep(step, file, out) {
  const started = performance.now()
  const words = [
    fileURLToPath(import.meta.url),
    '--child',
    step,
    '--file',
    file,
    '--out',
    out,
    '--test-ratio',
    values['test-ratio'],
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${step} failed: ${stderr}`)
  const usage = JSON.parse(stderr.trim().split('\n').at(-1) ?? '')
  return { result: JSON.parse(stdout), usage: { ...usage, processSeconds: since(started) } }
}

/** @param {string} step */
async function runChild(step) {
  /** @type {{ seconds: number, cpuSeconds: number } | undefined} */
  let firstEpoch
  process.on('exit', () => {
    const peakRssBytes = process.resourceUsage().maxRSS * 1024
    console.error(JSON.stringify({ cpuSeconds: cpuSeconds(), peakRssBytes, firstEpoch }))
  })
  if (step === 'pack') {
    await runCommand('pack', values.file, '--out', values.out, '--json')
    return
  }
  if (step === 'train') {
    const write = process.stderr.write.bind(process.stderr)
    process.stderr.write = (/** @type {string | Uint8Array} */ text, /** @type {any[]} */ ...rest) => {
      // The line that tells of the first epoch is written at its end.
      if (String(text).startsWith('epoch 1/')) firstEpoch = { seconds: since(0), cpuSeconds: cpuSeconds() }
      return write(text, ...rest)
    }
    const test = ['--test-ratio', values['test-ratio']]
    await runCommand('train', values.file, ...test, '--factors', '32', '--epochs', '1', '--seed', '1', '--json')
    return
  }
  const { readRatings } = await import(new URL('../dist/node.js', import.meta.url).href)
  const started = performance.now()
  const ratings = await readRatings(values.file)
  console.log(JSON.stringify({ rows: ratings.length, seconds: since(started) }))
}

/** @param {string[]} words */
async function runCommand(...words) {
  process.argv.splice(2, process.argv.length, ...words)
  await import(new URL('../dist/cli.js', import.meta.url).href)
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/**
 * A user has as many rounds as its rank in activity gives it (geometrically distributed), and in each an item of another
 * slice, so that no pair comes twice; slices grow, so that the items of the first ones are popular. Users walk by in
 * another order in each round, which is what the file's order is.
 * @param {number} rows
 * @param {string} file
 * @param {string} options
 */
async function generate(rows, file, options) {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '3GB' })
  const connection = await instance.connect()
  const uniform = (/** @type {string} */ of, /** @type {number} */ salt) =>
    `(hash(${of}, ${salt}) % 1000003 / 1000003.0)`
  const slice = (/** @type {string} */ s) => `(${s} + floor(${ITEMS - ROUNDS} * pow((${s}) / ${ROUNDS}.0, 3)))::BIGINT`
  const id = (/** @type {string} */ name, /** @type {string} */ column) =>
    values.as === 'text-ids' ? `'${name}-' || ${column}` : `(${column} + 1)::INTEGER`
  const noise = `(${uniform('u * 20011 + i', 5)} + ${uniform('u * 20011 + i', 6)} - 1)`
  const angle = `cos(6.2831853 * (${uniform('u', 3)} - ${uniform('i', 4)}))`
  const score = `3.6 + 0.8 * (${uniform('u', 1)} - 0.5) + 1.2 * (${uniform('i', 2)} - 0.5) + 0.7 * ${angle} + 1.6 * ${noise}`
  await connection.run(
    `create table rounds as select k, round(${USERS} * pow(${1 - USERS / rows}, k))::BIGINT as n from range(${ROUNDS}) t(k)`,
  )
  await connection.run(`copy (
    with pairs as (
      select k, (p * 7919 + k * 104729) % ${USERS} as u from (select k, unnest(range(n)) as p from rounds where n > 0)
    ), placed as (select u, k, (k * 1009 + u * 31) % ${ROUNDS} as s from pairs),
    chosen as (
      select u, ${slice('s')} + (hash(u, k) % (${slice('s + 1')} - ${slice('s')})::UBIGINT)::BIGINT as i from placed
    )
    select ${id('user', 'u')} as user, ${id('item', 'i')} as item, greatest(1, least(5, round(${score})))::FLOAT as rating
    from chosen
  ) to '${file.replaceAll("'", "''")}' (${options})`)
  connection.closeSync()
  instance.closeSync()
}

/** @param {number} started */
function since(started) {
  return (performance.now() - started) / 1000
}

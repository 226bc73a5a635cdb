// lowrank beside LIBMF, the known CPU trainer: both train the same entries at the same rank, epochs and threads, each in a
// process of its own, in turn; then alternating least squares (`als.mjs`) and ranking (`ranking.mjs`), in processes of their
// own too. Prints tables and, last, one JSON object.
//
//   npm run bench -- [--parts trainers,als,ranking] [--sets planted-5m,ml-1m] [--data DIR] [--factors 32,128]
//                    [--epochs 10] [--rounds 3] [--out FILE]
//   npm run bench -- --users 480189 --items 17770 --entries 100480507 --factors 32 --epochs 3 --rounds 1
//
// DIR holds ml-1m/ratings.csv.gz and, for als, gowalla/. LIBMF is the binary in npm's `libmf`, or a native `mf-train` by LIBMF_TRAIN=path.
// Figures are medians over all epochs but the first of each run (it compiles kernels), and over the rounds.
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { plantedRatings, splitRandom } from '../dist/index.js'
import { readRatings } from '../dist/node.js'

const { values } = parseArgs({
  options: {
    sets: { type: 'string' },
    data: { type: 'string' },
    users: { type: 'string' },
    items: { type: 'string' },
    entries: { type: 'string' },
    parts: { type: 'string', default: 'trainers,als,ranking' },
    factors: { type: 'string' },
    epochs: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    trainers: { type: 'string', default: 'sgd,sgd-f16,minibatch-adagrad,minibatch-adam,libmf' },
    out: { type: 'string', default: 'bench/results/latest.json' },
  },
})
const epochs = Number(values.epochs)
const rounds = Number(values.rounds)
const threads = cpus().length
const wanted = new Set(values.trainers.split(','))
const parts = values.parts.split(',')
const ranks = (values.factors ?? '32,128').split(',').map(Number)

/** Mini-batches take seconds an epoch: they run a few, once. */
const minibatchEpochs = Math.min(epochs, 4)
const trainers = {
  sgd: { solver: 'sgd' },
  'sgd-f16': { solver: 'sgd', precision: 'f16' },
  // As few strata as a dispatch of bounded length allows on any of the sets here.
  'sgd-hogwild': { solver: 'sgd', strata: 8 },
  'minibatch-adagrad': { solver: 'minibatch', batchSize: 8192, epochs: minibatchEpochs },
  'minibatch-adam': { solver: 'minibatch', optimizer: 'adam', batchSize: 8192, epochs: minibatchEpochs },
}
const unknown = [...wanted].filter(name => name !== 'libmf' && trainers[name] === undefined)
const strange = parts.filter(part => !['trainers', 'als', 'ranking'].includes(part))
if (unknown.length > 0 || strange.length > 0 || !(epochs >= 2) || !(rounds >= 1)) {
  console.error(
    `bench: --parts takes trainers, als, ranking; --trainers takes ${Object.keys(trainers).join(', ')}, libmf; --epochs at least 2; --rounds at least 1`,
  )
  process.exit(2)
}
const planted = {
  'planted-5m': { users: 60_000, items: 12_000, entries: 5_000_000 },
  shape: { users: Number(values.users), items: Number(values.items), entries: Number(values.entries) },
}
const chosen =
  values.sets?.split(',') ??
  (values.entries === undefined ? ['planted-5m', ...(values.data === undefined ? [] : ['ml-1m'])] : ['shape'])

const folder = await mkdtemp(join(tmpdir(), 'lowrank-bench-'))
const results = []
try {
  for (const set of parts.includes('trainers') ? chosen : []) {
    // LIBMF reads text; where it does not take part, a planted set need not be written.
    const source =
      wanted.has('libmf') || planted[set] === undefined ? { files: await writeFiles(set) } : { planted: planted[set] }
    for (const factors of ranks) results.push(await compare(set, factors, source))
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
const shape = ['users', 'items', 'entries'].flatMap(name =>
  values[name] === undefined ? [] : [`--${name}`, values[name]],
)
const als = parts.includes('als')
  ? await runPart('als.mjs', [
      ...shape,
      ...['data', 'factors'].flatMap(name => (values[name] === undefined ? [] : [`--${name}`, values[name]])),
    ])
  : undefined
const ranking = parts.includes('ranking')
  ? await runPart('ranking.mjs', [...shape.slice(0, 4), '--rounds', String(rounds)])
  : undefined
const report = JSON.stringify(
  { cpu: cpus()[0]?.model, cores: threads, node: process.version, results, als, ranking },
  undefined,
  2,
)
await mkdir(dirname(values.out), { recursive: true })
await writeFile(values.out, `${report}\n`)
console.log(report)

async function writeFiles(set) {
  const ratings =
    planted[set] === undefined
      ? await readRatings(join(values.data ?? '.', `${set}/ratings.csv.gz`))
      : plantedRatings({ ...planted[set], seed: 1 }).ratings
  const { train, test } = splitRandom(ratings, { ratio: 0.1, seed: 1 })
  const files = [join(folder, `${set}-train.txt`), join(folder, `${set}-test.txt`)]
  await writeText(files[0], train)
  await writeText(files[1], test)
  return files
}

/** All trainers on one set at one rank, `rounds` times in turn. */
async function compare(set, factors, source) {
  const runs = {}
  const add = (name, run) => {
    runs[name] = [...(runs[name] ?? []), run]
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, options] of Object.entries(trainers)) {
      if (!wanted.has(name) || (round > 0 && name.startsWith('minibatch'))) continue
      add(name, await runLowrank(source, { factors, epochs, ...options }))
    }
    if (wanted.has('libmf')) add('libmf', await runLibmf(source.files, { factors, epochs, threads }))
  }
  const [{ users, items, entries }] = Object.values(runs).flat()
  const shape = { set, factors, users, items, entries }
  const finalRmse = runs.libmf?.[0].epochs.at(-1).rmse
  const summary = Object.fromEntries(
    Object.entries(runs).map(([name, list]) => [
      name,
      summarise(list, shape, name === 'libmf' ? undefined : finalRmse),
    ]),
  )
  print(shape, summary, finalRmse)
  const libmf = finalRmse === undefined ? {} : { libmf: { binary: libmfBinary(), finalTestRmse: finalRmse } }
  return { ...shape, epochs, rounds, ...libmf, trainers: summary }
}

/** Another benchmark's JSON object; its tables go where ours go. */
async function runPart(name, words) {
  const child = spawn(process.execPath, [here(name), ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  const pieces = []
  child.stdout.on('data', piece => pieces.push(piece))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`${name} ${words.join(' ')} ended with ${code}`)
  return JSON.parse(Buffer.concat(pieces).toString())
}

function summarise(runs, shape, target) {
  const later = runs.flatMap(run => run.epochs.slice(1))
  const [first] = runs
  const seconds = median(later.map(epoch => epoch.seconds))
  const bytes = 8 * shape.factors * shape.entries * (first.options?.precision === 'f16' ? 0.5 : 1)
  const shares = later.filter(epoch => epoch.gpuSeconds !== undefined)
  return {
    ...(first.adapter && { adapter: first.adapter }),
    ...(first.plan && { plan: first.plan }),
    updatesPerSecond: shape.entries / seconds,
    epochSeconds: {
      median: seconds,
      min: Math.min(...later.map(e => e.seconds)),
      max: Math.max(...later.map(e => e.seconds)),
    },
    ...(shares.length > 0 && {
      gpuUpdatesPerSecond: shape.entries / median(shares.map(epoch => epoch.gpuSeconds)),
      copyBytesPerSecond: median(shares.map(epoch => epoch.copyBytesPerSecond)),
      // 2 k s bytes an update, in the time that the GPU was at work, by the copy rate about it.
      shareOfCopy: median(shares.map(epoch => bytes / epoch.gpuSeconds / epoch.copyBytesPerSecond)),
      wallShareOfCopy: median(shares.map(epoch => bytes / epoch.seconds / epoch.copyBytesPerSecond)),
    }),
    testRmse: first.epochs.map(epoch => epoch.rmse),
    ...(target !== undefined && { secondsToTarget: medianOrNone(runs.map(run => timeTo(run.epochs, target))) }),
    trainSeconds: median(runs.map(run => run.epochs.reduce((sum, epoch) => sum + epoch.seconds, 0))),
    readSeconds: median(runs.map(run => run.seconds.read)),
    packSeconds: median(runs.map(run => run.seconds.pack)),
    peakRssBytes: Math.max(...runs.map(run => run.peakRssBytes)),
  }
}

/** Training time until the test RMSE is no more than `target`; undefined where it never is. */
function timeTo(list, target) {
  let seconds = 0
  for (const epoch of list) {
    seconds += epoch.seconds
    if (epoch.rmse <= target) return seconds
  }
  return undefined
}

function medianOrNone(list) {
  return list.includes(undefined) ? null : median(list)
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

async function runLowrank(source, options) {
  const lines = await run(process.execPath, [
    here('run-lowrank.mjs'),
    JSON.stringify(source),
    JSON.stringify([options]),
  ])
  const result = JSON.parse(lines.at(-1).text)
  return { ...result, epochs: result.epochs.map(epoch => ({ ...epoch, rmse: epoch.validationRmse })) }
}

/** LIBMF's table of epochs, each line with the time at which it came. Its epochs, like ours, end with a test. */
async function runLibmf(files, { factors, epochs, threads }) {
  const native = process.env.LIBMF_TRAIN
  const words = native
    ? [
        '-k',
        factors,
        '-t',
        epochs,
        '-s',
        threads,
        '-l2',
        0.1,
        '-r',
        0.1,
        '-p',
        files[1],
        files[0],
        join(folder, 'model'),
      ]
    : [here('run-libmf.mjs'), ...files, JSON.stringify({ factors, epochs, threads })]
  const lines = await run(native ?? process.execPath, words.map(String))
  const start = lines.find(({ text }) => /\btr_rmse\b/.test(text))
  const table = lines.filter(({ text }) => /^\s*\d+\s+[\d.]+\s+[\d.]+/.test(text))
  if (start === undefined || table.length !== epochs)
    throw new Error(`LIBMF printed ${table.length} of ${epochs} epochs`)
  return {
    // Its reading, shuffling and first table line are one.
    seconds: { read: start.seconds, pack: 0 },
    peakRssBytes: lines.peakRssBytes,
    epochs: table.map(({ text, seconds }, at) => ({
      seconds: seconds - (at === 0 ? start.seconds : table[at - 1].seconds),
      rmse: Number(text.trim().split(/\s+/)[2]),
    })),
  }
}

function libmfBinary() {
  return process.env.LIBMF_TRAIN === undefined
    ? 'npm libmf 0.2.0 (no AVX)'
    : `native ${basename(process.env.LIBMF_TRAIN)}`
}

function here(name) {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** Runs a program; its lines of output with the seconds since it started, and its peak memory where Linux tells. */
async function run(command, words) {
  const started = performance.now()
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors = []
  child.stderr.on('data', chunk => errors.push(chunk))
  const lines = []
  lines.peakRssBytes = 0
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const watch = setInterval(async () => {
    lines.peakRssBytes = Math.max(lines.peakRssBytes, await peakOf(child.pid))
  }, 100)
  for await (const text of createInterface({ input: child.stdout })) {
    lines.push({ text, seconds: (performance.now() - started) / 1000 })
  }
  const code = await ended
  clearInterval(watch)
  if (code !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${code}\n${Buffer.concat(errors)}`)
  return lines
}

async function peakOf(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0)
}

async function writeText(file, ratings) {
  const { users, items, values: ratingValues, length } = ratings
  function* text() {
    let block = ''
    for (let e = 0; e < length; e++) {
      block += `${users[e]} ${items[e]} ${ratingValues[e]}\n`
      if (block.length < 1 << 16) continue
      yield block
      block = ''
    }
    yield block
  }
  await pipeline(Readable.from(text()), createWriteStream(file))
}

function print(shape, summary, finalRmse) {
  const { set, factors, users, items, entries } = shape
  const peer = finalRmse === undefined ? '' : `; LIBMF: ${libmfBinary()}`
  console.error(`${set}: ${entries} training entries, ${users} x ${items}, k = ${factors}${peer}`)
  const head = [
    'trainer',
    'M updates/s',
    's/epoch',
    'share of copy',
    'RMSE 1, 3, last',
    's to LIBMF’s',
    'read + pack s',
    'MiB',
  ]
  const table = new Table({ head, style: { head: [], border: [] } })
  const number = (value, digits) => (value === undefined || value === null ? '-' : value.toFixed(digits))
  for (const [name, one] of Object.entries(summary)) {
    const rmse = [one.testRmse[0], one.testRmse[2], one.testRmse.at(-1)].map(value => number(value, 4)).join(' ')
    table.push([
      name,
      number(one.updatesPerSecond / 1e6, 2),
      number(one.epochSeconds.median, 3),
      number(one.shareOfCopy, 2),
      rmse,
      name === 'libmf' ? number(one.trainSeconds, 2) : number(one.secondsToTarget, 2),
      `${number(one.readSeconds, 1)} + ${number(one.packSeconds, 1)}`,
      number(one.peakRssBytes / 2 ** 20, 0),
    ])
  }
  console.error(String(table))
  if (finalRmse !== undefined) console.error(`LIBMF's final test RMSE: ${finalRmse}`)
}

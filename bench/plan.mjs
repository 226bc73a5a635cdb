// What `planTraining` foretells against what then happens, over six shapes of planted ratings: the most bytes of buffers on
// the GPU, the time of an epoch, and the peak memory of the process, of which a process that trains on next to nothing is the
// base. Each plan and each training is a process of its own, which opens the ratings from a packed file. Prints a line a shape
// and, last, one JSON object; ends with 1 where memory is off by more than 10%, or time by more than 30%.
//
//   npm run build && node bench/plan.mjs [--only NAME] [--epochs 6] [--out FILE]
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { planTraining, plantedRatings, Training } from '../dist/index.js'
import { openGpu, readRatings, writePacked } from '../dist/node.js'

const movies = { users: 6040, items: 3706, entries: 1_000_000 }
const shapes = {
  'movies, fused, k = 32': { data: movies, options: { factors: 32 } },
  '5 M entries, fused, k = 64': {
    data: { users: 50_000, items: 10_000, entries: 5_000_000 },
    options: { factors: 64 },
  },
  'movies, als, k = 32': { data: movies, options: { solver: 'als', factors: 32 } },
  'movies, mini-batches, adagrad': { data: movies, options: { solver: 'minibatch', factors: 32, batchSize: 16_384 } },
  'movies, bpr': { data: movies, options: { model: 'bpr', factors: 32 } },
  'few users, many items, fused': {
    data: { users: 2000, items: 200_000, entries: 1_500_000 },
    options: { factors: 32 },
  },
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    epochs: { type: 'string', default: '6' },
    out: { type: 'string' },
    child: { type: 'string' },
    file: { type: 'string' },
  },
})

if (values.child !== undefined) await child(values.child, shapes[values.only].options)
else process.exitCode = (await compare()) ? 0 : 1

async function child(kind, options) {
  const gpu = await openGpu()
  const ratings = await readRatings(values.file)
  const result = kind === 'plan' ? await plan(gpu, ratings, options) : await train(gpu, ratings, options)
  console.log(JSON.stringify({ ...result, peakRss: process.resourceUsage().maxRSS * 1024 }))
  gpu.destroy()
}

async function plan(gpu, ratings, options) {
  const began = performance.now()
  const planned = await planTraining(gpu, ratings, options)
  const { software } = gpu.capabilities.adapter
  return { planned, software, seconds: (performance.now() - began) / 1000 }
}

async function train(gpu, ratings, options) {
  const { device } = gpu
  const createBuffer = device.createBuffer.bind(device)
  let peakBytes = 0
  device.createBuffer = descriptor => {
    peakBytes = Math.max(peakBytes, gpu.liveBytes + descriptor.size)
    return createBuffer(descriptor)
  }
  const seconds = []
  const training = new Training(gpu, ratings, { ...options, epochs: Number(values.epochs) })
  for await (const report of training) seconds.push(report.seconds)
  await training.finish()
  return { peakBytes, seconds }
}

async function compare() {
  const folder = await mkdtemp(join(tmpdir(), 'lowrank-plan-'))
  const rows = []
  try {
    const little = join(folder, 'little.lowrank')
    await writePacked(little, plantedRatings({ users: 40, items: 30, entries: 500, seed: 1 }).ratings)
    const base = run('train', Object.keys(shapes)[0], little).peakRss
    for (const [name, { data }] of Object.entries(shapes)) {
      if (values.only !== undefined && values.only !== name) continue
      const file = join(folder, 'ratings.lowrank')
      await writePacked(file, plantedRatings({ ...data, seed: 1 }).ratings)
      const { planned, software, seconds } = run('plan', name, file)
      const trained = run('train', name, file)
      // The first epoch compiles the kernels.
      const secondsPerEpoch = median(trained.seconds.slice(1))
      const row = {
        name,
        gpuBytes: { planned: planned.gpuBytes.total, real: trained.peakBytes },
        secondsPerEpoch: { planned: planned.secondsPerEpoch, real: secondsPerEpoch },
        hostBytes: {
          planned: base + planned.hostBytes.total + (software ? planned.gpuBytes.total : 0),
          real: trained.peakRss,
        },
        planSeconds: seconds,
      }
      rows.push(row)
      console.error(
        `${name.padEnd(32)} GPU ${ratio(row.gpuBytes)}   time ${ratio(row.secondsPerEpoch)} of ${secondsPerEpoch.toFixed(3)} s   ` +
          `host ${ratio(row.hostBytes)} of ${(trained.peakRss / 2 ** 20).toFixed(0)} MiB   planned in ${seconds.toFixed(1)} s`,
      )
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  const within = rows.every(
    ({ gpuBytes, hostBytes, secondsPerEpoch }) =>
      isNear(gpuBytes, 0.1) && isNear(hostBytes, 0.1) && isNear(secondsPerEpoch, 0.3),
  )
  const result = { within, rows }
  console.log(JSON.stringify(result))
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`)
  return within
}

function run(kind, name, file) {
  const words = [
    fileURLToPath(import.meta.url),
    '--child',
    kind,
    '--only',
    name,
    '--file',
    file,
    '--epochs',
    values.epochs,
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(`${kind} of ${name} failed:\n${stderr.slice(-4000)}`)
  return JSON.parse(stdout)
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

function ratio({ planned, real }) {
  return (planned / real).toFixed(2)
}

function isNear({ planned, real }, share) {
  return Math.abs(planned / real - 1) <= share
}

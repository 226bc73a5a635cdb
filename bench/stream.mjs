// What it costs to stream entries that do not fit the GPU: the same training with all entries there, with room for half
// of them, and with the least room, an epoch of each by turns, so that a busy machine is unfair to none. Checks that the
// models are the same. Prints a line a training and, last, one JSON object.
//
//   npm run build && node bench/stream.mjs [--users 24000] [--items 4000] [--entries 5000000] [--factors 32] [--epochs 7]
//                                          [--solver sgd|als] [--out FILE]
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { LimitExceededError, plantedRatings, Training } from '../dist/index.js'
import { openGpu } from '../dist/node.js'

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '24000' },
    items: { type: 'string', default: '4000' },
    entries: { type: 'string', default: '5000000' },
    factors: { type: 'string', default: '32' },
    epochs: { type: 'string', default: '7' },
    solver: { type: 'string', default: 'sgd' },
    out: { type: 'string' },
  },
})
const [users, items, entries, factors, epochs] = ['users', 'items', 'entries', 'factors', 'epochs'].map(name =>
  Number(values[name]),
)
const MiB = 2 ** 20
const gpu = await openGpu()
const { ratings } = plantedRatings({ users, items, entries, seed: 1 })
const start = memory => new Training(gpu, ratings, { factors, epochs, solver: values.solver, seed: 1, memory })

const resident = start()
await resident.step()
const { bytes } = resident.residency
const others = gpu.liveBytes - bytes
const least = await start(1 / MiB)
  .prepare()
  .catch(error => {
    if (error instanceof LimitExceededError) return error.needed
    throw error
  })
const runs = [
  { name: 'resident', training: resident },
  { name: 'half', training: start((others + bytes / 2) / MiB) },
  { name: 'the least', training: start(least / MiB) },
]
for (const run of runs.slice(1)) await run.training.step()
const peakRss = []
for (let epoch = 1; epoch < epochs; epoch++) {
  for (const run of runs) {
    const { seconds } = await run.training.step()
    run.seconds = [...(run.seconds ?? []), seconds]
  }
  peakRss.push(process.resourceUsage().maxRSS * 1024)
}
const median = numbers => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
const models = []
for (const run of runs) {
  run.residency = run.training.residency
  const { model } = await run.training.finish()
  models.push(Buffer.concat(model.encode()))
  model.destroy()
}
const result = {
  solver: values.solver,
  users: ratings.userCount,
  items: ratings.itemCount,
  entries: ratings.length,
  factors,
  adapter: gpu.capabilities.adapter,
  // After each round of epochs: what is uploaded does not pile up.
  peakRss,
  runs: runs.map(({ name, seconds, residency }) => ({ name, residency, seconds, median: median(seconds) })),
  same: models.every(model => model.equals(models[0])),
}
for (const { name, residency, median: seconds } of result.runs) {
  const { slots, loadsPerEpoch } = residency
  const there = `${(residency.bytes / MiB).toFixed(1)} MiB in ${slots}`.padStart(18)
  console.error(`${name.padEnd(10)} ${there}   ${loadsPerEpoch} loads an epoch   ${seconds.toFixed(3)} s an epoch`)
}
if (!result.same) {
  console.error('the models differ')
  process.exitCode = 1
}
const text = JSON.stringify(result, null, 2)
if (values.out !== undefined) {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${text}\n`)
}
console.log(text)
gpu.destroy()

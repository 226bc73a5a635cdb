/**
 * Whether trainings leave anything behind: many short ones in one process, of every solver in turn, each with an
 * evaluation and recommendations. Prints one JSON object: after each tenth of the trainings the resident memory, with garbage
 * collected, and the bytes that are live on the GPU (those of its readback, the same each time); the slope of the former over
 * the second half, in bytes a training; and what is live when the GPU is closed (0 is right). Needs a build: `npm run build && node --expose-gc bench/leaks.mjs [--trainings 200]`.
 */
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { trainings: { type: 'string', default: '200' } } })
const trainings = Number(values.trainings)
if (globalThis.gc === undefined) throw new Error('run node with --expose-gc')

const { fit, plantedRatings } = await import('../dist/index.js')
const { openGpu } = await import('../dist/node.js')

const { ratings } = plantedRatings({ users: 600, items: 400, entries: 30_000, seed: 1 })
const settings = [
  { solver: 'sgd' },
  { solver: 'sgd', precision: 'f16' },
  { solver: 'minibatch', optimizer: 'adam' },
  { solver: 'als' },
  { model: 'implicit' },
  { model: 'bpr' },
]
const gpu = await openGpu()
const resident = []
for (let training = 0; training < trainings; training++) {
  const { model } = await fit(gpu, ratings, { ...settings[training % settings.length], factors: 16, epochs: 2 })
  if (model.parts.options.model === 'explicit') await model.evaluate(ratings)
  await model.recommend(1, { k: 5 })
  model.destroy()
  if ((training + 1) % Math.ceil(trainings / 10) === 0) {
    globalThis.gc()
    resident.push({ trainings: training + 1, residentBytes: process.memoryUsage.rss(), liveBytes: gpu.liveBytes })
  }
}
gpu.destroy()
const half = resident.slice(Math.floor(resident.length / 2))
const slope =
  (half.at(-1).residentBytes - half[0].residentBytes) / Math.max(1, half.at(-1).trainings - half[0].trainings)
console.log(
  JSON.stringify({ trainings, slopeBytes: Math.round(slope), leftBytes: gpu.liveBytes, resident }, undefined, 2),
)
if (gpu.liveBytes !== 0) throw new Error(`${gpu.liveBytes} bytes are still live on the GPU`)

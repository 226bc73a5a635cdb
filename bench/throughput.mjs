// How fast the mini-batch solver trains, and how much of the wall time of its epochs the GPU is at work (by timestamps).
//
//   npm run build && npm run bench:throughput -- [--entries 1000000] [--factors 32,128] [--out FILE]
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { fit, plantedRatings } from '../dist/index.js'
import { openGpu } from '../dist/node.js'

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '6040' },
    items: { type: 'string', default: '3706' },
    entries: { type: 'string', default: '1000000' },
    factors: { type: 'string', default: '32,128' },
    optimizers: { type: 'string', default: 'sgd,momentum,adagrad,adam,sparse-adam' },
    'batch-sizes': { type: 'string', default: '4096,65536' },
    epochs: { type: 'string', default: '4' },
    out: { type: 'string' },
  },
})
const list = text => text.split(',')
const { ratings } = plantedRatings({
  users: Number(values.users),
  items: Number(values.items),
  entries: Number(values.entries),
  seed: 1,
})
const gpu = await openGpu()
const results = []
for (const factors of list(values.factors).map(Number)) {
  for (const batchSize of list(values['batch-sizes']).map(Number)) {
    for (const optimizer of list(values.optimizers)) {
      const options = { optimizer, factors, batchSize, epochs: Number(values.epochs), learningRate: 0.001, seed: 1 }
      const { model, epochs, seconds } = await fit(gpu, ratings, options)
      model.destroy()
      // The first epoch warms the caches and finds how much to submit at once.
      const timed = epochs.slice(1).sort((a, b) => a.seconds - b.seconds)
      const median = timed[Math.floor(timed.length / 2)]
      const gpuShare =
        median.gpuSeconds === undefined
          ? undefined
          : epochs.reduce((sum, epoch) => sum + epoch.gpuSeconds, 0) / seconds.train
      results.push({
        ...options,
        updatesPerSecond: ratings.length / median.seconds,
        epochSeconds: timed.map(epoch => epoch.seconds),
        packSeconds: seconds.pack,
        gpuShare,
      })
      const share = gpuShare === undefined ? 'no timestamps' : `GPU at work ${(100 * gpuShare).toFixed(0)}%`
      const speed = `${(ratings.length / median.seconds / 1e6).toFixed(2)} M updates/s`
      console.error(`k = ${factors}, batch ${batchSize}, ${optimizer.padEnd(11)} ${speed}, ${share}`)
    }
  }
}
const { adapter } = gpu.capabilities
gpu.destroy()
const report = JSON.stringify({ adapter, entries: ratings.length, results }, undefined, 2)
if (values.out !== undefined) {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, `${report}\n`)
}
console.log(report)

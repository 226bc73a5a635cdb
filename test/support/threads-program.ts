// Not a test: `test/node/threads.test.ts` runs it in a process of its own, which is to end when this has run.
import { IdTable } from '../../src/data/ids.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { openGpu } from '../../src/node/gpu.ts'
import { fit } from '../../src/train/fit.ts'

let started = 0
let ended = 0
process.on('worker', worker => {
  started++
  worker.on('exit', () => ended++)
})
const length = 2_000_000
const ids = (count: number) => new IdTable(Float64Array.from({ length: count }, (_, id) => id))
const ratings = new Ratings({
  users: Uint32Array.from({ length }, (_, entry) => (entry * 7919) % 299_993),
  items: Uint32Array.from({ length }, (_, entry) => (entry * 104_729) % 1511),
  values: Float32Array.from({ length }, (_, entry) => 1 + (entry % 5)),
  userIds: ids(299_993),
  itemIds: ids(1511),
})
const gpu = await openGpu()
const { model } = await fit(gpu, ratings, { factors: 4, epochs: 1, seed: 1, keepSeen: false })
gpu.destroy()
const sum = model.parts.userFactors.reduce((total, factor) => total + factor, 0)
process.on('exit', () => process.stdout.write(`\n${JSON.stringify({ started, ended, sum })}\n`))

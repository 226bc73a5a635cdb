// Trainings of the benchmark, in a process of their own: takes ratings from text files or draws a planted set, trains with
// each set of options, and prints a line of JSON for each. The copy rate of the adapter is measured before and after each
// epoch, so that both saw the same machine.
//
//   node bench/run-lowrank.mjs '{"files":["train.txt","test.txt"]}' '[{"factors":32,"epochs":10}]'
//   node bench/run-lowrank.mjs '{"planted":{"users":60000,"items":12000,"entries":5000000}}' '[{"factors":32}]'
import { plantedRatings, splitRandom, Training } from '../dist/index.js'
import { openGpu, readRatings } from '../dist/node.js'
import { prepareCopy } from './copy-rate.mjs'

const [source, runs] = process.argv.slice(2).map(text => JSON.parse(text))
const began = performance.now()
const { train, test } = await open(source)
const readSeconds = (performance.now() - began) / 1000
const gpu = await openGpu()
const copyRate = await prepareCopy(gpu)
for (const options of runs) console.log(JSON.stringify(await measure(options)))
gpu.destroy()

async function open({ files, planted }) {
  if (planted !== undefined)
    return splitRandom(plantedRatings({ seed: 1, ...planted }).ratings, { ratio: 0.1, seed: 1 })
  return { train: await readRatings(files[0]), test: await readRatings(files[1]) }
}

async function measure(options) {
  const training = new Training(gpu, train, { seed: 1, ...options, validation: test, keepSeen: false })
  const packing = performance.now()
  const plan = await training.prepare()
  const packSeconds = (performance.now() - packing) / 1000
  const epochs = []
  let before = await copyRate()
  for (;;) {
    const report = await training.step()
    if (report === undefined) break
    const after = await copyRate()
    epochs.push({ ...report, copyBytesPerSecond: (before + after) / 2 })
    before = after
  }
  training.destroy()
  return {
    adapter: gpu.capabilities.adapter,
    plan,
    options: training.options,
    users: train.userCount,
    items: train.itemCount,
    entries: train.length,
    seconds: { read: readSeconds, pack: packSeconds },
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    epochs,
  }
}

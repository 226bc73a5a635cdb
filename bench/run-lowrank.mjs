// Trainings of the benchmark, in a process of their own: takes ratings from text files or draws a planted set, trains with
// each set of options, and prints a line of JSON for each. The copy rate of the adapter is measured before and after each
// epoch, so that both saw the same machine.
//
//   node bench/run-lowrank.mjs '{"files":["train.txt","test.txt"]}' '[{"factors":32,"epochs":10}]'
//   node bench/run-lowrank.mjs '{"planted":{"users":60000,"items":12000,"entries":5000000}}' '[{"factors":32}]'
import { plantedRatings, splitRandom, Training } from '../dist/index.js'
import { openGpu, readRatings } from '../dist/node.js'

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

/**
 * Bytes that a plain copy of vec4s moves a second, read plus write: the yardstick that an update's bytes are held against.
 * @param {import('../dist/index.js').Gpu} gpu
 */
async function prepareCopy(gpu) {
  const { device } = gpu
  const bytes = 32 * 2 ** 20
  const [source, target] = [0, 1].map(() => device.createBuffer({ size: bytes, usage: 0x80 }))
  const module = device.createShaderModule({
    code: `
      @group(0) @binding(0) var<storage, read> source: array<vec4f>;
      @group(0) @binding(1) var<storage, read_write> copied: array<vec4f>;
      @compute @workgroup_size(64) fn copy(@builtin(global_invocation_id) id: vec3u) {
        copied[id.x] = source[id.x];
      }`,
  })
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [source, target].map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  const run = async rounds => {
    const started = performance.now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    for (let round = 0; round < rounds; round++) pass.dispatchWorkgroups(bytes / 1024)
    pass.end()
    device.queue.submit([encoder.finish()])
    await gpu.idle()
    return (2 * bytes * rounds) / ((performance.now() - started) / 1000)
  }
  // As many rounds as take about a tenth of a second.
  await run(2)
  const rounds = Math.max(2, Math.ceil((0.1 * (await run(4))) / (2 * bytes)))
  return () => run(rounds)
}

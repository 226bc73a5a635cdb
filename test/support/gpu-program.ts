// Not a test: `test/gpu/process.test.ts` runs it in a process of its own, which is to end when this has run.
import { reduce, reducedPairs, reduceSpan } from '../../src/kernels/reduce.ts'
import { openGpu } from '../../src/node/gpu.ts'

const gpu = await openGpu()
const buffers = gpu.buffers()
const pairs = buffers.upload(
  'pairs',
  Float32Array.from({ length: 200 }, (_, at) => at >> 1),
)
const sums = buffers.storage('sums', 8 * reducedPairs)
const span = buffers.uniform('span', reduceSpan.pack({ pair_count: 100 }))
const pipeline = await gpu.pipeline(reduce)
await gpu.checked('reduce', () => {
  const encoder = gpu.device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pipeline.dispatch(pass, [pipeline.bind(0, { pairs, sums, span })], reducedPairs)
  pass.end()
  gpu.device.queue.submit([encoder.finish()])
})
const left = new Float32Array(await gpu.read(sums, 8 * reducedPairs))
const sum = left.filter((_, at) => at % 2 === 0).reduce((total, value) => total + value, 0)
buffers.destroy()
gpu.destroy()
process.stdout.write(`sum ${sum}, live bytes ${gpu.liveBytes}\n`)

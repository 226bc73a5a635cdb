import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { reduce, reducedPairs, reduceSpan } from '../../src/kernels/reduce.ts'
import { workgroupSize } from '../../src/kernels/shared.ts'
import { sumPairs } from '../reference/reduce.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import { normals } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const spare = 6

/** The pairs that are left for the host, over the first `count` of `pairs`. */
async function run(pairs: Float32Array<ArrayBuffer>, count: number) {
  const result = await runKernel(device.gpu, reduce, {
    workgroups: reducedPairs,
    exact: true, // a workgroup leaves a pair
    buffers: { pairs, sums: { words: 2 * reducedPairs + spare }, span: reduceSpan.pack({ pair_count: count }) },
  })
  expectPoison(result.words('sums').subarray(2 * reducedPairs))
  return result.floats('sums').subarray(0, 2 * reducedPairs)
}

describe('reduce', () => {
  const threads = reducedPairs * workgroupSize
  it.each([0, 1, 63, 64, 65, threads - 1, threads, threads + 1, 100_000])('sums %i pairs', async count => {
    const pairs = normals(new Random(count), 2 * (count + 3), 10)
    const own = pairs.subarray(0, 2 * count)
    // An invocation adds every so-manieth pair, six additions take the workgroup's 64 sums to one.
    const length = Math.ceil(count / threads) + 6
    const magnitude = sumPairs(own.map(Math.abs))
    const actual = sumPairs(await run(pairs, count))
    expectClose('sums', actual, sumPairs(own), at => tolerance(length, magnitude[at]!))
  })

  it('is not dispatched for no workgroups', async () => {
    const result = await runKernel(device.gpu, reduce, {
      workgroups: 0,
      exact: true,
      buffers: { pairs: new Float32Array(2), sums: { words: 2 }, span: reduceSpan.pack({ pair_count: 1 }) },
    })
    expectPoison(result.words('sums'))
  })

  it('adds whole numbers exactly, each once', async () => {
    const count = 12_345
    const pairs = Float32Array.from({ length: 2 * count }, (_, at) => (at % 2 === 0 ? 1 : at % 7))
    expect(sumPairs(await run(pairs, count))).toEqual(sumPairs(pairs))
  })

  it('keeps what is not finite', async () => {
    const pairs = new Float32Array(2 * 500)
    pairs[700] = Number.POSITIVE_INFINITY
    pairs[601] = Number.NaN
    expect(sumPairs(await run(pairs, 500))).toEqual([Number.POSITIVE_INFINITY, Number.NaN])
  })

  it('has the same bits each time', async () => {
    const pairs = normals(new Random(1), 60_000)
    expect(await run(pairs, 30_000)).toEqual(await run(pairs, 30_000))
  })
})

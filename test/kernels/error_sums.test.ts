import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { errorSums, errorSumsSpan } from '../../src/kernels/error_sums.ts'
import { errors, errorsSpan } from '../../src/kernels/errors.ts'
import { predictions, predictionsSpan } from '../../src/kernels/predictions.ts'
import { scoreWorkgroups, workgroupSize } from '../../src/kernels/shared.ts'
import { packPairs } from '../../src/layout/padding.ts'
import { errorSums as twin } from '../reference/error_sums.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import {
  entriesBuffer,
  modelBuffers,
  normals,
  predictionConstants,
  randomEntries,
  randomModel,
} from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const spare = 6

async function run(
  predicted: Float32Array<ArrayBuffer>,
  places: Uint32Array<ArrayBuffer>,
  values: Float32Array<ArrayBuffer>,
  lanes: number,
) {
  const workgroups = scoreWorkgroups(places.length, lanes)
  const result = await runKernel(device.gpu, errorSums, {
    constants: { LANES: lanes },
    workgroups,
    buffers: {
      predicted,
      places,
      values,
      partials: { words: 2 * workgroups + spare },
      span: errorSumsSpan.pack({ entry_count: places.length }),
    },
  })
  expectPoison(result.words('partials').subarray(2 * workgroups))
  return result.floats('partials').subarray(0, 2 * workgroups)
}

describe('error_sums', () => {
  it.each([1, 4, 8])('agrees with the reference, %i lanes', async lanes => {
    for (const count of [1, 63, 64, 65, 1000]) {
      const random = new Random(count)
      const [predicted, values] = [normals(random, count), normals(random, count)]
      const places = random.permutation(count)
      const actual = await run(predicted, Uint32Array.from(places), values, lanes)
      const sums: number[] = []
      for (let start = 0; start < count; start += workgroupSize / lanes) {
        const end = start + workgroupSize / lanes
        sums.push(...twin(predicted, [...places.subarray(start, end)], values.subarray(start, end)))
      }
      // A subtraction, a square, six additions.
      expectClose('partials', actual, sums, at => tolerance(6 + 4, sums[at]! + 8 * Math.sqrt(sums[at]!)))
    }
  })

  it.each([
    { lanes: 1, bounded: false, clip: true },
    { lanes: 4, bounded: true, clip: false },
    { lanes: 8, bounded: false, clip: false },
  ])('sums what errors sums, to the bit: $lanes lanes, bounded $bounded', async ({ lanes, bounded, clip }) => {
    const random = new Random(lanes)
    const model = randomModel(random, { users: 23, items: 31, factors: 33, bounded, minimum: 2 })
    const entries = randomEntries(random, model, 500, 0.1)
    const constants = { ...predictionConstants(model, lanes), CLIP: Number(clip) }
    const workgroups = scoreWorkgroups(entries.length, lanes)
    const direct = await runKernel(device.gpu, errors, {
      constants,
      workgroups,
      buffers: {
        ...modelBuffers(model),
        entries: entriesBuffer(entries),
        partials: { words: 2 * workgroups },
        span: errorsSpan.pack({ entry_count: entries.length }),
      },
    })
    const places = random.permutation(entries.length)
    const ordered = [...entries]
    entries.forEach((entry, at) => {
      ordered[places[at]!] = entry
    })
    const predicted = await runKernel(device.gpu, predictions, {
      constants,
      workgroups,
      buffers: {
        ...modelBuffers(model),
        pairs: packPairs(
          Uint32Array.from(ordered, ({ user }) => user),
          Uint32Array.from(ordered, ({ item }) => item),
        ),
        predicted: { words: entries.length },
        span: predictionsSpan.pack({ pair_start: 0, pair_end: entries.length }),
      },
    })
    const values = Float32Array.from(entries, ({ value }) => value)
    const sums = await run(Float32Array.from(predicted.floats('predicted')), Uint32Array.from(places), values, lanes)
    expect(sums).toEqual(direct.floats('partials'))
  })
})

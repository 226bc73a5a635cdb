import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { predictions, predictionsSpan } from '../../src/kernels/predictions.ts'
import { scoreWorkgroups } from '../../src/kernels/shared.ts'
import { packPairs } from '../../src/layout/padding.ts'
import { predict } from '../reference/predictions.ts'
import type { ReferenceModel } from '../reference/score.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import {
  fewVariants,
  modelBuffers,
  predictionConstants,
  predictionTolerance,
  randomEntries,
  randomModel,
  scoreVariants,
  unknown,
} from '../support/scoring.ts'
import { expectClose } from '../support/tolerance.ts'

const device = useGpu()

interface Pair {
  user: number
  item: number
}

/** Words that stand after the predictions, which nobody may write. */
const spare = 5

async function run(model: ReferenceModel, pairs: readonly Pair[], { lanes = 1, clip = false } = {}) {
  const result = await runKernel(device.gpu, predictions, {
    constants: { ...predictionConstants(model, lanes), CLIP: Number(clip) },
    workgroups: scoreWorkgroups(pairs.length, lanes),
    buffers: {
      ...modelBuffers(model),
      pairs: packPairs(
        Uint32Array.from(pairs, pair => pair.user),
        Uint32Array.from(pairs, pair => pair.item),
      ),
      predicted: { words: pairs.length + spare },
      span: predictionsSpan.pack({ pair_start: 0, pair_end: pairs.length }),
    },
  })
  expectPoison(result.words('predicted').subarray(pairs.length))
  return result.floats('predicted').subarray(0, pairs.length)
}

function expectPredictions(actual: Float32Array, model: ReferenceModel, pairs: readonly Pair[], clip = false): void {
  const expected = pairs.map(({ user, item }) => predict(model, user, item, clip))
  expectClose('predictions', actual, expected, at => predictionTolerance(model, pairs[at]!.user, pairs[at]!.item))
}

describe('predictions in every variant', () => {
  it.each([...scoreVariants, { factors: 512, lanes: 8, bounded: false }])(
    'agree with the reference at rank $factors, $lanes lanes, bounded $bounded',
    async sizes => {
      const random = new Random(sizes.factors)
      const model = randomModel(random, { users: 23, items: 31, ...sizes })
      const pairs = randomEntries(random, model, 300)
      expectPredictions(await run(model, pairs, sizes), model, pairs)
    },
  )

  it('agree with the reference however many lanes share a score', async () => {
    const random = new Random(1)
    const model = randomModel(random, { users: 23, items: 31, factors: 17 })
    const pairs = randomEntries(random, model, 300)
    for (const lanes of [1, 2, 4, 8]) expectPredictions(await run(model, pairs, { lanes }), model, pairs)
  })
})

describe.each(fewVariants)('predictions, $lanes lanes, bounded $bounded', ({ lanes, bounded }) => {
  it.each([1, 63, 64, 65, 129])('agree with the reference for %i pairs', async count => {
    const random = new Random(count)
    const model = randomModel(random, { users: 5, items: 7, factors: 17, bounded })
    const pairs = randomEntries(random, model, count)
    expectPredictions(await run(model, pairs, { lanes }), model, pairs)
  })

  it('of unknown users and items are made of what is known', async () => {
    const random = new Random(3)
    const model = randomModel(random, { users: 9, items: 8, factors: 17, bounded })
    const pairs = [
      { user: unknown, item: 2 },
      { user: 4, item: unknown },
      { user: unknown, item: unknown },
      { user: 9, item: 0 },
      { user: 0, item: 8 },
      ...randomEntries(random, model, 100, 0.3),
    ]
    expectPredictions(await run(model, pairs, { lanes }), model, pairs)
  })

  it('are clipped to the range when asked', async () => {
    const random = new Random(4)
    const model = randomModel(random, { users: 30, items: 30, factors: 17, bounded, minimum: 3, maximum: 3.5 })
    const pairs = randomEntries(random, model, 400)
    const clipped = await run(model, pairs, { lanes, clip: true })
    expectPredictions(clipped, model, pairs, true)
    if (!bounded) {
      expect(clipped).toContain(3)
      expect(clipped).toContain(3.5)
      expect(Math.min(...(await run(model, pairs, { lanes })))).toBeLessThan(3)
    }
  })
})

describe('predictions', () => {
  it('stay finite and inside of the range where the sigmoid saturates', async () => {
    const model: ReferenceModel = {
      ...randomModel(new Random(5), { users: 3, items: 1, factors: 1, bounded: true }),
      userBias: [-200, 0, 200],
    }
    const pairs = [0, 1, 2].map(user => ({ user, item: 0 }))
    const [low, , high] = await run(model, pairs)
    expect(low).toBe(1)
    expect(high).toBe(5)
  })

  it('are permuted as the ids are, to the bit', async () => {
    const random = new Random(6)
    const model = randomModel(random, { users: 40, items: 50, factors: 17 })
    const pairs = randomEntries(random, model, 200)
    const [userMap, itemMap] = [random.permutation(40), random.permutation(50)]
    const permuted = {
      ...model,
      userFactors: permuteRows(model.userFactors, userMap, 17),
      itemFactors: permuteRows(model.itemFactors, itemMap, 17),
      userBias: permuteRows(model.userBias, userMap, 1),
      itemBias: permuteRows(model.itemBias, itemMap, 1),
    }
    const renamed = pairs.map(({ user, item }) => ({ user: userMap[user]!, item: itemMap[item]! }))
    expect(await run(permuted, renamed, { lanes: 2 })).toEqual(await run(model, pairs, { lanes: 2 }))
  })

  it('have the same bits each time', async () => {
    const random = new Random(7)
    const model = randomModel(random, { users: 40, items: 50, factors: 64 })
    const pairs = randomEntries(random, model, 1000)
    expect(await run(model, pairs, { lanes: 8 })).toEqual(await run(model, pairs, { lanes: 8 }))
  })

  it.each([
    { lanes: 1, workgroupPairs: 64 },
    { lanes: 8, workgroupPairs: 8 },
  ])('reach past 65,535 workgroups with $lanes lanes', async ({ lanes, workgroupPairs }) => {
    const { maxComputeWorkgroupsPerDimension: limit } = device.gpu.capabilities.limits
    const model = randomModel(new Random(8), { users: 7, items: 11, factors: 1 })
    const count = limit * workgroupPairs + workgroupPairs + 3
    const users = Uint32Array.from({ length: count }, (_, at) => at % 7)
    const items = Uint32Array.from({ length: count }, (_, at) => at % 11)
    const result = await runKernel(device.gpu, predictions, {
      constants: predictionConstants(model, lanes),
      workgroups: scoreWorkgroups(count, lanes),
      buffers: {
        ...modelBuffers(model),
        pairs: packPairs(users, items),
        predicted: { words: count + spare },
        span: predictionsSpan.pack({ pair_start: 0, pair_end: count }),
      },
    })
    const predicted = result.floats('predicted').subarray(0, count)
    // The pairs repeat every 77.
    const cycle = Array.from({ length: 77 }, (_, at) => ({ user: at % 7, item: at % 11 }))
    expectPredictions(predicted.subarray(0, 77), model, cycle)
    const strays = predicted.findIndex((value, at) => value !== predicted[at % 77])
    expect(strays).toBe(-1)
    expectPoison(result.words('predicted').subarray(count))
  })
})

/** Row r of `rows` becomes row `map[r]`. */
function permuteRows(rows: ArrayLike<number>, map: Uint32Array, width: number): Float32Array {
  const permuted = new Float32Array(rows.length)
  for (let at = 0; at < rows.length; at++) permuted[map[Math.floor(at / width)]! * width + (at % width)] = rows[at]!
  return permuted
}

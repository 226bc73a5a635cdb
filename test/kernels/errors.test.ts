import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { errors, errorsSpan } from '../../src/kernels/errors.ts'
import { scoreWorkgroups, workgroupSize } from '../../src/kernels/shared.ts'
import { errorSums } from '../reference/errors.ts'
import type { ReferenceEntry } from '../reference/residuals.ts'
import type { ReferenceModel } from '../reference/score.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import {
  entriesBuffer,
  fewVariants,
  modelBuffers,
  predictionConstants,
  predictionTolerance,
  randomEntries,
  randomModel,
  scoreVariants,
  unknown,
} from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const spare = 6

/** The partial sums of squared and of absolute errors, one pair a workgroup. */
async function run(model: ReferenceModel, entries: readonly ReferenceEntry[], { lanes = 1, clip = false } = {}) {
  const workgroups = scoreWorkgroups(entries.length, lanes)
  const result = await runKernel(device.gpu, errors, {
    constants: { ...predictionConstants(model, lanes), CLIP: Number(clip) },
    workgroups,
    buffers: {
      ...modelBuffers(model),
      entries: entriesBuffer(entries),
      partials: { words: 2 * workgroups + spare },
      span: errorsSpan.pack({ entry_count: entries.length }),
    },
  })
  expectPoison(result.words('partials').subarray(2 * workgroups))
  return result.floats('partials').subarray(0, 2 * workgroups)
}

async function expectErrors(
  model: ReferenceModel,
  entries: readonly ReferenceEntry[],
  { lanes = 1, clip = false } = {},
): Promise<void> {
  const actual = await run(model, entries, { lanes, clip })
  const perWorkgroup = workgroupSize / lanes
  const sums: number[] = []
  const bounds: number[] = []
  for (let start = 0; start < entries.length; start += perWorkgroup) {
    const own = entries.slice(start, start + perWorkgroup)
    sums.push(...errorSums(model, own, clip))
    const bound = [0, 0]
    for (const entry of own) {
      const within = predictionTolerance(model, entry.user, entry.item)
      bound[0]! += (2 * errorSums(model, [entry], clip)[1] + within) * within
      bound[1]! += within
    }
    bounds.push(...bound)
  }
  // Six additions take 64 terms to one.
  expectClose('partials', actual, sums, at => bounds[at]! + tolerance(6 + 2, sums[at]!))
}

describe('errors in every variant', () => {
  it.each(scoreVariants)('agree with the reference at rank $factors, $lanes lanes, bounded $bounded', async sizes => {
    const random = new Random(sizes.factors)
    const model = randomModel(random, { users: 23, items: 31, ...sizes })
    await expectErrors(model, randomEntries(random, model, 200, 0.1), { lanes: sizes.lanes, clip: sizes.factors > 4 })
  })
})

describe.each(fewVariants)('errors, $lanes lanes, bounded $bounded', ({ lanes, bounded }) => {
  it.each([1, 63, 64, 65, 3000])('agree with the reference for %i entries', async count => {
    const random = new Random(count)
    const model = randomModel(random, { users: 5, items: 7, factors: 17, bounded })
    await expectErrors(model, randomEntries(random, model, count), { lanes, clip: true })
  })

  it.each([false, true])('know what to do with unknown users and items, clip %s', async clip => {
    const random = new Random(3)
    const model = randomModel(random, { users: 9, items: 8, factors: 17, bounded, minimum: 2.5, maximum: 3.5 })
    const strangers = [
      { user: unknown, item: 2, value: 1 },
      { user: 4, item: unknown, value: 2 },
      { user: unknown, item: unknown, value: 5 },
      { user: 9, item: 0, value: 4 },
      { user: 0, item: 8, value: 4 },
    ]
    for (const entry of strangers) await expectErrors(model, [entry], { lanes, clip })
    await expectErrors(model, [...strangers, ...randomEntries(random, model, 200, 0.3)], { lanes, clip })
  })
})

describe('errors', () => {
  it('of clipped predictions are smaller where a prediction leaves the range', async () => {
    const model = { ...randomModel(new Random(4), { users: 1, items: 1, factors: 4 }), mean: 100 }
    const entries = [{ user: 0, item: 0, value: 5 }]
    expect([...(await run(model, entries, { clip: true }))]).toEqual([0, 0])
    expect((await run(model, entries))[1]).toBeGreaterThan(80)
  })

  it('are not finite where a factor is not', async () => {
    const model = randomModel(new Random(5), { users: 3, items: 3, factors: 4 })
    const broken = { ...model, userFactors: Float32Array.from(model.userFactors).fill(Number.NaN, 4, 8) }
    const entries = [0, 1, 2].map(user => ({ user, item: 0, value: 3 }))
    expect((await run(broken, entries)).every(Number.isNaN)).toBe(true)
  })

  it('have the same bits each time', async () => {
    const random = new Random(6)
    const model = randomModel(random, { users: 40, items: 50, factors: 64 })
    const entries = randomEntries(random, model, 3000)
    const variant = { lanes: 8, clip: true }
    expect(await run(model, entries, variant)).toEqual(await run(model, entries, variant))
  })
})

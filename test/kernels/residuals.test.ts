import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { residuals, residualsBatch } from '../../src/kernels/residuals.ts'
import { scoreWorkgroups, workgroupSize } from '../../src/kernels/shared.ts'
import { type ReferenceEntry, residual } from '../reference/residuals.ts'
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
  residualTolerance,
  scoreVariants,
} from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()

/** Entries of other batches before this one, and partial sums before its own. */
const before = 9
const spare = 6

/** Residuals and partial sums of a batch that lies between others. */
async function run(model: ReferenceModel, batch: readonly ReferenceEntry[], lanes = 1) {
  const random = new Random(99)
  const all = [...randomEntries(random, model, before), ...batch, ...randomEntries(random, model, 70)]
  const workgroups = scoreWorkgroups(batch.length, lanes)
  const result = await runKernel(device.gpu, residuals, {
    constants: predictionConstants(model, lanes),
    workgroups,
    buffers: {
      ...modelBuffers(model),
      entries: entriesBuffer(all),
      residual: { words: batch.length + spare },
      partials: { words: 2 * (before + workgroups) + spare },
      batch: residualsBatch.pack({ entry_start: before, entry_count: batch.length, partial_start: before }),
    },
  })
  const [own, end] = [2 * before, 2 * (before + workgroups)]
  expectPoison(result.words('residual').subarray(batch.length))
  expectPoison(result.words('partials').subarray(0, own))
  expectPoison(result.words('partials').subarray(end))
  return {
    residual: result.floats('residual').subarray(0, batch.length),
    partials: result.floats('partials').subarray(own, end),
  }
}

function expectResiduals(
  actual: Awaited<ReturnType<typeof run>>,
  model: ReferenceModel,
  batch: readonly ReferenceEntry[],
  lanes: number,
): void {
  const expected = batch.map(entry => residual(model, entry))
  expectClose(
    'residual',
    actual.residual,
    expected.map(one => one.residual),
    at => residualTolerance(model, batch[at]!),
  )
  const perWorkgroup = workgroupSize / lanes
  const sums: number[] = []
  const bounds: number[] = []
  for (let start = 0; start < batch.length; start += perWorkgroup) {
    const sum = [0, 0]
    const bound = [0, 0]
    for (let e = start; e < Math.min(batch.length, start + perWorkgroup); e++) {
      const error = expected[e]!.absoluteError
      const within = predictionTolerance(model, batch[e]!.user, batch[e]!.item)
      sum[0]! += expected[e]!.squaredError
      sum[1]! += error
      bound[0]! += (2 * error + within) * within
      bound[1]! += within
    }
    sums.push(...sum)
    bounds.push(...bound)
  }
  // Six additions take 64 terms to one.
  expectClose('partials', actual.partials, sums, at => bounds[at]! + tolerance(6 + 2, sums[at]!))
}

describe('residuals in every variant', () => {
  it.each(scoreVariants)('agree with the reference at rank $factors, $lanes lanes, bounded $bounded', async sizes => {
    const random = new Random(sizes.factors)
    const model = randomModel(random, { users: 23, items: 31, ...sizes })
    const batch = randomEntries(random, model, 200)
    expectResiduals(await run(model, batch, sizes.lanes), model, batch, sizes.lanes)
  })
})

describe.each(fewVariants)('residuals, $lanes lanes, bounded $bounded', ({ lanes, bounded }) => {
  it.each([1, 63, 64, 65, 1000])('agree with the reference for %i entries', async count => {
    const random = new Random(count)
    const model = randomModel(random, { users: 5, items: 7, factors: 17, bounded })
    const batch = randomEntries(random, model, count)
    expectResiduals(await run(model, batch, lanes), model, batch, lanes)
  })

  it('of one entry, again and again, are all the same', async () => {
    const model = randomModel(new Random(1), { users: 2, items: 2, factors: 17, bounded })
    const batch = new Array<ReferenceEntry>(130).fill({ user: 1, item: 0, value: 2 })
    expect(new Set((await run(model, batch, lanes)).residual).size).toBe(1)
  })
})

describe('residuals', () => {
  it('are the slope of half the squared error', () => {
    const random = new Random(2)
    for (const bounded of [false, true]) {
      const model = randomModel(random, { users: 6, items: 6, factors: 3, bounded })
      for (const entry of randomEntries(random, model, 20)) {
        const half = (mean: number) => residual({ ...model, mean }, entry).squaredError / 2
        const h = 1e-5
        const slope = (half(model.mean + h) - half(model.mean - h)) / (2 * h)
        expect(residual(model, entry).residual).toBeCloseTo(-slope, 7)
      }
    }
  })

  it('follow their entries, to the bit', async () => {
    const random = new Random(3)
    const model = randomModel(random, { users: 40, items: 50, factors: 17, bounded: true })
    const batch = randomEntries(random, model, 200)
    const order = random.permutation(200)
    const straight = (await run(model, batch, 4)).residual
    const shuffled = await run(
      model,
      [...order].map(e => batch[e]!),
      4,
    )
    expect(shuffled.residual).toEqual(Float32Array.from(order, e => straight[e]!))
  })

  it('have the same bits each time', async () => {
    const random = new Random(4)
    const model = randomModel(random, { users: 40, items: 50, factors: 64 })
    const batch = randomEntries(random, model, 1000)
    expect(await run(model, batch, 8)).toEqual(await run(model, batch, 8))
  })
})

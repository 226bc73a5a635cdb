import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { mergeReplicas, mergeStruct } from '../../src/kernels/merge_replicas.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { stratumStruct } from '../../src/kernels/structs.ts'
import { mergeReplicas as twin } from '../reference/merge_replicas.ts'
import { cloneSlots, packFactors, packState, randomSlots, wholeStratum } from '../support/fused.ts'
import { useGpu } from '../support/gpu.ts'
import { halfStep, halfValue, packHalves, randomHalves, unpackHalves } from '../support/half.ts'
import { runKernel } from '../support/run-kernel.ts'
import { ranks } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const slots = 61

/** Rows of 2 to 6 replicas with random shares, over slots in no order; a few slots belong to none. */
function randomReplicas(random: Random, rows: number) {
  const free = [...random.permutation(slots)]
  return Array.from({ length: rows }, () => {
    const own = free.splice(0, 2 + random.below(5))
    const parts = own.map(() => random.uniform())
    const total = parts.reduce((sum, part) => sum + part, 0)
    return own.map((slot, at) => ({ slot, share: Math.fround(parts[at]! / total) }))
  })
}

function runOf(
  replicas: ReturnType<typeof randomReplicas>,
  factors: number,
  content: Uint32Array,
  state: Float32Array,
) {
  const heavy = [0]
  for (const row of replicas) heavy.push(heavy.at(-1)! + row.length)
  const shares = new Uint32Array(Float32Array.from(replicas.flat(), ({ share }) => share).buffer)
  return {
    constants: { FACTOR_BLOCKS: factorBlocks(factors) },
    workgroups: Math.ceil((replicas.length * (factorBlocks(factors) + 1)) / workgroupSize),
    buffers: {
      factors: Uint32Array.from(content),
      state: Float32Array.from(state),
      heavy: Uint32Array.from(heavy),
      replicas: Uint32Array.from(replicas.flat().flatMap(({ slot }, at) => [slot, shares[at]!])),
      batch: stratumStruct.pack({
        ...wholeStratum,
        stratum: 0,
        tile_start: 0,
        partial_start: 0,
        rate: Number.NaN,
        noise: 77,
      }),
      merge: mergeStruct.pack({ heavy_rows: replicas.length }),
    },
  }
}

describe('merge_replicas', () => {
  it.each(ranks)('agrees with the reference at rank %i', async factors => {
    const random = new Random(factors)
    const side = randomSlots(random, slots, factors)
    const replicas = randomReplicas(random, 9)
    const words = new Uint32Array(packFactors(side, factors).buffer)
    const result = await runKernel(device.gpu, mergeReplicas.f32, runOf(replicas, factors, words, packState(side)))
    const expected = cloneSlots(side)
    twin(expected, replicas, factors)
    const actual = result.floats('factors').filter((_, at) => at % (4 * factorBlocks(factors)) < factors)
    // A mean of up to 6 products of numbers of the size of 1 to 4.
    expectClose('factors', actual, expected.factors, () => tolerance(7, 4))
    const state = packState(expected)
    expectClose('state', result.floats('state'), state, () => tolerance(7, 5))
    for (const row of replicas) {
      const of = ({ slot }: { slot: number }) => [...result.words('state').subarray(4 * slot, 4 * slot + 4)]
      for (const replica of row) expect(of(replica)).toEqual(of(row[0]!))
    }
  })

  it('gives all replicas one half beside the mean', async () => {
    const factors = 10
    const random = new Random(3)
    const side = randomSlots(random, slots, factors)
    const rows = Array.from({ length: slots }, () => randomHalves(random, factors))
    side.factors.set(rows.flat().map(halfValue))
    const replicas = randomReplicas(random, 8)
    const run = runOf(replicas, factors, packHalves(rows, factors), packState(side))
    const result = await runKernel(device.gpu, mergeReplicas.f16, run)
    const expected = cloneSlots(side)
    twin(expected, replicas, factors)
    const actual = unpackHalves(result.words('factors'), factors)
    const merged = new Set(replicas.flat().map(({ slot }) => slot))
    expectClose('factors', actual, expected.factors, at => {
      if (!merged.has(Math.floor(at / factors))) return 0
      return halfStep(expected.factors[at]!) + tolerance(7, 1)
    })
    for (const row of replicas) {
      for (const { slot } of row) {
        expect(actual.slice(slot * factors, (slot + 1) * factors)).toEqual(
          actual.slice(row[0]!.slot * factors, (row[0]!.slot + 1) * factors),
        )
      }
    }
  })
})

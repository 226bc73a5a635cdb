import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { countRows } from '../../src/layout/rows.ts'
import { AlsSolver } from '../../src/solvers/als.ts'
import { planAls } from '../../src/solvers/als-plan.ts'
import { fit } from '../../src/train/fit.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { implicitOptions, resolveOptions, type TrainOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'
import { narrow, useGpu, useNarrowGpu } from '../support/gpu.ts'
import { modelBytes } from '../support/resume.ts'

const wide = useGpu()
const cut = useNarrowGpu()

const shape = { users: 400, items: 150, entries: 3000, rank: 2, noise: 0.3, seed: 3 }
const planted = plantedRatings({ ...shape, itemExponent: 0 }).ratings

describe('alternating least squares over several shards', () => {
  it.each([
    { solver: 'als', rowSolver: 'cg' },
    { solver: 'als', rowSolver: 'exact' },
    { solver: 'als', biases: false, factors: 22 },
    { model: 'implicit', unobservedWeight: 0.1 },
    { model: 'implicit', alpha: 2, rowSolver: 'exact' },
  ] satisfies TrainOptions[])('ends with the model of one shard: %j', async options => {
    const given = { factors: 20, epochs: 3, seed: 3, validationRatio: 0.1, ...options }
    const expected = await fit(wide.gpu, planted, given)
    narrow(cut.gpu, 9000)
    const actual = await fit(cut.gpu, planted, given)
    expect(actual.plan.shards).toBeGreaterThan(4)
    expect(expected.plan.shards).toBeUndefined()
    expect(modelBytes(actual.model).equals(modelBytes(expected.model))).toBe(true)
    const reports = ({ epochs }: typeof actual) =>
      epochs.map(({ validationRmse, validationNdcg }) => [validationRmse, validationNdcg])
    expect(reports(actual)).toEqual(reports(expected))
  })

  it.each([
    { rowSolver: 'cg', implicit: false },
    { rowSolver: 'exact', implicit: false },
    { rowSolver: 'cg', implicit: true },
    { rowSolver: 'exact', implicit: true },
  ] as const)('works on heavy rows in parts: %j', async ({ rowSolver, implicit }) => {
    // The heaviest item has some 200 users, of whom a buffer holds 162.
    const { ratings } = plantedRatings(shape)
    expect(Math.max(...countRows(ratings.items, ratings.itemCount))).toBeGreaterThan(162)
    const options = resolveOptions({
      solver: 'als',
      model: implicit ? 'implicit' : 'explicit',
      rowSolver,
      factors: 20,
      seed: 3,
    })
    const own = {
      ...options,
      rowSolver,
      cgSteps: options.cgSteps ?? 3,
      cgTolerance: options.cgTolerance ?? 0,
      implicit: implicitOptions(options),
    }
    const planned = planAls(own, wide.gpu.capabilities)
    const plan = {
      ...planned,
      bounds: { ...planned.bounds, segment: 64, slots: planned.exact === undefined ? 60 : 1 },
      exact: planned.exact && { ...planned.exact, heavy: 150 },
    }
    const scale = scaleOf(ratings, options)
    const trainOn = async (on: Gpu) => {
      const solver = await AlsSolver.create(on, ratings, scale, () => initialParameters(ratings, options), own, plan)
      const sums: number[] = []
      for (let epoch = 0; epoch < 2; epoch++) sums.push((await solver.runEpoch({ epoch, rateScale: 1 })).squaredError)
      const result = { parameters: await solver.tables.read(on), shards: solver.tables.users.shards.length }
      solver.destroy()
      return { ...result, sums }
    }
    const expected = await trainOn(wide.gpu)
    narrow(cut.gpu, 13_000)
    const actual = await trainOn(cut.gpu)
    expect([expected.shards, actual.shards]).toEqual([1, 3])
    expect(actual.parameters).toEqual(expected.parameters)
    actual.sums.forEach((sum, epoch) => {
      // Of the penalty, which is taken off the objective, the sum is added in another order.
      expect(Math.abs(sum / expected.sums[epoch]! - 1)).toBeLessThan(1e-4)
    })
  })
})

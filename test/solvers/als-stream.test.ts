import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { LimitExceededError } from '../../src/errors.ts'
import { AlsSolver } from '../../src/solvers/als.ts'
import { planAls } from '../../src/solvers/als-plan.ts'
import type { Room } from '../../src/solvers/entry-store.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { implicitOptions, resolveOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'
import { narrow, useNarrowGpu } from '../support/gpu.ts'

const device = useNarrowGpu()

const { ratings } = plantedRatings({ users: 400, items: 150, entries: 3000, rank: 2, noise: 0.3, seed: 3 })

const kinds = [true, false].flatMap(implicit =>
  (['cg', 'exact'] as const).flatMap(rowSolver => [2 ** 27, 13_000].map(binding => ({ implicit, rowSolver, binding }))),
)

describe('alternating least squares with streamed entries', () => {
  it.each(kinds)('trains to the bytes of resident ones: %j', async ({ implicit, rowSolver, binding }) => {
    const { gpu } = device
    narrow(gpu, binding)
    const model = implicit ? 'implicit' : 'explicit'
    const options = resolveOptions({ solver: 'als', model, rowSolver, factors: 20, seed: 3 })
    const own = {
      ...options,
      rowSolver,
      cgSteps: options.cgSteps ?? 3,
      cgTolerance: options.cgTolerance ?? 0,
      implicit: implicitOptions(options),
    }
    const planned = planAls(own, gpu.capabilities)
    const plan = {
      ...planned,
      bounds: { entries: 300, segment: 64, slots: 60 },
      // Some rows are shared out and some are not; the heaviest names more rows than the smaller binding holds.
      exact: planned.exact && { ...planned.exact, heavy: 100 },
    }
    const initial = () => initialParameters(ratings, options)
    const create = (room?: Room) => AlsSolver.create(gpu, ratings, scaleOf(ratings, options), initial, own, plan, room)
    const trainedIn = async (room?: Room) => {
      const solver = await create(room)
      const sums: number[] = []
      for (let epoch = 0; epoch < 3; epoch++) {
        const { squaredError, penalty } = await solver.runEpoch({ epoch, rateScale: 1 })
        sums.push(squaredError, penalty)
      }
      const tables = await solver.tables.read(gpu)
      solver.destroy()
      return { result: { sums, tables, plan: solver.plan }, residency: solver.residency }
    }

    const resident = await trainedIn()
    const isSharded = binding < 2 ** 27
    expect('shards' in resident.result.plan).toBe(isSharded)
    // Where there are shards, the moves between them too.
    const moves = resident.residency.bytes - 2 * 12 * ratings.length
    expect([resident.residency.streamed, moves > 0]).toEqual([false, isSharded])
    const refused = await create({ entryBytes: 0 }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(LimitExceededError)
    const { needed } = refused as LimitExceededError
    await expect(create({ entryBytes: needed - 1 })).rejects.toThrow(LimitExceededError)
    for (const entryBytes of [needed, resident.residency.bytes - 1]) {
      const streamed = await trainedIn({ entryBytes })
      const { userBlocks, itemBlocks } = streamed.result.plan
      expect(streamed.result).toEqual(resident.result)
      const loadsPerEpoch = Number(userBlocks) + Number(itemBlocks)
      expect(streamed.residency).toEqual({ streamed: true, slots: 2, bytes: needed, loadsPerEpoch })
      expect(loadsPerEpoch).toBeGreaterThan(15)
    }
  })
})

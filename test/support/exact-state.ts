import { expect } from 'vitest'
import type { Ratings } from '../../src/data/ratings.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { errorScale } from '../../src/solvers/error-scale.ts'
import type { Solver } from '../../src/solvers/solver.ts'
import type { SolverState } from '../../src/solvers/solver-tables.ts'
import { createSolver } from '../../src/train/create-solver.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { resolveOptions, type TrainOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'

/** `work` with a solver as a training makes it. */
async function withSolver<T>(
  gpu: Gpu,
  ratings: Ratings,
  options: TrainOptions,
  work: (solver: Solver) => Promise<T>,
): Promise<T> {
  const scale = scaleOf(ratings, resolveOptions(options))
  const density = ratings.length / (ratings.userCount * ratings.itemCount)
  const resolved = resolveOptions(options, { ...errorScale(ratings, scale), density })
  const initial = initialParameters(ratings, resolved)
  const solver = await createSolver(gpu, ratings, scale, () => initial, resolved)
  try {
    return await work(solver)
  } finally {
    solver.destroy()
  }
}

/** Epochs `from` to `to` - 1 at a rate that differs from epoch to epoch; returns their losses and penalties. */
async function runEpochs(solver: Solver, from: number, to: number): Promise<number[]> {
  const sums: number[] = []
  for (let epoch = from; epoch < to; epoch++) {
    const { squaredError, penalty } = await solver.runEpoch({ epoch, rateScale: 1 / (1 + epoch) })
    sums.push(squaredError, penalty)
  }
  return sums
}

const bytesOf = (state: SolverState) => new Map([...state].map(([name, bytes]) => [name, Buffer.from(bytes)]))

/** Everything that can be read of a solver. */
const contentOf = async (gpu: Gpu, solver: Solver) => ({
  state: bytesOf(await solver.state.read()),
  tables: await solver.tables.read(gpu),
})

/**
 * A solver's state is all that its next epoch depends on: epochs done in one go, with the state moved to another solver in
 * between, and with a detour that a snapshot takes back, give the same bits.
 */
export async function expectExactState(gpu: Gpu, ratings: Ratings, options: TrainOptions): Promise<void> {
  const straight = await withSolver(gpu, ratings, options, async solver => {
    const first = await runEpochs(solver, 0, 2)
    const half = await contentOf(gpu, solver)
    return { first, half, second: await runEpochs(solver, 2, 5), end: await contentOf(gpu, solver) }
  })
  const state = await withSolver(gpu, ratings, options, async solver => {
    expect(await runEpochs(solver, 0, 2)).toEqual(straight.first)
    const read = await solver.state.read()
    expect(bytesOf(read)).toEqual(straight.half.state)
    return read
  })
  await withSolver(gpu, ratings, options, async solver => {
    // Not from where a solver starts: nothing of what was before may be left.
    await runEpochs(solver, 7, 8)
    await solver.state.write(state)
    expect(await contentOf(gpu, solver)).toEqual(straight.half)
    const snapshot = await solver.state.snapshot()
    try {
      await runEpochs(solver, 9, 11)
      await snapshot.restore()
      expect(await contentOf(gpu, solver)).toEqual(straight.half)
      await runEpochs(solver, 2, 3)
      await snapshot.take()
      await runEpochs(solver, 3, 4)
      await snapshot.restore()
    } finally {
      snapshot.destroy()
    }
    expect(await runEpochs(solver, 3, 5)).toEqual(straight.second.slice(2))
    expect(await contentOf(gpu, solver)).toEqual(straight.end)
  })
  expect(straight.end.state).not.toEqual(straight.half.state)
}

import { describe, expect, it } from 'vitest'
import { mergeDuplicates } from '../../src/data/duplicates.ts'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { DivergedError } from '../../src/errors.ts'
import type { ModelParts } from '../../src/model/parts.ts'
import { AlsSolver } from '../../src/solvers/als.ts'
import type { AlsPlan } from '../../src/solvers/als-plan.ts'
import { planAls } from '../../src/solvers/als-plan.ts'
import { penaltyExponent } from '../../src/solvers/penalty.ts'
import { fit } from '../../src/train/fit.ts'
import { initialParameters } from '../../src/train/initialize.ts'
import { implicitOptions, type ResolvedOptions, resolveOptions, type TrainOptions } from '../../src/train/options.ts'
import { scaleOf } from '../../src/train/scale.ts'
import { Training } from '../../src/train/training.ts'
import { alsEpoch, alsObjective, type DenseProblem } from '../reference/als_epoch.ts'
import { useGpu } from '../support/gpu.ts'
import { expectClose } from '../support/tolerance.ts'
import { solverContract } from './contract.ts'
import { rankingContract } from './ranking-contract.ts'

solverContract('als', { options: { solver: 'als', regularization: 0.05, penalty: 'weighted' } })
solverContract('als exact', {
  options: { solver: 'als', rowSolver: 'exact', regularization: 0.05, penalty: 'weighted' },
})
rankingContract('implicit', { model: 'implicit' })
rankingContract('implicit by confidence, exact', { model: 'implicit', alpha: 10, rowSolver: 'exact' })

const device = useGpu()

/** Ratings from 1 to 5, or counts from 0 on for implicit models; some rows are much longer than others, two are empty. */
function randomRatings(seed: number, implicit: boolean): Ratings {
  const random = new Random(seed)
  const users: number[] = []
  const items: number[] = []
  for (let user = 0; user < 19; user++) {
    for (let item = 0; item < 13; item++) {
      if (random.uniform() < (user === 3 || item === 5 ? 0.9 : 0.25)) {
        users.push(user)
        items.push(item)
      }
    }
  }
  // Counts, none, and dislikes.
  const values = users.map(() => (implicit ? random.below(6) - 1 : 1 + 4 * random.uniform()))
  return Ratings.from(users, items, values)
}

const cases: TrainOptions[] = [
  { penalty: 'weighted', regularization: 0.05 },
  { penalty: 'sqrt', regularization: 0.5, biasRegularization: 0.2, itemRegularization: 0.7 },
  { penalty: 'frobenius', regularization: 1, biases: false },
  { penalty: 0.25, regularization: 0.5, globalMean: false },
  { model: 'implicit', unobservedWeight: 0.2, regularization: 0.02 },
  { model: 'implicit', unobservedWeight: 0.05, regularization: 0.1, penalty: 'sqrt', itemRegularization: 0.3 },
  { model: 'implicit', alpha: 3, regularization: 0.5 },
  { model: 'implicit', alpha: 0.5, regularization: 0.1, penalty: 'weighted' },
]

const resolved = (options: TrainOptions, ratings: Ratings): ResolvedOptions =>
  resolveOptions(
    { solver: 'als', factors: 5, epochs: 3, seed: 4, ...options },
    { score: 1, derivative: 1, density: ratings.length / (ratings.userCount * ratings.itemCount) },
  )

/** The problem as the reference takes it: all cells of the matrix, observed or not, in double precision. */
function denseProblem(ratings: Ratings, options: ResolvedOptions): DenseProblem {
  const implicit = implicitOptions(options)
  return {
    users: ratings.userCount,
    items: ratings.itemCount,
    entries: Array.from(ratings.users, (user, e) => ({ user, item: ratings.items[e]!, value: ratings.values[e]! })),
    factors: options.factors,
    biases: options.biases,
    mean: scaleOf(ratings, options).mean,
    implicit,
    exponent: penaltyExponent(options.penalty),
    userPenalty: options.userRegularization,
    itemPenalty: options.itemRegularization,
    biasPenalty: options.biasRegularization,
  }
}

const plain = (parts: Pick<ModelParts, 'userFactors' | 'itemFactors' | 'userBias' | 'itemBias'>, ratings: Ratings) => ({
  userFactors: Float64Array.from(parts.userFactors),
  itemFactors: Float64Array.from(parts.itemFactors),
  userBias: Float64Array.from(parts.userBias ?? new Float32Array(ratings.userCount)),
  itemBias: Float64Array.from(parts.itemBias ?? new Float32Array(ratings.itemCount)),
})

describe.each(cases.map(options => ({ options, title: JSON.stringify(options) })))('als with $title', ({ options }) => {
  const ratings = randomRatings(1, options.model === 'implicit')
  const settings = resolved(options, ratings)
  const problem = denseProblem(ratings, settings)
  const start = plain(initialParameters(ratings, settings), ratings)

  it.each([
    { rowSolver: 'exact', cgSteps: 3 },
    { rowSolver: 'cg', cgSteps: 40 },
  ] as const)('solves as the reference does over all cells, by $rowSolver', async ({ rowSolver, cgSteps }) => {
    const { model, epochs } = await fit(device.gpu, ratings, { ...settings, rowSolver, cgSteps })
    let expected = start
    for (let epoch = 0; epoch < settings.epochs; epoch++) expected = alsEpoch(problem, expected)
    const actual = plain(model.parts, ratings)
    for (const name of ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const) {
      // Single precision, times the condition of the rows' equations (below 1000 here).
      expectClose(name, actual[name], expected[name], () => 1000 * 2 ** -23 * 2)
    }
    const { data, penalty } = alsObjective(problem, actual)
    expect(epochs.at(-1)!.trainLoss * ratings.length).toBeCloseTo(data, 3)
    expect((epochs.at(-1)!.objective - epochs.at(-1)!.trainLoss) * ratings.length).toBeCloseTo(penalty, 3)
  })

  it.each([1, 2, 3])('never raises the objective, whatever its %i steps of conjugate gradient', async cgSteps => {
    const larger = randomRatings(10 + cgSteps, options.model === 'implicit')
    const training = new Training(device.gpu, larger, { ...settings, epochs: 12, cgSteps })
    const objectives: number[] = []
    for await (const { objective } of training) objectives.push(objective)
    training.destroy()
    objectives.forEach((objective, epoch) => {
      if (epoch > 0) expect(objective).toBeLessThanOrEqual(objectives[epoch - 1]! * (1 + 1e-5))
    })
    expect(objectives.at(-1)!).toBeLessThan(objectives[0]!)
  })
})

describe('als', () => {
  const ratings = plantedRatings({ users: 90, items: 50, entries: 1500, rank: 3, noise: 0.1, seed: 2 }).ratings
  const settings = resolved({ penalty: 'weighted', regularization: 0.05, factors: 9 }, ratings)

  async function run(change: (plan: AlsPlan) => AlsPlan, rowSolver: 'cg' | 'exact') {
    const options = { ...settings, rowSolver, cgSteps: 4, cgTolerance: 0 }
    const plan = change(planAls(options, device.gpu.capabilities))
    const scale = scaleOf(ratings, settings)
    const solver = await AlsSolver.create(
      device.gpu,
      ratings,
      scale,
      () => initialParameters(ratings, settings),
      options,
      plan,
    )
    try {
      for (let epoch = 0; epoch < 2; epoch++) await solver.runEpoch({ epoch, rateScale: 1 })
      return { parameters: await solver.tables.read(device.gpu), plan: solver.plan }
    } finally {
      solver.destroy()
    }
  }

  it.each(['cg', 'exact'] as const)('gives the same bits however %s rows are cut into blocks', async rowSolver => {
    const whole = await run(plan => plan, rowSolver)
    const cut = await run(plan => ({ ...plan, bounds: { ...plan.bounds, slots: 7, entries: 50 } }), rowSolver)
    expect(cut.plan.userBlocks).toBeGreaterThan(whole.plan.userBlocks as number)
    expect(cut.parameters).toEqual(whole.parameters)
  })

  it.each(['cg', 'exact'] as const)(
    'gives the same to rounding where heavy rows of %s are shared out',
    async rowSolver => {
      const whole = await run(plan => plan, rowSolver)
      const split = await run(
        plan => ({
          ...plan,
          bounds: { ...plan.bounds, segment: 8 },
          exact: plan.exact && { ...plan.exact, heavy: 20 },
        }),
        rowSolver,
      )
      expect(split.plan.segments).toBeGreaterThan(whole.plan.segments as number)
      for (const name of ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const) {
        expectClose(name, split.parameters[name], whole.parameters[name], () => 1e-3)
      }
    },
  )

  it('gives the same whatever the slices of a workgroup and their lanes', async () => {
    const one = await run(plan => plan, 'cg')
    const other = await run(
      plan => ({ ...plan, slices: { lanes: 1, vecs: 3, subgroups: false }, slicesPerWorkgroup: 32 }),
      'cg',
    )
    for (const name of ['userFactors', 'itemFactors'] as const) {
      expectClose(name, other.parameters[name], one.parameters[name], () => 1e-3)
    }
  })

  it('counts its steps, and stops at its tolerance', async () => {
    const factorsOf = async (options: TrainOptions) =>
      (await fit(device.gpu, ratings, { ...settings, epochs: 1, ...options })).model.parts.userFactors
    const [one, two, three] = [
      await factorsOf({ cgSteps: 1 }),
      await factorsOf({ cgSteps: 2 }),
      await factorsOf({ cgSteps: 3 }),
    ]
    expect(two).not.toEqual(one)
    expect(three).not.toEqual(two)
    // A row is done where a step lowers the objective by less than all that is left of it.
    expect(await factorsOf({ cgSteps: 30, cgTolerance: 1 })).not.toEqual(await factorsOf({ cgSteps: 30 }))
    expect(await factorsOf({ cgSteps: 3, cgTolerance: 1e-9 })).toEqual(three)
  })

  it('adds up the Gram matrix of more rows than a chunk has, in as many dispatches as it takes', async () => {
    const random = new Random(5)
    const users = Array.from({ length: 3000 }, () => random.below(700))
    const items = users.map(() => random.below(600))
    const wide = mergeDuplicates(
      Ratings.from(
        users,
        items,
        users.map(() => 1),
      ),
      'last',
    )
    const options = resolved(
      { model: 'implicit', unobservedWeight: 0.3, regularization: 0.05, epochs: 1, factors: 3 },
      wide,
    )
    const { model } = await fit(device.gpu, wide, { ...options, rowSolver: 'exact' })
    const expected = alsEpoch(denseProblem(wide, options), plain(initialParameters(wide, options), wide))
    expectClose('items', model.parts.itemFactors, expected.itemFactors, () => 1000 * 2 ** -23)
    const small = {
      ...planAls({ ...options, rowSolver: 'cg', cgSteps: 3, cgTolerance: 0 }, device.gpu.capabilities),
    }
    const factorsBy = async (plan: AlsPlan) => {
      const cg = {
        ...options,
        rowSolver: 'cg' as const,
        cgSteps: 3,
        cgTolerance: 0,
        implicit: implicitOptions(options),
      }
      const solver = await AlsSolver.create(
        device.gpu,
        wide,
        { mean: 0 },
        () => initialParameters(wide, options),
        cg,
        plan,
      )
      try {
        await solver.runEpoch({ epoch: 0, rateScale: 1 })
        return await solver.tables.read(device.gpu)
      } finally {
        solver.destroy()
      }
    }
    expect(await factorsBy({ ...small, work: 1 })).toEqual(await factorsBy(small))
  })

  it.each(['cg', 'exact'] as const)(
    'trains without a penalty by %s, where rows have fewer entries than unknowns',
    async rowSolver => {
      const sparse = plantedRatings({ users: 300, items: 200, entries: 700, rank: 3, noise: 0.1, seed: 6 }).ratings
      for (const factors of [2, 16, 32]) {
        const { epochs, model } = await fit(device.gpu, sparse, {
          solver: 'als',
          rowSolver,
          factors,
          regularization: 0,
          epochs: 6,
        })
        expect(epochs.at(-1)!.trainLoss).toBeLessThan(Math.max(1e-5, epochs[0]!.trainLoss))
        expect(model.parts.userFactors.every(Number.isFinite)).toBe(true)
      }
    },
  )

  it('names the row whose objective is not finite', async () => {
    const values = ratings.values.map((value, e) => (e === 700 ? 1e25 : value))
    const { users, items, userIds, itemIds } = ratings
    const broken = new Ratings({ users, items, values, userIds, itemIds })
    for (const rowSolver of ['cg', 'exact'] as const) {
      const options: TrainOptions = {
        solver: 'als',
        rowSolver,
        factors: 3,
        regularization: 1,
        globalMean: false,
        initStd: 0.1,
        biases: false,
      }
      const error = await fit(device.gpu, broken, options).then(
        () => undefined,
        (caught: unknown) => caught,
      )
      expect(error).toBeInstanceOf(DivergedError)
      expect((error as DivergedError).row).toEqual({ side: 'users', row: users[700], id: userIds.at(users[700]!) })
    }
  })

  it('takes ranks beyond those of the exact solver by converged conjugate gradient', async () => {
    const { model, plan } = await fit(device.gpu, ratings, { ...settings, factors: 160, rowSolver: 'exact', epochs: 2 })
    expect(plan).toMatchObject({ rowSolver: 'cg', steps: 64 })
    const cg = await fit(device.gpu, ratings, { ...settings, factors: 160, rowSolver: 'cg', cgSteps: 200, epochs: 2 })
    expectClose('factors', model.parts.userFactors, cg.model.parts.userFactors, () => 1e-3)
  })

  it('ranks the diagonal first that a checkerboard leaves out', async () => {
    // Users like the items of their own parity; each lacks the one of its own number. Two factors tell the parities apart; a
    // third would have nothing to fit but the holes.
    const size = 50
    const users: number[] = []
    const items: number[] = []
    for (let user = 0; user < size; user++) {
      for (let item = user % 2; item < size; item += 2) {
        if (item !== user) {
          users.push(user)
          items.push(item)
        }
      }
    }
    const board = Ratings.from(
      users,
      items,
      users.map(() => 1),
    )
    for (const options of [{ alpha: 40 }, { unobservedWeight: 0.1 }, { alpha: 2, rowSolver: 'exact' as const }]) {
      const { model } = await fit(device.gpu, board, { model: 'implicit', factors: 2, epochs: 15, seed: 1, ...options })
      for (let user = 0; user < size; user++) {
        const [best] = await model.recommend(user, { k: 10 })
        expect(best!.item).toBe(user)
      }
      model.destroy()
    }
  })
})

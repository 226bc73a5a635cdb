import { describe, expect, it } from 'vitest'
import { IdTable, UNKNOWN } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { splitStratified } from '../../src/data/split.ts'
import { InputError, OptionError } from '../../src/errors.ts'
import type { Parameters } from '../../src/model/tables.ts'
import { BprSolver } from '../../src/solvers/bpr.ts'
import type { BprOptions } from '../../src/solvers/bpr-options.ts'
import { type BprPlan, planBpr } from '../../src/solvers/bpr-plan.ts'
import { sampleLength } from '../support/bpr.ts'
import { referenceBpr } from '../support/bpr-schedule.ts'
import { useGpu } from '../support/gpu.ts'
import { normals } from '../support/scoring.ts'
import { expectClose, tolerance } from '../support/tolerance.ts'

const device = useGpu()
const [users, items, rank] = [80, 50, 3]

/** Entries of users who take the items that they like, by planted factors and a planted popularity. */
function plantedPositives(seed: number): Ratings {
  const random = new Random(seed)
  const [p, q] = [normals(random, users * rank), normals(random, items * rank)]
  const popularity = normals(random, items, 0.5)
  const pairs: [number, number][] = []
  for (let u = 0; u < users; u++) {
    const liking = Array.from({ length: items }, (_, i) => {
      let score = popularity[i]!
      for (let f = 0; f < rank; f++) score += p[u * rank + f]! * q[i * rank + f]!
      return score + 0.3 * random.normal()
    })
    const order = [...liking.keys()].sort((a, b) => liking[b]! - liking[a]!)
    for (const i of order.slice(0, 6 + random.below(12))) pairs.push([u, i])
  }
  return implicit(pairs, users, items)
}

function implicit(pairs: [number, number][], userCount: number, itemCount: number): Ratings {
  return new Ratings({
    users: Uint32Array.from(pairs, ([u]) => u),
    items: Uint32Array.from(pairs, ([, i]) => i),
    values: Float32Array.from(pairs, (_, e) => e % 7),
    userIds: IdTable.range(userCount),
    itemIds: IdTable.range(itemCount),
  })
}

const planted = plantedPositives(3)
const { train, test } = splitStratified(planted, { ratio: 0.25, seed: 1, by: 'users' })

const options: BprOptions = {
  factors: 6,
  seed: 4,
  userLearningRate: 0.05,
  itemLearningRate: 0.06,
  biasLearningRate: 0.04,
  userRegularization: 0.01,
  itemRegularization: 0.02,
  biasRegularization: 0.03,
  biases: true,
  negativePower: 0,
}

function initialOf(ratings: Ratings, factors = options.factors, seed = 7): Parameters {
  const random = new Random(seed)
  return {
    userFactors: normals(random, ratings.userCount * factors, 0.1),
    itemFactors: normals(random, ratings.itemCount * factors, 0.1),
    userBias: new Float32Array(ratings.userCount),
    itemBias: normals(random, ratings.itemCount, 0.1),
  }
}

const planOf = (rounds: number, slices: number, lanes: number, subgroups: boolean, prefetch: boolean): BprPlan => ({
  variant: { lanes, vecs: Math.ceil(2 / lanes), subgroups, prefetch },
  slices,
  rounds,
})

const plans: [string, BprPlan | undefined][] = [
  ['as planned', undefined],
  ['two rounds of a CPU', planOf(2, 1, 2, true, false)],
  ['many rounds of a GPU', planOf(30, 8, 2, true, true)],
  ['without subgroups', planOf(6, 4, 2, false, true)],
  ['an invocation a row', planOf(8, 16, 1, false, false)],
]

interface Run {
  epochs?: number
  /** Whether all epochs have one rate; otherwise that of epoch e is divided by 1 + e. */
  constant?: boolean
  plan?: BprPlan | undefined
  initial?: Parameters
}

async function run(ratings: Ratings, given: BprOptions, settings: Run = {}) {
  const { epochs = 1, constant = false, plan, initial = initialOf(ratings) } = settings
  const solver = await BprSolver.create(device.gpu, ratings, () => initial, given, plan)
  try {
    const sums = []
    for (let epoch = 0; epoch < epochs; epoch++) {
      sums.push(await solver.runEpoch({ epoch, rateScale: constant ? 1 : 1 / (1 + epoch) }))
    }
    return {
      parameters: await solver.tables.read(device.gpu),
      losses: sums.map(({ squaredError }) => squaredError),
      penalties: sums.map(({ penalty }) => penalty),
      rounds: solver.plan.rounds as number,
    }
  } finally {
    solver.destroy()
  }
}

const bytesOf = ({ userFactors, itemFactors, userBias, itemBias }: Parameters) =>
  Buffer.concat([userFactors, itemFactors, userBias, itemBias].map(part => Buffer.from(part.buffer as ArrayBuffer)))

/** Of held-out entries against the user's unknown items: how often the entry has the higher score. */
function areaUnderCurve({ userFactors, itemFactors, itemBias }: Parameters, k: number, known: Ratings, held: Ratings) {
  const itemsOf = (ratings: Ratings, user: number) => ratings.items.filter((_, e) => ratings.users[e] === user)
  let wins = 0
  let pairs = 0
  for (let u = 0; u < known.userCount; u++) {
    const score = (i: number) => {
      let sum = itemBias[i]!
      for (let f = 0; f < k; f++) sum += userFactors[u * k + f]! * itemFactors[i * k + f]!
      return sum
    }
    const positives = itemsOf(held, u)
    const taken = new Set([...positives, ...itemsOf(known, u)])
    for (let j = 0; j < known.itemCount; j++) {
      if (taken.has(j)) continue
      for (const i of positives) wins += Number(score(i) > score(j))
      pairs += positives.length
    }
  }
  return wins / pairs
}

/** Samples that the heaviest row passes in an epoch; what it inherits from rows it meets, the rate makes small. */
function depth(ratings: Ratings): number {
  const counts = new Map<string, number>()
  for (let e = 0; e < ratings.length; e++) {
    for (const key of [`u${ratings.users[e]}`, `i${ratings.items[e]}`]) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return Math.max(...counts.values())
}

/** Two epochs against the same in double precision. */
async function expectReference(given: BprOptions, plan: BprPlan | undefined): Promise<void> {
  const { parameters, losses, rounds } = await run(train, given, { epochs: 2, plan })
  const expected = referenceBpr(train, initialOf(train), given, rounds, 2)
  const length = 2 * depth(train) * sampleLength(given.factors)
  for (const part of ['userFactors', 'itemFactors', 'itemBias'] as const) {
    expectClose(part, parameters[part], expected.model[part], at =>
      tolerance(length, 1 + Math.abs(expected.model[part][at]!)),
    )
  }
  expectClose('losses', losses, expected.losses, at => tolerance(length, expected.losses[at]!))
  expect(parameters.userBias).toEqual(new Float32Array(users))
}

describe('the BPR solver', () => {
  it.each(plans)('agrees with the serial reference over two epochs: %s', async (_, plan) => {
    await expectReference(options, plan)
    await expectReference({ ...options, biases: false, negativePower: 0.75 }, plan)
  })

  it.each(plans)('learns a planted set, and gives the same bytes twice: %s', async (_, plan) => {
    const train60 = () => run(train, options, { epochs: 60, constant: true, plan })
    const [one, two] = [await train60(), await train60()]
    expect(areaUnderCurve(initialOf(train), 6, train, test)).toBeLessThan(0.65)
    expect(areaUnderCurve(one.parameters, 6, train, test)).toBeGreaterThan(0.85)
    expect(one.losses[59]!).toBeLessThan(0.5 * one.losses[0]!)
    expect(one.losses[0]! / train.length).toBeGreaterThan(0.6)
    expect(one.losses[0]! / train.length).toBeLessThan(0.75)
    expect(bytesOf(one.parameters).equals(bytesOf(two.parameters))).toBe(true)
    expect(one.losses).toEqual(two.losses)
  })

  it('gives other bytes for another seed, the same for any order of the entries and for any slices', async () => {
    const bytes = async (ratings: Ratings, seed: number, slices: number) =>
      bytesOf((await run(ratings, { ...options, seed }, { plan: planOf(4, slices, 2, true, true) })).parameters)
    const expected = await bytes(train, 4, 4)
    expect((await bytes(train, 5, 4)).equals(expected)).toBe(false)
    expect((await bytes(train, 4, 16)).equals(expected)).toBe(true)
    const shuffled = train.select(new Random(1).permutation(train.length))
    expect((await bytes(shuffled, 4, 4)).equals(expected)).toBe(true)
  })

  it('draws anew in each epoch', async () => {
    const second = async (epoch: number) => {
      const solver = await BprSolver.create(device.gpu, train, () => initialOf(train), options)
      await solver.runEpoch({ epoch, rateScale: 1 })
      const bytes = bytesOf(await solver.tables.read(device.gpu))
      solver.destroy()
      return bytes
    }
    expect((await second(0)).equals(await second(1))).toBe(false)
  })

  it('sums what rows pay, once for each of their entries', async () => {
    const { parameters, penalties } = await run(train, options)
    const squares = (row: number, factors: Float32Array) =>
      factors.subarray(6 * row, 6 * row + 6).reduce((sum, value) => sum + value ** 2, 0)
    let expected = 0
    for (let e = 0; e < train.length; e++) {
      const [u, i] = [train.users[e]!, train.items[e]!]
      expected += options.userRegularization * squares(u, parameters.userFactors)
      expected += options.itemRegularization * squares(i, parameters.itemFactors)
      expected += options.biasRegularization * parameters.itemBias[i]! ** 2
    }
    expectClose('penalty', penalties, [expected], () => tolerance(100, expected))
  })

  it('leaves users without entries alone; items without entries are negatives only where all items are alike', async () => {
    const wide = new Ratings({
      ...columnsOf(train),
      userIds: IdTable.range(users + 3),
      itemIds: IdTable.range(items + 2),
    })
    const initial = initialOf(wide)
    for (const [negativePower, changes] of [
      [0, true],
      [1, false],
    ] as const) {
      const { parameters } = await run(wide, { ...options, negativePower }, { initial, epochs: 2 })
      expect(parameters.userFactors.subarray(6 * users)).toEqual(initial.userFactors.subarray(6 * users))
      const unseen = [parameters, initial].map(({ itemFactors }) => [...itemFactors.subarray(6 * items)])
      if (changes) expect(unseen[0]).not.toEqual(unseen[1])
      else expect(unseen[0]).toEqual(unseen[1])
      if (changes) for (const bias of parameters.itemBias.subarray(items)) expect(bias).toBeLessThan(0)
    }
  })

  it('passes over users who have all items, and entries of unknown users and items', async () => {
    const all = Array.from({ length: 4 }, (_, i): [number, number] => [0, i])
    const others: [number, number][] = [
      [1, 0],
      [1, 1],
      [2, 3],
      [UNKNOWN, 2],
      [2, UNKNOWN],
    ]
    const ratings = implicit([...all, ...others], 3, 4)
    const initial = initialOf(ratings)
    for (const negativePower of [0, 1]) {
      const { parameters, losses } = await run(ratings, { ...options, negativePower }, { initial, epochs: 3 })
      expect(parameters.userFactors.subarray(0, 6)).toEqual(initial.userFactors.subarray(0, 6))
      expect(parameters.userFactors.subarray(6, 12)).not.toEqual(initial.userFactors.subarray(6, 12))
      // Three entries have a negative; each costs about ln 2.
      expect(losses[0]).toBeCloseTo(3 * Math.LN2, 0)
    }
  })

  it.each([
    [
      'one item',
      implicit(
        [
          [0, 0],
          [1, 0],
        ],
        2,
        1,
      ),
    ],
    ['one pair', implicit([[0, 0]], 1, 1)],
  ])('changes nothing where there is no negative: %s', async (_, ratings) => {
    const initial = initialOf(ratings)
    const { parameters, losses } = await run(ratings, options, { initial, epochs: 2 })
    expect(bytesOf(parameters).equals(bytesOf(initial))).toBe(true)
    expect(losses).toEqual([0, 0])
  })

  it('ranks for one user, and counts an entry that stands twice twice', async () => {
    const pairs: [number, number][] = [
      [0, 1],
      [0, 3],
      [0, 3],
    ]
    const ratings = implicit(pairs, 1, 5)
    const { parameters, losses } = await run(ratings, { ...options, biasLearningRate: 0.5 }, { epochs: 20 })
    const { itemBias } = parameters
    for (const other of [0, 2, 4]) expect(Math.min(itemBias[1]!, itemBias[3]!)).toBeGreaterThan(itemBias[other]!)
    expect(itemBias[3]).toBeGreaterThan(itemBias[1]!)
    expect(losses[0]! / 3).toBeGreaterThan(0.3)
  })

  it('takes more users than a dispatch has workgroups in one dimension', async () => {
    const count = 70_000
    const pairs = Array.from({ length: count }, (_, u): [number, number] => [u, u % 3])
    const ratings = implicit(pairs, count, 4)
    const initial = initialOf(ratings, 1)
    const plan = planOf(2, 1, 1, false, false)
    plan.variant.vecs = 1
    const { parameters, losses } = await run(
      ratings,
      { ...options, factors: 1, userRegularization: 0 },
      { initial, plan },
    )
    const untouched = parameters.userFactors.findIndex((value, u) => value === initial.userFactors[u])
    expect(untouched).toBe(-1)
    // The second half of them passes when the items have learned from the first.
    expect(losses[0]! / count).toBeGreaterThan(0.5)
    expect(losses[0]! / count).toBeLessThan(Math.LN2)
  })

  it('does nothing at rate zero, and is not finite where it diverges', async () => {
    const initial = initialOf(train)
    const solver = await BprSolver.create(device.gpu, train, () => initial, options)
    const still = await solver.runEpoch({ epoch: 0, rateScale: 0 })
    expect(still.squaredError).toBeGreaterThan(0)
    expect(bytesOf(await solver.tables.read(device.gpu)).equals(bytesOf(initial))).toBe(true)
    const { squaredError, penalty } = await solver.runEpoch({ epoch: 1, rateScale: 1e30 })
    expect(squaredError + penalty).not.toSatisfy(Number.isFinite)
    solver.destroy()
  })

  it('ends between two submits when the signal says so', async () => {
    const solver = await BprSolver.create(device.gpu, train, () => initialOf(train), options)
    const reason = new Error('enough')
    await expect(solver.runEpoch({ epoch: 0, rateScale: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    solver.destroy()
  })

  it('refuses what cannot be trained, and frees what it took', async () => {
    const before = device.gpu.liveBytes
    const create = (ratings: Ratings, change: Partial<BprOptions>, plan?: BprPlan) =>
      BprSolver.create(device.gpu, ratings, () => initialOf(ratings), { ...options, ...change }, plan)
    await expect(create(implicit([], 2, 2), {})).rejects.toThrow(InputError)
    await expect(create(implicit([[UNKNOWN, 0]], 2, 2), {})).rejects.toThrow('there are no ratings')
    await expect(create(train, {}, planOf(3, 1, 2, true, true))).rejects.toThrow(OptionError)
    const rows = (...list: number[]) => ({ only: 'items' as const, rows: Uint32Array.from(list) })
    await expect(create(train, rows(1, items))).rejects.toThrow(`"rows" names row ${items} of ${items} items`)
    await expect(create(train, rows(1, 2, 1))).rejects.toThrow('"rows" names row 1 of the items twice')
    await expect(create(train, { rows: Uint32Array.of(1) })).rejects.toThrow('"rows" needs "only"')
    expect(device.gpu.liveBytes).toBe(before)
  })
})

describe('one side of BPR alone', () => {
  it.each(['users', 'items'] as const)('agrees with the serial reference: %s', async only => {
    const rows = Uint32Array.of(30, 2, 17, 9)
    for (const given of [
      { ...options, only },
      { ...options, only, rows, userLearningRate: 0.5, itemLearningRate: 0.5 },
    ]) {
      await expectReference(given, undefined)
      await expectReference(given, planOf(4, 4, 2, false, true))
    }
  })

  it('leaves all as it is where there are no rows to train', async () => {
    const initial = initialOf(train)
    for (const only of ['users', 'items'] as const) {
      const { parameters, losses } = await run(train, { ...options, only, rows: new Uint32Array() }, { initial })
      expect(bytesOf(parameters).equals(bytesOf(initial))).toBe(true)
      expect(losses).toEqual([0])
    }
  })

  it.each([1, 2, 7])('trains new users against items that stay as they are, in %i rounds', async rounds => {
    const { parameters: known } = await run(train, options, { epochs: 40, constant: true })
    const initial = { ...known, userFactors: initialOf(train).userFactors }
    const fresh = Uint32Array.from({ length: 20 }, (_, at) => 4 * at)
    const plan = planOf(rounds, 2, 2, true, true)
    const given = { ...options, only: 'users' as const, rows: fresh }
    const { parameters, losses } = await run(train, given, { epochs: 40, constant: true, plan, initial })
    for (const part of ['itemFactors', 'itemBias', 'userBias'] as const) {
      expect(parameters[part]).toEqual(known[part])
    }
    for (let u = 0; u < users; u++) {
      const same = parameters.userFactors
        .subarray(6 * u, 6 * u + 6)
        .every((value, f) => value === initial.userFactors[6 * u + f])
      expect({ u, same }).toEqual({ u, same: !fresh.includes(u) })
    }
    const ofFresh = (ratings: Ratings) =>
      ratings.select(Uint32Array.from(ratings.users.keys()).filter(e => fresh.includes(ratings.users[e]!)))
    const auc = areaUnderCurve(parameters, 6, train, ofFresh(test))
    expect(auc).toBeGreaterThan(areaUnderCurve(initial, 6, train, ofFresh(test)) + 0.02)
    expect(auc).toBeGreaterThan(0.8)
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!)
  })

  it('trains all users with entries unless told which, in one round', async () => {
    const initial = initialOf(train)
    const { parameters, rounds } = await run(train, { ...options, only: 'users' }, { initial })
    const still = Array.from({ length: users }, (_, u) => parameters.userFactors[6 * u] === initial.userFactors[6 * u])
    expect(still).toEqual(new Array(users).fill(false))
    expect(parameters.itemFactors).toEqual(initial.itemFactors)
    expect(rounds).toBe(1)
  })

  it('trains new items against users and other items that stay as they are', async () => {
    const { parameters: known } = await run(train, options, { epochs: 40, constant: true })
    const fresh = Uint32Array.of(3, 11, 12, 40, 49)
    const initial = { ...known, itemFactors: known.itemFactors.slice(), itemBias: known.itemBias.slice() }
    for (const i of fresh) {
      initial.itemFactors.set(initialOf(train).itemFactors.subarray(6 * i, 6 * i + 6), 6 * i)
      initial.itemBias[i] = 0
    }
    const given = { ...options, only: 'items' as const, rows: fresh }
    const { parameters, losses } = await run(train, given, { epochs: 40, constant: true, initial })
    expect(parameters.userFactors).toEqual(known.userFactors)
    for (let i = 0; i < items; i++) {
      const same = parameters.itemBias[i] === initial.itemBias[i]
      expect({ i, same }).toEqual({ i, same: !fresh.includes(i) })
      const row = (parts: Parameters) => [...parts.itemFactors.subarray(6 * i, 6 * i + 6)]
      if (!fresh.includes(i)) expect(row(parameters)).toEqual(row(initial))
    }
    const ofFresh = test.select(Uint32Array.from(test.users.keys()).filter(e => fresh.includes(test.items[e]!)))
    expect(areaUnderCurve(parameters, 6, train, ofFresh)).toBeGreaterThan(
      areaUnderCurve(initial, 6, train, ofFresh) + 0.02,
    )
    expect(losses.at(-1)!).toBeLessThan(losses[0]!)
  })
})

const columnsOf = ({ users: rows, items: columns, values }: Ratings) => ({ users: rows, items: columns, values })

it('is planned for the device when no plan is given', async () => {
  const solver = await BprSolver.create(device.gpu, train, () => initialOf(train), options)
  const { capabilities } = device.gpu
  const { variant, slices, rounds } = planBpr(
    { users, items, samples: 1, entries: train.length, heaviest: 1, factors: 6 },
    capabilities,
  )
  expect(solver.plan).toMatchObject({ reproducible: true, lanes: variant.lanes, slices, rounds })
  solver.destroy()
})

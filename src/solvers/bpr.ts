import type { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { type Negatives, weighNegatives } from '../layout/negatives.ts'
import { type Positives, packPositives } from '../layout/positives.ts'
import type { SideTable } from '../model/side-table.ts'
import { FactorTables, type Parameters } from '../model/tables.ts'
import { uploadDraws } from './bpr-draws.ts'
import { cutPositives, type EntryPlaces, placeEntries } from './bpr-entries.ts'
import { type BprOptions, checkRows } from './bpr-options.ts'
import { type BprPlan, checkBprPlan, planBpr } from './bpr-plan.ts'
import { type BprInputs, type BprSide, createItems, createUsers, cutSide, stepsOf } from './bpr-side.ts'
import type { Residency, Room } from './entry-store.ts'
import { fitToDevice } from './fused-probe.ts'
import { penaltyWeights } from './penalty.ts'
import { PenaltyMeter } from './penalty-meter.ts'
import { packSide } from './side-options.ts'
import { type EpochOrder, type EpochSums, type Solver, type SolverPlan, shardFigure } from './solver.ts'
import { SolverTables } from './solver-tables.ts'

// Bayesian personalized ranking (Rendle et al., 2009) minimises
//
//   sum over entries (u, i) of E_j [-ln sigmoid(s_ui - s_uj)] + penalties,   s_ui = b_i + p_u . q_i,
//
// where j is an item that u has not, drawn with probability in proportion to w_j. All entries are positives, whatever
// their values; an entry that stands twice counts twice.
//
// An epoch falls into rounds, a round into two phases. In the users' phase (`bpr_users`) each user passes a share of the
// user's entries, the items' rows standing still; in the items' phase (`bpr_items`) each item passes a share of its entries
// and as many samples in which it is the negative as stochastic gradient descent over the entries would bring it in the
// mean, the users' rows and all other items' standing still. A row has one owner, so there are no races, and the same seed
// gives the same bits. Samples are drawn ahead of each phase by hashes of what they are for (`bpr_user_draws`,
// `bpr_item_draws`).

/** Everything of a run that lies on the GPU, made once. */
interface Resources {
  tables: FactorTables
  /** Where rounds write the items' rows by turns; undefined where they stand still. The first table is the model's. */
  secondItems: SideTable | undefined
  /** The users' phase before the items'; one of them alone where one side is trained. */
  sides: readonly BprSide[]
  entries: EntryPlaces
  penalties: readonly PenaltyMeter[]
}

export class BprSolver implements Solver {
  readonly plan: SolverPlan
  readonly state: SolverTables
  readonly residency: Residency
  readonly #buffers: BufferOwner
  readonly #resources: Resources
  readonly #rounds: number
  readonly #timer: GpuTimer
  readonly #submitter: Submitter

  private constructor(gpu: Gpu, buffers: BufferOwner, cut: BprPlan, resources: Resources) {
    const { variant, slices, rounds } = cut
    const { tables, secondItems, entries } = resources
    const figures = { rounds, slices, lanes: variant.lanes, subgroups: variant.subgroups }
    this.plan = { reproducible: true, ...figures, ...shardFigure(tables) }
    this.state = new SolverTables(gpu, { ...tables.buffers }, encoder => {
      if (secondItems !== undefined) tables.items.copyTo(encoder, secondItems)
    })
    this.residency = entries.residency
    this.#buffers = buffers
    this.#resources = resources
    this.#rounds = rounds
    this.#timer = new GpuTimer(gpu, buffers)
    this.#submitter = new Submitter(gpu, this.#timer)
  }

  /**
   * Packs the entries, uploads them and the initial parameters, compiles the kernels.
   * @param initial drawn once there is room for them
   * @param chosen instead of what `planBpr` makes of the device and the data
   * @param room for the entries; they are streamed where it is too small for all
   * @throws InputError, OptionError, LimitExceededError, OutOfMemoryError
   */
  static async create(
    gpu: Gpu,
    ratings: Ratings,
    initial: () => Parameters | Promise<Parameters>,
    options: BprOptions,
    chosen?: BprPlan,
    room: Room = {},
  ): Promise<BprSolver> {
    checkRows(options, ratings)
    const buffers = gpu.buffers()
    try {
      const positives = packPositives(ratings)
      if (positives.itemsOf.length === 0) throw new InputError('there are no ratings to train on')
      const negatives = weighNegatives(positives, options.negativePower)
      const cut = await fitBpr(gpu, chosen ?? planFor(gpu, positives, negatives, options))
      checkBprPlan(cut, options.only)
      const resources = await prepare(gpu, buffers, { positives, negatives, initial, options, plan: cut, room })
      await gpu.settle(buffers)
      return new BprSolver(gpu, buffers, cut, resources)
    } catch (error) {
      buffers.destroy()
      throw error
    }
  }

  get tables(): FactorTables {
    return this.#resources.tables
  }

  /** In `squaredError` the sum of -ln sigmoid(s_ui - s_uj) over the entries, each as the first phase passed it. */
  async runEpoch({ epoch, rateScale, signal }: EpochOrder): Promise<EpochSums> {
    const { sides, penalties, entries } = this.#resources
    const [{ loss }] = sides as [BprSide]
    for (const { windows } of sides) windows.write(rateScale, epoch)
    const steps = sides.flatMap(side => side.steps)
    const count = this.#rounds * steps.length
    const places = entries.place()
    const [[squaredError], gpuSeconds, ...penalty] = await this.#submitter.run(
      'bpr epoch',
      count + 1,
      (pass, step) => {
        const encode = steps[step % steps.length]!
        if (step < count) encode(pass, Math.floor(step / steps.length), places?.slot[step] ?? 0)
        else for (const sums of [loss, ...penalties]) sums.encode(pass)
      },
      {
        signal,
        loads: places?.loads,
        read: () => Promise.all([loss.read(), this.#timer.seconds(), ...penalties.map(meter => meter.read())]),
      },
    )
    return { squaredError, penalty: penalty.reduce((sum, part) => sum + part, 0), gpuSeconds }
  }

  destroy(): void {
    this.#timer.destroy()
    this.#buffers.destroy()
  }
}

const countsOf = (start: Uint32Array) =>
  Uint32Array.from({ length: start.length - 1 }, (_, row) => start[row + 1]! - start[row]!)

function planFor(gpu: Gpu, positives: Positives, { expected }: Negatives, options: BprOptions): BprPlan {
  const { factors, only, rows } = options
  const users = countsOf(positives.userStart)
  const items = countsOf(positives.itemStart)
  const samples = { users, items: Float64Array.from(items, (count, item) => count + expected[item]!) }
  const trained = only === undefined ? [samples.users, samples.items] : [samples[only]]
  return planBpr(
    {
      users: users.length,
      items: items.length,
      entries: positives.itemsOf.length,
      heaviest: Math.max(most(users), most(items)),
      samples: Math.max(...trained.map(side => most(rows === undefined ? side : Array.from(rows, row => side[row]!)))),
      factors,
      only,
    },
    gpu.capabilities,
  )
}

function most(numbers: ArrayLike<number>): number {
  let largest = 0
  for (let at = 0; at < numbers.length; at++) largest = Math.max(largest, numbers[at]!)
  return largest
}

/** Sums over slices by shuffles only where this device's subgroups hold whole slices. */
async function fitBpr(gpu: Gpu, plan: BprPlan): Promise<BprPlan> {
  const { variant, slices } = plan
  const shape = { workers: 1, strata: 1, slices, nested: false }
  const fitted = await fitToDevice(gpu, { variant: { ...variant, nested: false, f16: false }, shape })
  return { ...plan, variant: { ...variant, subgroups: fitted.variant.subgroups } }
}

/** What a run is made from. */
interface BprRun extends Pick<BprInputs, 'positives' | 'negatives' | 'options' | 'plan'> {
  initial: () => Parameters | Promise<Parameters>
  room: Room
}

async function prepare(
  gpu: Gpu,
  buffers: BufferOwner,
  { positives, negatives, initial, options, plan, room }: BprRun,
): Promise<Resources> {
  const { userStart, itemStart } = positives
  const shape = { users: userStart.length - 1, items: itemStart.length - 1, factors: options.factors }
  // First what may not fit, then what takes its time.
  const tables = new FactorTables(buffers, shape)
  await gpu.settle(buffers)
  tables.write(gpu, await initial())
  const { items } = tables
  const secondItems = options.only === 'users' ? undefined : await copyItems(gpu, buffers, items)
  const spans = cutPositives(positives, buffers.mostRows('entries', 4), room)
  const itemTables = [items, secondItems ?? items] as const
  const trained = options.only === undefined ? (['users', 'items'] as const) : [options.only]
  const cuts = trained.map(side => cutSide(gpu, buffers, side, { positives, negatives, tables, spans, options, plan }))
  const steps = trained.flatMap((side, at) => stepsOf(side, cuts[at]!, spans))
  const entries = await placeEntries(gpu, buffers, positives, spans, { steps, rounds: plan.rounds, room })
  const draws = uploadDraws(buffers, positives, negatives, spans)
  const inputs: BprInputs = { positives, negatives, tables, itemTables, spans, draws, entries, options, plan }
  const sides: BprSide[] = []
  const penalties: PenaltyMeter[] = []
  for (const [at, side] of trained.entries()) {
    const create = side === 'users' ? createUsers : createItems
    sides.push(await create(gpu, buffers, cuts[at]!, inputs))
    penalties.push(...(await meterPenalties(gpu, buffers, side, tables, positives, options)))
  }
  return { tables, secondItems, sides, entries, penalties }
}

/** A second table of the items; the rows that no phase works on stand in both. */
async function copyItems(gpu: Gpu, buffers: BufferOwner, items: SideTable): Promise<SideTable> {
  const second = items.alike(buffers, 'second item')
  await gpu.settle(buffers)
  const encoder = gpu.device.createCommandEncoder({ label: 'second item table' })
  items.copyTo(encoder, second)
  gpu.device.queue.submit([encoder.finish()])
  return second
}

/** A row pays once for each of its entries. */
async function meterPenalties(
  gpu: Gpu,
  buffers: BufferOwner,
  side: 'users' | 'items',
  tables: FactorTables,
  { userStart, itemStart }: Positives,
  options: BprOptions,
): Promise<PenaltyMeter[]> {
  const ofUsers = side === 'users'
  const blocks = factorBlocks(options.factors)
  const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: blocks + Number(options.biases && !ofUsers) }
  const unused = { penalty: 'weighted', momentum: 0, beta1: 0, beta2: 0, epsilon: 0 } as const
  const weights = penaltyWeights(countsOf(ofUsers ? userStart : itemStart), 1)
  const meters: PenaltyMeter[] = []
  for (const { first, rows, factors, bias } of tables[side].shards) {
    const own = {
      weights: buffers.upload(`${side}-weights`, weights.subarray(2 * first, 2 * (first + rows))),
      side: buffers.uniform(`${side} options`, packSide({ ...options, ...unused }, rows, side)),
    }
    meters.push(await PenaltyMeter.create(gpu, buffers, constants, rows, { factors, bias, ...own }))
  }
  return meters
}

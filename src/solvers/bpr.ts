import type { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { weighNegatives } from '../layout/negatives.ts'
import { type Positives, packPositives } from '../layout/positives.ts'
import { FactorTables, type Parameters } from '../model/tables.ts'
import { type BprOptions, checkRows } from './bpr-options.ts'
import { type BprPlan, checkBprPlan, planBpr } from './bpr-plan.ts'
import {
  type BprInputs,
  type BprSide,
  copyItems,
  createItems,
  createUsers,
  encodeItems,
  type ItemTable,
  uploadDraws,
} from './bpr-side.ts'
import { fitToDevice } from './fused-probe.ts'
import { penaltyWeights } from './penalty.ts'
import { PenaltyMeter } from './penalty-meter.ts'
import { packSide } from './side-options.ts'
import type { EpochOrder, EpochSums, Solver, SolverPlan } from './solver.ts'
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
  secondItems: ItemTable | undefined
  /** The users' phase before the items'; one of them alone where one side is trained. */
  sides: readonly BprSide[]
  penalties: readonly PenaltyMeter[]
}

export class BprSolver implements Solver {
  readonly plan: SolverPlan
  readonly state: SolverTables
  readonly #buffers: BufferOwner
  readonly #resources: Resources
  readonly #rounds: number
  readonly #timer: GpuTimer
  readonly #submitter: Submitter

  private constructor(gpu: Gpu, buffers: BufferOwner, cut: BprPlan, resources: Resources) {
    const { variant, slices, rounds } = cut
    this.plan = { reproducible: true, rounds, slices, lanes: variant.lanes, subgroups: variant.subgroups }
    const { tables, secondItems } = resources
    this.state = new SolverTables(gpu, { ...tables.buffers }, encoder => {
      if (secondItems !== undefined) encodeItems(encoder, itemsOf(tables), secondItems)
    })
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
   * @throws InputError, OptionError, LimitExceededError, OutOfMemoryError
   */
  static async create(
    gpu: Gpu,
    ratings: Ratings,
    initial: () => Parameters,
    options: BprOptions,
    chosen?: BprPlan,
  ): Promise<BprSolver> {
    checkRows(options, ratings)
    const buffers = gpu.buffers()
    try {
      const positives = packPositives(ratings)
      if (positives.itemsOf.length === 0) throw new InputError('there are no ratings to train on')
      const cut = await fitBpr(gpu, chosen ?? planFor(gpu, positives, options))
      checkBprPlan(cut, options.only)
      const resources = await prepare(gpu, buffers, positives, initial, options, cut)
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
    const { sides, penalties } = this.#resources
    const [{ loss }] = sides as [BprSide]
    for (const { windows } of sides) windows.write(rateScale, epoch)
    const phases = this.#rounds * sides.length
    await this.#submitter.run(
      'bpr epoch',
      phases + 1,
      (pass, step) => {
        if (step < phases) sides[step % sides.length]!.encodeRound(pass, Math.floor(step / sides.length))
        else for (const sums of [loss, ...penalties]) sums.encode(pass)
      },
      signal,
    )
    const [[squaredError], gpuSeconds, ...penalty] = await Promise.all([
      loss.read(),
      this.#timer.seconds(),
      ...penalties.map(meter => meter.read()),
    ])
    return { squaredError, penalty: penalty.reduce((sum, part) => sum + part, 0), gpuSeconds }
  }

  destroy(): void {
    this.#timer.destroy()
    this.#buffers.destroy()
  }
}

const countsOf = (start: Uint32Array) =>
  Uint32Array.from({ length: start.length - 1 }, (_, row) => start[row + 1]! - start[row]!)

function planFor(gpu: Gpu, { userStart, itemStart, itemsOf }: Positives, { factors, only }: BprOptions): BprPlan {
  const most = (start: Uint32Array) => countsOf(start).reduce((heaviest, count) => Math.max(heaviest, count), 0)
  const heaviest = Math.max(most(userStart), most(itemStart))
  return planBpr({ entries: itemsOf.length, heaviest, factors, only }, gpu.capabilities)
}

/** Sums over slices by shuffles only where this device's subgroups hold whole slices. */
async function fitBpr(gpu: Gpu, plan: BprPlan): Promise<BprPlan> {
  const { variant, slices } = plan
  const shape = { workers: 1, strata: 1, slices, nested: false }
  const fitted = await fitToDevice(gpu, { variant: { ...variant, nested: false, f16: false }, shape })
  return { ...plan, variant: { ...variant, subgroups: fitted.variant.subgroups } }
}

async function prepare(
  gpu: Gpu,
  buffers: BufferOwner,
  positives: Positives,
  initial: () => Parameters,
  options: BprOptions,
  plan: BprPlan,
): Promise<Resources> {
  const { userStart, itemStart } = positives
  const shape = { users: userStart.length - 1, items: itemStart.length - 1, factors: options.factors }
  // First what may not fit, then what takes its time.
  const tables = FactorTables.whole(buffers, shape)
  tables.write(gpu, initial())
  const items = itemsOf(tables)
  const secondItems = options.only === 'users' ? undefined : copyItems(gpu, buffers, items)
  const negatives = weighNegatives(positives, options.negativePower)
  const inputs: BprInputs = { positives, negatives, tables, itemTables: [items, secondItems ?? items], options, plan }
  const drawTables = uploadDraws(buffers, inputs)
  const trained = options.only === undefined ? (['users', 'items'] as const) : [options.only]
  const sides: BprSide[] = []
  const penalties: PenaltyMeter[] = []
  for (const side of trained) {
    const create = side === 'users' ? createUsers : createItems
    sides.push(await create(gpu, buffers, inputs, drawTables))
    penalties.push(await meterPenalty(gpu, buffers, side, tables, positives, options))
  }
  return { tables, secondItems, sides, penalties }
}

const itemsOf = ({ itemFactors, itemBias }: FactorTables): ItemTable => ({ factors: itemFactors, bias: itemBias })

/** A row pays once for each of its entries. */
function meterPenalty(
  gpu: Gpu,
  buffers: BufferOwner,
  side: 'users' | 'items',
  tables: FactorTables,
  { userStart, itemStart }: Positives,
  options: BprOptions,
): Promise<PenaltyMeter> {
  const ofUsers = side === 'users'
  const blocks = factorBlocks(options.factors)
  const rows = tables.shape[side]
  const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: blocks + Number(options.biases && !ofUsers) }
  const unused = { penalty: 'weighted', momentum: 0, beta1: 0, beta2: 0, epsilon: 0 } as const
  return PenaltyMeter.create(gpu, buffers, constants, rows, {
    factors: ofUsers ? tables.userFactors : tables.itemFactors,
    bias: ofUsers ? tables.userBias : tables.itemBias,
    weights: buffers.upload(`${side}-weights`, penaltyWeights(countsOf(ofUsers ? userStart : itemStart), 1)),
    side: buffers.uniform(`${side} options`, packSide({ ...options, ...unused }, rows, side)),
  })
}

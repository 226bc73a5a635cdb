import type { Ratings } from '../data/ratings.ts'
import { LimitExceededError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { factorBlocks, lanesFor } from '../kernels/shared.ts'
import { entryStruct } from '../kernels/structs.ts'
import { shardBatches } from '../layout/batch-shards.ts'
import { batchOrder, packBatches } from '../layout/batches.ts'
import { countRows } from '../layout/rows.ts'
import { PairSums } from '../model/sums.ts'
import { FactorTables, type ModelScale, type Parameters } from '../model/tables.ts'
import { type BatchTable, batchTables } from './batch-tables.ts'
import { BatchWindows, type StepScale } from './batch-windows.ts'
import { EntryStore, type Residency, type Room } from './entry-store.ts'
import { bindBatches, type EncodeBatch, partialStarts } from './minibatch-batches.ts'
import { MinibatchSide } from './minibatch-side.ts'
import { type Optimizer, type OptimizerName, optimizers } from './optimizers.ts'
import { penaltyExponent, penaltyWeights } from './penalty.ts'
import { packSide, type SideOptions } from './side-options.ts'
import { type EpochOrder, type EpochSums, type Solver, type SolverPlan, shardFigure } from './solver.ts'
import { SolverTables } from './solver-tables.ts'

// Minimises, by mini-batches of observed entries (u, i, r),
//
//   sum (r - r_hat)^2 + sum over rows of lambda count^nu (|p|^2 + b^2),   r_hat = link(mu + b_u + b_i + p_u . q_i).
//
// One batch is `residuals` (errors e of its entries), `gradients` of its user rows and of its item rows, both from the
// same old factors, then one optimizer step on each side. No atomics, sums in a fixed order: the same seed on the same
// adapter gives the same bits. (Koren, Bell and Volinsky, Matrix factorization techniques, 2009, for the model.)

export interface MinibatchOptions extends SideOptions {
  optimizer: OptimizerName
  factors: number
  biases: boolean
  batchSize: number
  seed: number
}

/** Everything of a mini-batch run that lies on the GPU, made once. */
interface Plan {
  tables: FactorTables
  batchCount: number
  windows: BatchWindows
  store: EntryStore<BatchTable>
  loss: PairSums
  users: MinibatchSide
  items: MinibatchSide
  encodeBatch: EncodeBatch
}

export class MinibatchSolver implements Solver {
  readonly plan: SolverPlan
  readonly state: SolverTables
  readonly residency: Residency
  readonly #buffers: BufferOwner
  readonly #options: MinibatchOptions
  readonly #plan: Plan
  readonly #timer: GpuTimer
  readonly #submitter: Submitter

  private constructor(gpu: Gpu, buffers: BufferOwner, options: MinibatchOptions, plan: Plan) {
    const { tables, store, users, items } = plan
    this.plan = { reproducible: true, ...shardFigure(tables) }
    this.state = new SolverTables(gpu, { ...tables.buffers, ...users.states, ...items.states })
    this.residency = store.residency
    this.#buffers = buffers
    this.#options = options
    this.#plan = plan
    this.#timer = new GpuTimer(gpu, buffers)
    this.#submitter = new Submitter(gpu, this.#timer)
  }

  /**
   * Packs the ratings, uploads them and the initial parameters, compiles the kernels.
   * @param initial drawn once there is room for them
   * @param room for the entries; they are streamed where it is too small for all
   * @throws LimitExceededError, OutOfMemoryError
   */
  static async create(
    gpu: Gpu,
    ratings: Ratings,
    scale: ModelScale,
    initial: () => Parameters | Promise<Parameters>,
    options: MinibatchOptions,
    room?: Room,
  ): Promise<MinibatchSolver> {
    const buffers = gpu.buffers()
    try {
      const plan = await makePlan(gpu, buffers, { ratings, scale, initial, options, room })
      await gpu.settle(buffers)
      return new MinibatchSolver(gpu, buffers, options, plan)
    } catch (error) {
      buffers.destroy()
      throw error
    }
  }

  get tables(): FactorTables {
    return this.#plan.tables
  }

  async runEpoch({ epoch, rateScale, signal }: EpochOrder): Promise<EpochSums> {
    const { windows, batchCount, store, loss, users, items, encodeBatch } = this.#plan
    const penalties = [...users.penalties, ...items.penalties]
    const order = batchOrder(batchCount, this.#options.seed, epoch)
    const position = new Uint32Array(batchCount)
    order.forEach((batch, index) => {
      position[batch] = index
    })
    const places = store.place(order)
    windows.write(batch => this.#scaleAt(epoch * batchCount + position[batch]! + 1, rateScale), places)

    const encodeSums = (pass: GPUComputePassEncoder) => {
      for (const sums of [loss, ...penalties]) sums.encode(pass)
    }
    // The last step of the epoch is the sums over it.
    const [[squaredError], gpuSeconds, ...penalty] = await this.#submitter.run(
      'mini-batch epoch',
      batchCount + 1,
      (pass, step) => (step < batchCount ? encodeBatch(pass, order[step]!, places) : encodeSums(pass)),
      {
        signal,
        loads: places.loads,
        read: () => Promise.all([loss.read(), this.#timer.seconds(), ...penalties.map(meter => meter.read())]),
      },
    )
    return { squaredError, penalty: penalty.reduce((sum, part) => sum + part, 0), gpuSeconds }
  }

  /** `step` is Adam's t, counted from 1 over the whole run. */
  #scaleAt(step: number, rate: number): StepScale {
    const { beta1, beta2 } = this.#options
    return { rate, correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step }
  }

  destroy(): void {
    this.#timer.destroy()
    this.#buffers.destroy()
  }
}

/** What a run is made from. */
interface MinibatchRun {
  ratings: Ratings
  scale: ModelScale
  initial: () => Parameters | Promise<Parameters>
  options: MinibatchOptions
  room: Room | undefined
}

async function makePlan(
  gpu: Gpu,
  buffers: BufferOwner,
  { ratings, scale, initial, options, room }: MinibatchRun,
): Promise<Plan> {
  const { factors } = options
  const optimizer: Optimizer = optimizers[options.optimizer]
  const shape = { users: ratings.userCount, items: ratings.itemCount, factors }
  const blocks = factorBlocks(factors)
  const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: blocks + Number(options.biases) }
  const lanes = lanesFor(factors, gpu.capabilities.adapter)

  // First what may not fit, then what takes its time.
  checkBatch(buffers, Math.min(options.batchSize, ratings.length))
  const tables = new FactorTables(buffers, shape, { rowBytes: 16 * constants.PARAMETER_BLOCKS })
  await gpu.settle(buffers)
  const drawing = initial()
  const layout = packBatches(ratings, options.batchSize, options.seed)
  tables.write(gpu, await drawing)
  for (const side of ['users', 'items'] as const) {
    const { shards } = tables[side]
    if (shards.length > 1) layout[side] = shardBatches(layout, side, shards)
  }
  const partialStart = partialStarts(layout, lanes)
  const loss = await PairSums.create(gpu, buffers, 'loss', partialStart.at(-1)!)
  const windows = new BatchWindows(gpu, buffers, layout, partialStart, optimizer.dense)
  const store = await EntryStore.create(gpu, buffers, layout.batchCount, batchTables(layout), room)

  const makeSide = (label: 'users' | 'items') => {
    const counts = countRows(ratings[label], shape[label])
    return MinibatchSide.create(gpu, buffers, {
      label,
      table: tables[label],
      layout: layout[label],
      optimizer,
      constants,
      packOptions: rows => packSide(options, rows, label),
      weights: optimizer.dense
        ? constantWeights(shape[label], ratings.length / 2)
        : penaltyWeights(counts, penaltyExponent(options.penalty)),
      windows,
    })
  }
  const [users, items] = [await makeSide('users'), await makeSide('items')]
  const bound = { shape, scale, layout, constants, lanes, windows, store, loss, users, items }
  const encodeBatch = await bindBatches(gpu, buffers, bound)
  return { tables, batchCount: layout.batchCount, windows, store, loss, users, items, encodeBatch }
}

/** @throws LimitExceededError where a batch's entries do not fit one buffer */
function checkBatch({ mostBytes: { bytes, limit } }: BufferOwner, batchSize: number): void {
  const needed = batchSize * entryStruct.size
  if (needed > bytes) throw new LimitExceededError('entries of a batch', limit, needed, bytes, 'take a smaller batch')
}

/** Coupled weight decay lambda on the mean squared error is, on the sum over N entries, a penalty of N / 2 lambda. */
function constantWeights(rows: number, weight: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: 2 * rows }, (_, index) => (index % 2 === 1 ? weight : 0))
}

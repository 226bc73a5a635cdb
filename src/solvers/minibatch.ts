import type { Ratings } from '../data/ratings.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { itemGradients, userGradients } from '../kernels/gradients.ts'
import { residuals } from '../kernels/residuals.ts'
import { factorBlocks, lanesFor, scoreWorkgroups } from '../kernels/shared.ts'
import { type BatchLayout, batchOrder, packBatches } from '../layout/batches.ts'
import { countRows } from '../layout/rows.ts'
import { scoringBuffers } from '../model/pair-scores.ts'
import { predictionConstants } from '../model/scorer.ts'
import { PairSums } from '../model/sums.ts'
import { FactorTables, type ModelScale, type Parameters, packModel } from '../model/tables.ts'
import { BatchWindows, type StepScale, windowBytes } from './batch-windows.ts'
import { type BoundGradients, MinibatchSide } from './minibatch-side.ts'
import { type Optimizer, type OptimizerName, optimizers } from './optimizers.ts'
import { penaltyExponent, penaltyWeights } from './penalty.ts'
import { packSide, type SideOptions } from './side-options.ts'
import type { EpochOrder, EpochSums, Solver } from './solver.ts'
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
  layout: BatchLayout
  windows: BatchWindows
  loss: PairSums
  users: MinibatchSide
  items: MinibatchSide
  encodeResiduals(pass: GPUComputePassEncoder, batch: number, offset: number): void
}

export class MinibatchSolver implements Solver {
  readonly plan = { reproducible: true } as const
  readonly state: SolverTables
  readonly #buffers: BufferOwner
  readonly #options: MinibatchOptions
  readonly #plan: Plan
  readonly #timer: GpuTimer
  readonly #submitter: Submitter

  private constructor(gpu: Gpu, buffers: BufferOwner, options: MinibatchOptions, plan: Plan) {
    const { tables, users, items } = plan
    this.state = new SolverTables(gpu, { ...tables.buffers, ...users.states, ...items.states })
    this.#buffers = buffers
    this.#options = options
    this.#plan = plan
    this.#timer = new GpuTimer(gpu, buffers)
    this.#submitter = new Submitter(gpu, this.#timer)
  }

  /**
   * Packs the ratings, uploads them and the initial parameters, compiles the kernels.
   * @param initial drawn once there is room for them
   * @throws LimitExceededError, OutOfMemoryError
   */
  static async create(
    gpu: Gpu,
    ratings: Ratings,
    scale: ModelScale,
    initial: () => Parameters,
    options: MinibatchOptions,
  ): Promise<MinibatchSolver> {
    const buffers = gpu.buffers()
    try {
      const plan = await makePlan(gpu, buffers, ratings, scale, initial, options)
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
    const { windows, layout, loss, users, items, encodeResiduals } = this.#plan
    const { batchCount } = layout
    const order = batchOrder(batchCount, this.#options.seed, epoch)
    const position = new Uint32Array(batchCount)
    order.forEach((batch, index) => {
      position[batch] = index
    })
    windows.write(batch => this.#scaleAt(epoch * batchCount + position[batch]! + 1, rateScale))

    const encodeBatch = (pass: GPUComputePassEncoder, step: number) => {
      const batch = order[step]!
      encodeResiduals(pass, batch, windows.offset(batch, 'residuals'))
      users.encodeGradients(pass, batch, windows.offset(batch, 'users'))
      items.encodeGradients(pass, batch, windows.offset(batch, 'items'))
      users.encodeStep(pass, batch, windows.offset(batch, 'users'))
      items.encodeStep(pass, batch, windows.offset(batch, 'items'))
    }
    const encodeSums = (pass: GPUComputePassEncoder) => {
      for (const sums of [loss, users.penalty, items.penalty]) sums.encode(pass)
    }
    // The last step of the epoch is the sums over it.
    await this.#submitter.run(
      'mini-batch epoch',
      batchCount + 1,
      (pass, step) => (step < batchCount ? encodeBatch(pass, step) : encodeSums(pass)),
      signal,
    )
    const [[squaredError], gpuSeconds, userPenalty, itemPenalty] = await Promise.all([
      loss.read(),
      this.#timer.seconds(),
      users.penalty.read(),
      items.penalty.read(),
    ])
    return { squaredError, penalty: userPenalty + itemPenalty, gpuSeconds }
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

async function makePlan(
  gpu: Gpu,
  buffers: BufferOwner,
  ratings: Ratings,
  scale: ModelScale,
  initial: () => Parameters,
  options: MinibatchOptions,
): Promise<Plan> {
  const { factors } = options
  const optimizer: Optimizer = optimizers[options.optimizer]
  const shape = { users: ratings.userCount, items: ratings.itemCount, factors }
  const blocks = factorBlocks(factors)
  const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: blocks + Number(options.biases) }
  const lanes = lanesFor(factors, gpu.capabilities.adapter)

  // First what may not fit, then what takes its time.
  const tables = FactorTables.whole(buffers, shape)
  tables.write(gpu, initial())
  const layout = packBatches(ratings, options.batchSize, options.seed)
  const entries = buffers.upload('entries', layout.entries)
  const order = buffers.upload('item-order', layout.itemOrder)
  const residual = buffers.storage('residuals', 4 * Math.min(options.batchSize, ratings.length))

  const partialStart = [0]
  for (let batch = 0; batch < layout.batchCount; batch++) {
    const count = layout.entryStart[batch + 1]! - layout.entryStart[batch]!
    partialStart.push(partialStart[batch]! + scoreWorkgroups(count, lanes))
  }
  const loss = await PairSums.create(gpu, buffers, 'loss', partialStart.at(-1)!)
  const windows = new BatchWindows(gpu, buffers, layout, partialStart, optimizer.dense)

  const residualsPipeline = await gpu.pipeline(residuals, predictionConstants(factors, lanes, scale.link))
  const model = buffers.uniform('model', packModel(shape, scale))
  const residualsGroups = [
    residualsPipeline.bind(0, scoringBuffers(tables, model)),
    residualsPipeline.bind(1, { entries, residual, partials: loss.pairs, batch: windows.buffer }, windowBytes),
  ]

  const makeSide = (side: 'users' | 'items', bindGradients: (own: GradientBuffers) => Promise<BoundGradients>) => {
    const ofUsers = side === 'users'
    const rows = ofUsers ? shape.users : shape.items
    const counts = countRows(ratings[side], rows)
    return MinibatchSide.create(gpu, buffers, {
      label: side,
      rows,
      layout: layout[side],
      optimizer,
      constants,
      factors: ofUsers ? tables.userFactors : tables.itemFactors,
      bias: ofUsers ? tables.userBias : tables.itemBias,
      side: buffers.uniform(`${side} options`, packSide(options, rows, side)),
      weights: optimizer.dense
        ? constantWeights(rows, ratings.length / 2)
        : penaltyWeights(counts, penaltyExponent(options.penalty)),
      batches: windows.buffer,
      bindGradients,
    })
  }
  const common = { entries, residual, batch: windows.buffer }
  const users = await makeSide('users', async own => {
    const pipeline = await gpu.pipeline(userGradients, constants)
    const group = pipeline.bind(0, { ...common, ...own, factors: tables.itemFactors }, windowBytes)
    return (pass, workgroups, offset) => pipeline.dispatch(pass, [group], workgroups, offset)
  })
  const items = await makeSide('items', async own => {
    const pipeline = await gpu.pipeline(itemGradients, constants)
    const group = pipeline.bind(0, { ...common, ...own, factors: tables.userFactors, order }, windowBytes)
    return (pass, workgroups, offset) => pipeline.dispatch(pass, [group], workgroups, offset)
  })
  return {
    tables,
    layout,
    windows,
    loss,
    users,
    items,
    encodeResiduals(pass, batch, offset) {
      const workgroups = partialStart[batch + 1]! - partialStart[batch]!
      residualsPipeline.dispatch(pass, residualsGroups, workgroups, offset)
    },
  }
}

interface GradientBuffers {
  segments: GPUBuffer
  gradient: GPUBuffer
}

/** Coupled weight decay lambda on the mean squared error is, on the sum over N entries, a penalty of N / 2 lambda. */
function constantWeights(rows: number, weight: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: 2 * rows }, (_, index) => (index % 2 === 1 ? weight : 0))
}

import type { Ratings } from '../data/ratings.ts'
import { type RowCounts, rowCounts } from '../data/row-counts.ts'
import { InputError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { batchOrder } from '../layout/batches.ts'
import { packEntries } from '../layout/pack-on-threads.ts'
import { gridOf } from '../layout/tile-grid.ts'
import type { TileCut } from '../layout/tiles.ts'
import { PairSums } from '../model/sums.ts'
import { FactorTables, type ModelScale, type Parameters } from '../model/tables.ts'
import { EntryStore, type Residency, type Room } from './entry-store.ts'
import { type ErrorScale, errorScale } from './error-scale.ts'
import type { FusedOptions } from './fused-options.ts'
import { type FusedPlan, planFusedRows } from './fused-plan.ts'
import { fitToDevice } from './fused-probe.ts'
import { FusedSide } from './fused-side.ts'
import { slotBytes } from './fused-slots.ts'
import { bindTiles, type EncodeStratum } from './fused-tiles.ts'
import { penaltyExponent, penaltyWeights } from './penalty.ts'
import { PenaltyMeter } from './penalty-meter.ts'
import { packSide } from './side-options.ts'
import type { EpochOrder, EpochSums, Solver, SolverPlan } from './solver.ts'
import { SolverTables } from './solver-tables.ts'
import { cutSlots, type StratumTable, StratumWindows, stratumTables, windowBytes } from './stratum-windows.ts'

// Minimises, entry by entry (u, i, r),
//
//   sum (r - r_hat)^2 + sum over rows of lambda count^nu (|p|^2 + b^2),   r_hat = link(mu + b_u + b_i + p_u . q_i).
//
// A stratum is a set of tiles that share no row (`src/layout/tiles.ts`): one dispatch of `fused_sgd`. Strata follow one
// another in an order drawn anew each epoch (Gemulla et al., Large-scale matrix factorization with distributed stochastic
// gradient descent, 2011). Rows too heavy for one block have replicas, which meet at their mean after each stratum
// (`merge_replicas`). The rows lie in the order of their blocks; after an epoch they are published to the model's tables.

const sides = ['users', 'items'] as const

/** Everything of a fused run that lies on the GPU, made once. */
interface Resources {
  tables: FactorTables
  sides: readonly FusedSide[]
  penalties: readonly PenaltyMeter[]
  loss: PairSums
  windows: StratumWindows
  store: EntryStore<StratumTable>
  encodeStratum: EncodeStratum
}

export class FusedSolver implements Solver {
  readonly plan: SolverPlan
  readonly state: SolverTables
  readonly residency: Residency
  readonly #buffers: BufferOwner
  readonly #options: FusedOptions
  readonly #resources: Resources
  readonly #timer: GpuTimer
  readonly #submitter: Submitter

  private constructor(gpu: Gpu, buffers: BufferOwner, options: FusedOptions, plan: SolverPlan, resources: Resources) {
    this.plan = plan
    this.state = stateOf(gpu, resources.sides)
    this.residency = resources.store.residency
    this.#buffers = buffers
    this.#options = options
    this.#resources = resources
    this.#timer = new GpuTimer(gpu, buffers)
    this.#submitter = new Submitter(gpu, this.#timer)
  }

  /**
   * Packs the ratings, uploads them and the initial parameters, compiles the kernels.
   * @param initial drawn once there is room for them
   * @param chosen instead of what `planFused` makes of the device and the data
   * @param room for the entries; they are streamed where it is too small for all
   * @throws OptionError, LimitExceededError, OutOfMemoryError
   */
  static async create(
    gpu: Gpu,
    ratings: Ratings,
    scale: ModelScale,
    initial: () => Parameters | Promise<Parameters>,
    options: FusedOptions,
    chosen?: FusedPlan,
    room?: Room,
  ): Promise<FusedSolver> {
    const buffers = gpu.buffers()
    try {
      const counts = rowCounts(ratings)
      const cut = await fitToDevice(gpu, chosen ?? planFusedRows(counts, ratings.length, options, gpu.capabilities))
      const { plan, resources } = await prepare(gpu, buffers, { ratings, counts, scale, initial, options, cut, room })
      await gpu.settle(buffers)
      await stage(gpu, resources.sides)
      return new FusedSolver(gpu, buffers, options, plan, resources)
    } catch (error) {
      buffers.destroy()
      throw error
    }
  }

  get tables(): FactorTables {
    return this.#resources.tables
  }

  async runEpoch({ epoch, rateScale, signal }: EpochOrder): Promise<EpochSums> {
    const { windows, store, loss, penalties, encodeStratum, sides } = this.#resources
    const order = batchOrder(windows.strata, this.#options.seed, epoch)
    const places = store.place(order)
    windows.write(rateScale, epoch, places)
    const encodeEnd = (pass: GPUComputePassEncoder) => {
      for (const side of sides) side.encodePublish(pass)
      for (const sums of [loss, ...penalties]) sums.encode(pass)
    }
    const [[squaredError], gpuSeconds, ...penalty] = await this.#submitter.run(
      'fused epoch',
      order.length + 1,
      (pass, step) => {
        const stratum = order[step]
        if (stratum === undefined) encodeEnd(pass)
        else encodeStratum(pass, stratum, places)
      },
      {
        signal,
        loads: places.loads,
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

/** What a run is made from. */
interface FusedRun {
  ratings: Ratings
  counts: RowCounts
  scale: ModelScale
  initial: () => Parameters | Promise<Parameters>
  options: FusedOptions
  cut: FusedPlan
  room: Room | undefined
}

async function prepare(
  gpu: Gpu,
  buffers: BufferOwner,
  { ratings, counts, scale, initial, options, cut, room }: FusedRun,
): Promise<{ plan: SolverPlan; resources: Resources }> {
  const { factors, precision } = options
  const shape = { users: ratings.userCount, items: ratings.itemCount, factors }
  const blocksPerRow = factorBlocks(factors)

  // First what may not fit, then what takes its time.
  const tables = new FactorTables(buffers, shape)
  await gpu.settle(buffers)
  const drawing = initial()
  const layout = await packEntries(gpu.threads, ratings, cut.shape, {
    seed: options.seed,
    blockSlots: cut.blockSlots,
    whole: cut.whole,
  })
  tables.write(gpu, await drawing)
  const spans = cutSlots(layout, buffers.mostRows('slots', slotBytes(blocksPerRow, precision)))
  const windows = new StratumWindows(gpu, buffers, layout, spans, options.seed)
  const store = await EntryStore.create(gpu, buffers, layout.shape.strata, stratumTables(layout), room)
  const units = options.optimizer === 'adagrad' ? errorScale(ratings, scale) : { score: 1, derivative: 1 }
  const squares = firstSquares(units, ratings.length)
  const fusedSides: FusedSide[] = []
  const penalties: PenaltyMeter[] = []
  for (const side of sides) {
    const table = tables[side]
    const pairs = penaltyWeights(counts[side], penaltyExponent(options.penalty))
    const constants = { FACTOR_BLOCKS: blocksPerRow, PARAMETER_BLOCKS: blocksPerRow + Number(options.biases) }
    const weights: GPUBuffer[] = []
    for (const { first, rows, factors, bias } of table.shards) {
      const own = buffers.upload(`${side}-weights`, pairs.subarray(2 * first, 2 * (first + rows)))
      weights.push(own)
      penalties.push(
        await PenaltyMeter.create(gpu, buffers, constants, rows, {
          factors,
          bias,
          weights: own,
          side: buffers.uniform(`${side} options`, packSide(options, rows, side)),
        }),
      )
    }
    fusedSides.push(
      await FusedSide.create(gpu, buffers, {
        label: side,
        blocks: layout[side],
        spans: layout.held === side ? spans.held : spans.streamed,
        slotCounts: side === 'users' ? layout.userSlotCounts : layout.itemSlotCounts,
        precision,
        blocksPerRow,
        table,
        weights,
        squares,
        strata: windows.buffer,
        windowBytes,
      }),
    )
  }
  const loss = await PairSums.create(gpu, buffers, 'loss', layout.shape.strata * gridOf(layout.shape).heldBlocks)
  const encodeTiles = await bindTiles(gpu, buffers, {
    variant: cut.variant,
    layout,
    scale,
    shape,
    options,
    units,
    sides: fusedSides,
    loss,
    windows,
    store,
  })
  return {
    plan: describe(cut, layout, fusedSides, options),
    resources: {
      tables,
      sides: fusedSides,
      penalties,
      loss,
      windows,
      store,
      encodeStratum(pass, stratum, places) {
        encodeTiles(pass, stratum, places)
        // Any window of the stratum tells its number.
        for (const side of fusedSides) side.encodeMerge?.(pass, windows.parts[stratum]![0]!.offset)
      },
    },
  }
}

function describe(
  { variant, shape }: FusedPlan,
  layout: TileCut,
  [users, items]: readonly FusedSide[],
  { factors, precision }: FusedOptions,
): SolverPlan {
  const shards = users!.shards.length + items!.shards.length
  return {
    reproducible: shape.strata >= shape.workers,
    workers: shape.workers,
    strata: shape.strata,
    slices: shape.slices,
    nested: shape.nested,
    lanes: variant.lanes,
    held: layout.held,
    subgroups: variant.subgroups,
    efficiency: Number(layout.efficiency.toFixed(3)),
    runLength: Number(layout.runLength.toFixed(1)),
    replicas: users!.extraReplicas + items!.extraReplicas,
    ...(shards > 2 ? { shards } : {}),
    bytesPerUpdate: bytesPerUpdate(factors, precision, layout.runLength),
  }
}

/** Bytes that an update moves: the streamed row and state there and back, the entry, and the held row once a run. */
function bytesPerUpdate(factors: number, precision: 'f32' | 'f16', runLength: number): number {
  const row = 2 * (4 * factorBlocks(factors) * (precision === 'f16' ? 2 : 4) + 16)
  return Math.round(row + 8 + row / runLength)
}

/**
 * What AdaGrad's sums of squares start from: the square of a gradient of the size that the ratings' unit gives it.
 * @throws InputError where single precision cannot hold such sums
 */
function firstSquares({ derivative, score }: ErrorScale, entries: number): { factors: number; bias: number } {
  const squares = { factors: derivative ** 2 * score, bias: derivative ** 2 }
  if (Math.min(squares.factors, squares.bias) < 1e-30 || Math.max(squares.factors, squares.bias) * entries > 1e38) {
    throw new InputError(
      `the ratings lie about ${derivative} from where training starts; adagrad's sums hold from about 1e-10 to 1e10: ` +
        'bring the ratings into other units, or take the optimizer sgd',
    )
  }
  return squares
}

/** The slots; the model's tables follow from them, but for rows without entries, which no epoch changes. */
function stateOf(gpu: Gpu, [users, items]: readonly FusedSide[]): SolverTables {
  return new SolverTables(gpu, { ...users!.buffers, ...items!.buffers }, encoder => {
    const pass = encoder.beginComputePass({ label: 'publishing' })
    for (const side of [users!, items!]) side.encodePublish(pass)
    pass.end()
  })
}

/** The initial parameters, from the model's tables to the slots. */
async function stage(gpu: Gpu, sides: readonly FusedSide[]): Promise<void> {
  await gpu.checked('staging', () => {
    const encoder = gpu.device.createCommandEncoder({ label: 'staging' })
    const pass = encoder.beginComputePass({ label: 'staging' })
    for (const side of sides) side.encodeStage(pass)
    pass.end()
    gpu.device.queue.submit([encoder.finish()])
  })
}

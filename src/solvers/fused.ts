import type { Ratings } from '../data/ratings.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { fusedSgd, fusedStruct } from '../kernels/fused_sgd.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { probeStruct, shuffleProbe } from '../kernels/shuffle_probe.ts'
import { stratumStruct } from '../kernels/structs.ts'
import { batchOrder } from '../layout/batches.ts'
import { countRows } from '../layout/rows.ts'
import { gridOf, packTiles, type TileChunk, type TileLayout } from '../layout/tiles.ts'
import { PairSums } from '../model/sums.ts'
import { FactorTables, type ModelScale, type Parameters, packModel } from '../model/tables.ts'
import { errorScale } from './error-scale.ts'
import { type FusedPlan, planFused, withoutSubgroups } from './fused-plan.ts'
import { FusedSide } from './fused-side.ts'
import { penaltyExponent, penaltyWeights } from './penalty.ts'
import { PenaltyMeter } from './penalty-meter.ts'
import { packSide, type SideOptions } from './side-options.ts'
import type { EpochOrder, EpochSums, Solver, SolverPlan } from './solver.ts'

// Minimises, entry by entry (u, i, r),
//
//   sum (r - r_hat)^2 + sum over rows of lambda count^nu (|p|^2 + b^2),   r_hat = link(mu + b_u + b_i + p_u . q_i).
//
// A stratum is a set of tiles that share no row (`src/layout/tiles.ts`): one dispatch of `fused_sgd`. Strata follow one
// another in an order drawn anew each epoch (Gemulla et al., Large-scale matrix factorization with distributed stochastic
// gradient descent, 2011). Rows too heavy for one block have replicas, which meet at their mean after each stratum
// (`merge_replicas`). The rows lie in the order of their blocks; after an epoch they are published to the model's tables.

export interface FusedOptions extends SideOptions {
  optimizer: 'sgd' | 'adagrad'
  factors: number
  biases: boolean
  seed: number
  precision: 'f32' | 'f16'
  workers?: number | undefined
  strata?: number | undefined
}

const sides = ['users', 'items'] as const

/** Everything of a fused run that lies on the GPU, made once. */
interface Resources {
  tables: FactorTables
  sides: readonly FusedSide[]
  penalties: readonly PenaltyMeter[]
  loss: PairSums
  windows: StratumWindows
  encodeStratum(pass: GPUComputePassEncoder, stratum: number, offset: number): void
}

export class FusedSolver implements Solver {
  readonly plan: SolverPlan
  readonly #buffers: BufferOwner
  readonly #options: FusedOptions
  readonly #resources: Resources
  readonly #timer: GpuTimer
  readonly #submitter: Submitter
  #staged = false

  private constructor(gpu: Gpu, buffers: BufferOwner, options: FusedOptions, plan: SolverPlan, resources: Resources) {
    this.plan = plan
    this.#buffers = buffers
    this.#options = options
    this.#resources = resources
    this.#timer = new GpuTimer(gpu, buffers)
    this.#submitter = new Submitter(gpu, this.#timer)
  }

  /**
   * Packs the ratings, uploads them and the initial parameters, compiles the kernels.
   * @param initial drawn once there is room for them
   * @throws OptionError, LimitExceededError, OutOfMemoryError
   */
  static async create(
    gpu: Gpu,
    ratings: Ratings,
    scale: ModelScale,
    initial: () => Parameters,
    options: FusedOptions,
  ): Promise<FusedSolver> {
    const buffers = gpu.buffers()
    try {
      const { plan, resources } = await prepare(gpu, buffers, ratings, scale, initial, options)
      await gpu.settle(buffers)
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
    const { windows, loss, penalties, encodeStratum, sides } = this.#resources
    const order = batchOrder(windows.strata, this.#options.seed, epoch)
    windows.write(rateScale, epoch)
    const encodeEnd = (pass: GPUComputePassEncoder) => {
      for (const side of sides) side.encodePublish(pass)
      for (const sums of [loss, ...penalties]) sums.encode(pass)
    }
    await this.#submitter.run(
      'fused epoch',
      order.length + 1,
      (pass, step) => {
        if (!this.#staged) for (const side of sides) side.encodeStage(pass)
        this.#staged = true
        const stratum = order[step]
        if (stratum === undefined) encodeEnd(pass)
        else encodeStratum(pass, stratum, windows.offset(stratum))
      },
      signal,
    )
    const [squaredError] = await loss.read()
    let penalty = 0
    for (const meter of penalties) penalty += await meter.read()
    return { squaredError, penalty, gpuSeconds: await this.#timer.seconds() }
  }

  destroy(): void {
    this.#timer.destroy()
    this.#buffers.destroy()
  }
}

async function prepare(
  gpu: Gpu,
  buffers: BufferOwner,
  ratings: Ratings,
  scale: ModelScale,
  initial: () => Parameters,
  options: FusedOptions,
): Promise<{ plan: SolverPlan; resources: Resources }> {
  const { factors, precision } = options
  const { limits } = gpu.capabilities
  const shape = { users: ratings.userCount, items: ratings.itemCount, factors }
  const blocksPerRow = factorBlocks(factors)
  const counts = { users: countRows(ratings.users, shape.users), items: countRows(ratings.items, shape.items) }
  const occupied = (side: 'users' | 'items') => counts[side].reduce((rows, count) => rows + Number(count > 0), 0)
  const fused = await fitToDevice(
    gpu,
    planFused({ ...options, entries: ratings.length, users: occupied('users'), items: occupied('items') }, gpu.capabilities),
  )

  // First what may not fit, then what takes its time.
  const tables = new FactorTables(buffers, shape)
  tables.write(gpu, initial())
  const layout = packTiles(ratings, fused.shape, {
    seed: options.seed,
    chunkEntries: Math.floor(Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / 8),
  })
  const windows = new StratumWindows(gpu, buffers, layout, options.seed)
  const units = options.optimizer === 'adagrad' ? errorScale(ratings, scale) : { score: 1, derivative: 1 }
  const made = await Promise.all(
    sides.map(async side => {
      const weights = buffers.upload(`${side}-weights`, penaltyWeights(counts[side], penaltyExponent(options.penalty)))
      const [modelFactors, bias] =
        side === 'users' ? [tables.userFactors, tables.userBias] : [tables.itemFactors, tables.itemBias]
      const penalty = await PenaltyMeter.create(
        gpu,
        buffers,
        { FACTOR_BLOCKS: blocksPerRow, PARAMETER_BLOCKS: blocksPerRow + Number(options.biases) },
        shape[side],
        {
          factors: modelFactors,
          bias,
          weights,
          side: buffers.uniform(`${side} options`, packSide(options, shape[side], side)),
        },
      )
      const fusedSide = await FusedSide.create(gpu, buffers, {
        label: side,
        blocks: layout[side],
        slotCounts: side === 'users' ? layout.userSlotCounts : layout.itemSlotCounts,
        precision,
        blocksPerRow,
        factors: modelFactors,
        bias,
        weights,
        squares: { factors: units.derivative ** 2 * units.score, bias: units.derivative ** 2 },
        strata: windows.buffer,
        windowBytes,
      })
      return { penalty, fusedSide }
    }),
  )
  const fusedSides = made.map(({ fusedSide }) => fusedSide)
  const loss = await PairSums.create(gpu, buffers, 'loss', layout.shape.strata * gridOf(layout.shape).heldBlocks)
  const encodeTiles = await bindTiles(gpu, buffers, { fused, layout, scale, shape, options, units, sides: fusedSides, loss, windows })
  return {
    plan: describe(fused, layout, fusedSides, options),
    resources: {
      tables,
      sides: fusedSides,
      penalties: made.map(({ penalty }) => penalty),
      loss,
      windows,
      encodeStratum(pass, stratum, offset) {
        encodeTiles(pass, stratum, offset)
        for (const side of fusedSides) side.encodeMerge?.(pass, offset)
      },
    },
  }
}

interface TileInput {
  fused: FusedPlan
  layout: TileLayout
  scale: ModelScale
  shape: FactorTables['shape']
  options: FusedOptions
  units: { score: number }
  sides: readonly FusedSide[]
  loss: PairSums
  windows: StratumWindows
}

/** Uploads the entries and binds `fused_sgd` to them, chunk by chunk. */
async function bindTiles(gpu: Gpu, buffers: BufferOwner, input: TileInput): Promise<Resources['encodeStratum']> {
  const { fused, layout, scale, shape, options, units, loss, windows } = input
  const { workgroups, heldBlocks: heldBlockCount } = gridOf(layout.shape)
  const { slices, strata } = layout.shape
  const [users, items] = input.sides as [FusedSide, FusedSide]
  const heldUsers = layout.held === 'users'
  const [held, streamed] = heldUsers ? [users, items] : [items, users]
  const [heldBlocks, streamedBlocks] = heldUsers ? [layout.users, layout.items] : [layout.items, layout.users]
  const pipeline = await gpu.pipeline(fusedSgd(fused.variant), {
    FACTOR_BLOCKS: factorBlocks(options.factors),
    SLICES: slices,
    BOUNDED: Number(scale.link === 'bounded'),
    ADAGRAD: Number(options.optimizer === 'adagrad'),
    BIASES: Number(options.biases),
  })
  const tablesGroup = pipeline.bind(0, {
    held_factors: held.factors,
    streamed_factors: streamed.factors,
    held_state: held.state,
    streamed_state: streamed.state,
    model: buffers.uniform('model', packModel(shape, scale)),
    partials: loss.pairs,
  })
  const [userRate, itemRate] = [options.userLearningRate, options.itemLearningRate].map(
    rate => rate * Math.sqrt(units.score),
  ) as [number, number]
  const [userPenalty, itemPenalty] = [options.userRegularization, options.itemRegularization]
  const common = {
    blocks: buffers.upload('blocks', blockTable(heldBlocks.blockStart, streamedBlocks.blockStart, heldBlockCount)),
    batch: windows.buffer,
    options: buffers.uniform(
      'fused options',
      fusedStruct.pack({
        workgroups,
        strata,
        held_rate: heldUsers ? userRate : itemRate,
        streamed_rate: heldUsers ? itemRate : userRate,
        bias_rate: options.biasLearningRate * units.score,
        held_penalty: heldUsers ? userPenalty : itemPenalty,
        streamed_penalty: heldUsers ? itemPenalty : userPenalty,
        bias_penalty: options.biasRegularization,
        component: 1 / options.factors,
      }),
    ),
  }
  const groupOf: GPUBindGroup[] = []
  for (const chunk of layout.chunks) {
    const [from, to] = chunk.entries
    const bound = pipeline.bind(
      1,
      {
        entries: buffers.upload('entries', layout.entries.subarray(2 * from, 2 * to)),
        tiles: buffers.upload('tiles', chunk.tiles),
        ...common,
      },
      windowBytes,
    )
    for (let stratum = chunk.strata[0]; stratum < chunk.strata[1]; stratum++) groupOf[stratum] = bound
  }
  return (pass, stratum, offset) => pipeline.dispatch(pass, [tablesGroup, groupOf[stratum]!], workgroups, offset)
}

/** First slot of each held block, those of slices without a tile included, then of each streamed block. */
function blockTable(held: Uint32Array, streamed: Uint32Array, heldBlocks: number): Uint32Array<ArrayBuffer> {
  const table = new Uint32Array(heldBlocks + streamed.length - 1).fill(held.at(-1)!, 0, heldBlocks)
  table.set(held.subarray(0, -1))
  table.set(streamed.subarray(0, -1), heldBlocks)
  return table
}

/** Sums over slices by shuffles only where this device's subgroups hold whole slices. */
async function fitToDevice(gpu: Gpu, plan: FusedPlan): Promise<FusedPlan> {
  const { lanes, subgroups } = plan.variant
  if (!subgroups) return plan
  const invocations = lanes * plan.shape.slices
  const buffers = gpu.buffers()
  try {
    const pipeline = await gpu.pipeline(shuffleProbe(lanes), { SLICES: plan.shape.slices })
    const agreed = buffers.storage('agreed', 4 * invocations)
    const group = pipeline.bind(0, { agreed, probe: buffers.uniform('probe', probeStruct.pack({ invocations })) })
    await gpu.checked('shuffle probe', () => {
      const encoder = gpu.device.createCommandEncoder({ label: 'shuffle probe' })
      const pass = encoder.beginComputePass({ label: 'shuffle probe' })
      pipeline.dispatch(pass, [group], 1)
      pass.end()
      gpu.device.queue.submit([encoder.finish()])
    })
    const all = new Uint32Array(await gpu.read(agreed, 4 * invocations)).every(word => word === 1)
    return all ? plan : withoutSubgroups(plan)
  } finally {
    buffers.destroy()
  }
}

function describe(
  { variant, shape }: FusedPlan,
  layout: TileLayout,
  [users, items]: readonly FusedSide[],
  { factors, precision }: FusedOptions,
): SolverPlan {
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
    bytesPerUpdate: bytesPerUpdate(factors, precision, layout.runLength),
  }
}

/** Bytes that an update moves: the streamed row and state there and back, the entry, and the held row once a run. */
function bytesPerUpdate(factors: number, precision: 'f32' | 'f16', runLength: number): number {
  const row = 2 * (4 * factorBlocks(factors) * (precision === 'f16' ? 2 : 4) + 16)
  return Math.round(row + 8 + row / runLength)
}

/** Bytes that a window of the strata's uniform buffer shows. */
const windowBytes = 16 * Math.ceil(stratumStruct.size / 16)

/** One uniform buffer with a window for each stratum, written once an epoch. */
class StratumWindows {
  readonly buffer: GPUBuffer
  readonly strata: number
  readonly #gpu: Gpu
  readonly #stride: number
  readonly #bytes: ArrayBuffer
  readonly #layout: Pick<TileLayout, 'shape'> & { chunks: readonly Pick<TileChunk, 'strata'>[] }
  readonly #seed: number

  constructor(gpu: Gpu, buffers: BufferOwner, { shape, chunks }: TileLayout, seed: number) {
    const alignment = gpu.capabilities.limits.minUniformBufferOffsetAlignment
    this.strata = shape.strata
    this.#gpu = gpu
    this.#stride = alignment * Math.ceil(windowBytes / alignment)
    this.#bytes = new ArrayBuffer(shape.strata * this.#stride)
    this.#layout = { shape, chunks: chunks.map(({ strata }) => ({ strata })) }
    this.#seed = seed
    this.buffer = buffers.uniform('strata', this.#bytes)
  }

  offset(stratum: number): number {
    return stratum * this.#stride
  }

  write(rate: number, epoch: number): void {
    const view = new DataView(this.#bytes)
    const { shape, chunks } = this.#layout
    const { workgroups, subStrata, heldBlocks } = gridOf(shape)
    for (const { strata: [from, to] } of chunks) {
      for (let stratum = from; stratum < to; stratum++) {
        stratumStruct.write(view, this.offset(stratum), {
          stratum,
          tile_start: (stratum - from) * workgroups * subStrata,
          partial_start: stratum * heldBlocks,
          rate,
          noise: Math.imul(this.#seed + 1, 0x9e3779b1) + Math.imul(epoch * shape.strata + stratum + 1, 0x85ebca6b),
        })
      }
    }
    this.#gpu.device.queue.writeBuffer(this.buffer, 0, this.#bytes)
  }
}

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { gatherRuns } from '../kernels/gather_runs.ts'
import { workgroupSize } from '../kernels/shared.ts'
import type { StepKernel } from '../kernels/steps.ts'
import type { BatchLayout } from '../layout/batches.ts'
import type { SideShard, SideTable } from '../model/side-table.ts'
import { type BatchWindows, windowBytes } from './batch-windows.ts'
import type { Optimizer } from './optimizers.ts'
import { PenaltyMeter } from './penalty-meter.ts'

/** `override` constants of the kernels over one side. */
export type SideConstants = { FACTOR_BLOCKS: number; PARAMETER_BLOCKS: number }

export interface SideInput {
  label: 'users' | 'items'
  table: SideTable
  chunks: readonly BatchLayout[]
  optimizer: Optimizer
  constants: SideConstants
  /** The `Side` uniform of a shard of so many rows. */
  packOptions(rows: number): ArrayBuffer
  /** count^(nu - 1), count^nu a row. */
  weights: Float32Array<ArrayBuffer>
  windows: BatchWindows
}

/** A shard of the side with all that its rows' steps read and write. */
interface StepShard extends SideShard {
  weights: GPUBuffer
  side: GPUBuffer
  states: Record<string, GPUBuffer>
  penalty: PenaltyMeter
}

/** Encodes what one side does in a batch: `place` among those of its chunk, `batch` among all. */
export type EncodeBatch = (pass: GPUComputePassEncoder, place: number, batch: number) => void

/**
 * Rows, optimizer state and steps of one side (the users or the items). Rows in one shard are read where they are. Where
 * they lie in several, those of a batch are brought to a table of their own before it is worked on, and each shard's rows
 * step in a dispatch of their own.
 */
export class MinibatchSide {
  /** Where a batch's entries find this side's rows. */
  readonly rows: { factors: GPUBuffer; bias: GPUBuffer; count: number }
  /** Of each segment of a batch. */
  readonly gradient: GPUBuffer
  readonly #input: SideInput
  readonly #shards: readonly StepShard[]
  readonly #step: Pipeline<StepKernel['groups']>
  readonly #gather: Pipeline<typeof gatherRuns.groups> | undefined

  private constructor(
    buffers: BufferOwner,
    input: SideInput,
    shards: readonly StepShard[],
    step: Pipeline<StepKernel['groups']>,
    gather: Pipeline<typeof gatherRuns.groups> | undefined,
  ) {
    const { label, chunks, constants } = input
    const most = (startOf: (layout: BatchLayout) => Uint32Array, step = 1) =>
      chunks.reduce((least, layout) => Math.max(least, largest(startOf(layout), step)), 0)
    const [only] = shards as [StepShard]
    const runs = most(layout => layout[label].runStart, shards.length)
    this.#input = input
    this.#shards = shards
    this.#step = step
    this.#gather = gather
    this.rows =
      gather === undefined
        ? { factors: only.factors, bias: only.bias, count: only.rows }
        : {
            factors: buffers.storage(`${label}-rows of a batch`, runs * 16 * constants.FACTOR_BLOCKS),
            bias: buffers.storage(`${label}-biases of a batch`, 4 * runs),
            count: runs,
          }
    const segments = most(layout => layout[label].segmentStart)
    this.gradient = buffers.storage(`${label}-gradient`, segments * 16 * constants.PARAMETER_BLOCKS)
  }

  static async create(gpu: Gpu, buffers: BufferOwner, input: SideInput): Promise<MinibatchSide> {
    const { table, constants, optimizer } = input
    const shards: StepShard[] = []
    for (const shard of table.shards) shards.push(await makeShard(gpu, buffers, input, shard, shards.length))
    const step = await gpu.pipeline(optimizer.kernel, constants)
    const { FACTOR_BLOCKS } = constants
    const gather = shards.length > 1 ? await gpu.pipeline(gatherRuns, { FACTOR_BLOCKS }) : undefined
    return new MinibatchSide(buffers, input, shards, step, gather)
  }

  get penalties(): readonly PenaltyMeter[] {
    return this.#shards.map(({ penalty }) => penalty)
  }

  /** What the optimizer keeps of each row, by label. */
  get states(): Record<string, GPUBuffer> {
    const tables = this.#shards.flatMap(({ states }) => Object.values(states))
    return Object.fromEntries(tables.map(table => [table.label, table]))
  }

  /** The dispatches before and after those that see both sides, for the batches of a chunk. */
  bind(layout: BatchLayout, runs: GPUBuffer, segments: GPUBuffer): { gather: EncodeBatch; step: EncodeBatch } {
    const { label, windows, optimizer, constants } = this.#input
    const { runStart } = layout[label]
    const countOf = (place: number, shard: number) => {
      const at = place * this.#shards.length + shard
      return runStart[at + 1]! - runStart[at]!
    }
    const batch = windows.buffer
    const gathered = { gathered: this.rows.factors, gathered_bias: this.rows.bias }
    const gathers = this.#shards.map(({ factors, bias }) =>
      this.#gather?.bind(0, { runs, factors, bias, ...gathered, batch }, windowBytes),
    )
    const steps = this.#shards.map(({ factors, bias, weights, side, states }) => [
      this.#step.bind(0, { runs, segments, gradient: this.gradient, weights, factors, bias, batch, side }, windowBytes),
      this.#step.bind(1, states),
    ])
    return {
      gather: (pass, place, number) => {
        gathers.forEach((group, shard) => {
          if (group === undefined) return
          const workgroups = Math.ceil((countOf(place, shard) * (constants.FACTOR_BLOCKS + 1)) / workgroupSize)
          this.#gather!.dispatch(pass, [group], workgroups, windows.side(number, label, shard))
        })
      },
      step: (pass, place, number) => {
        steps.forEach((groups, shard) => {
          const rows = optimizer.dense ? this.#shards[shard]!.rows : countOf(place, shard)
          const workgroups = Math.ceil((rows * constants.PARAMETER_BLOCKS) / workgroupSize)
          this.#step.dispatch(pass, groups, workgroups, windows.side(number, label, shard))
        })
      },
    }
  }
}

async function makeShard(
  gpu: Gpu,
  buffers: BufferOwner,
  { label, table, optimizer, constants, packOptions, weights }: SideInput,
  shard: SideShard,
  at: number,
): Promise<StepShard> {
  const { first, rows, factors, bias } = shard
  const suffix = table.shards.length === 1 ? '' : ` ${at + 1} of ${table.shards.length}`
  const own = {
    weights: buffers.upload(`${label}-weights`, weights.subarray(2 * first, 2 * (first + rows))),
    side: buffers.uniform(`${label} options`, packOptions(rows)),
  }
  const bytes = 16 * constants.PARAMETER_BLOCKS * rows
  const states = Object.keys(optimizer.kernel.groups[1]).map(
    name => [name, buffers.storage(`${label}-${name}${suffix}`, bytes)] as const,
  )
  const penalty = await PenaltyMeter.create(gpu, buffers, constants, rows, { factors, bias, ...own })
  return { ...shard, ...own, states: Object.fromEntries(states), penalty }
}

/** The largest difference of every `step`-th number and the next such one in a table of starts. */
function largest(start: Uint32Array, step: number): number {
  let most = 0
  for (let at = 0; at + step < start.length; at += step) most = Math.max(most, start[at + step]! - start[at]!)
  return most
}

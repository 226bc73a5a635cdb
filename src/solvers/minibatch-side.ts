import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { gatherRuns } from '../kernels/gather_runs.ts'
import { workgroupSize } from '../kernels/shared.ts'
import type { StepKernel } from '../kernels/steps.ts'
import { runBounds, type SideLayout } from '../layout/batches.ts'
import type { SideShard, SideTable } from '../model/side-table.ts'
import { type BatchWindows, windowBytes } from './batch-windows.ts'
import type { Optimizer } from './optimizers.ts'
import { PenaltyMeter } from './penalty-meter.ts'

/** `override` constants of the kernels over one side. */
export type SideConstants = { FACTOR_BLOCKS: number; PARAMETER_BLOCKS: number }

export interface SideInput {
  label: 'users' | 'items'
  table: SideTable
  layout: SideLayout
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

/** Encodes what one side does in a batch. */
type EncodeBatch = (pass: GPUComputePassEncoder, batch: number) => void

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
    const { label, layout, constants } = input
    const [only] = shards as [StepShard]
    // What closes a batch's tables is counted.
    const runs = largest(layout.runStart) - 1
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
    const segments = largest(layout.segmentStart) - 1
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

  /** The dispatches before and after those that see both sides, with the batches' tables in one slot. */
  bind(runs: GPUBuffer, segments: GPUBuffer): { gather: EncodeBatch; step: EncodeBatch } {
    const { label, layout, windows, optimizer, constants } = this.#input
    const countOf = (number: number, shard: number) => {
      const [first, end] = runBounds(layout, number, shard)
      return end - first
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
      gather: (pass, number) => {
        gathers.forEach((group, shard) => {
          if (group === undefined) return
          const workgroups = Math.ceil((countOf(number, shard) * (constants.FACTOR_BLOCKS + 1)) / workgroupSize)
          this.#gather!.dispatch(pass, [group], workgroups, windows.side(number, label, shard))
        })
      },
      step: (pass, number) => {
        steps.forEach((groups, shard) => {
          const rows = optimizer.dense ? this.#shards[shard]!.rows : countOf(number, shard)
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
  const bytes = 16 * constants.PARAMETER_BLOCKS * rows
  const states = Object.keys(optimizer.kernel.groups[1]).map(
    name => [name, buffers.storage(`${label}-${name}${suffix}`, bytes)] as const,
  )
  await gpu.settle(buffers)
  const own = {
    weights: buffers.upload(`${label}-weights`, weights.subarray(2 * first, 2 * (first + rows))),
    side: buffers.uniform(`${label} options`, packOptions(rows)),
  }
  const penalty = await PenaltyMeter.create(gpu, buffers, constants, rows, { factors, bias, ...own })
  return { ...shard, ...own, states: Object.fromEntries(states), penalty }
}

/** The largest difference of neighbours in a table of starts. */
function largest(start: Uint32Array): number {
  let most = 0
  for (let at = 0; at + 1 < start.length; at++) most = Math.max(most, start[at + 1]! - start[at]!)
  return most
}

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { workgroupSize } from '../kernels/shared.ts'
import type { SideLayout } from '../layout/batches.ts'
import { windowBytes } from './batch-windows.ts'
import type { Optimizer } from './optimizers.ts'
import { PenaltyMeter } from './penalty-meter.ts'

/** `override` constants of the kernels over one side. */
export type SideConstants = { FACTOR_BLOCKS: number; PARAMETER_BLOCKS: number }

export interface SideInput {
  label: string
  rows: number
  layout: SideLayout
  optimizer: Optimizer
  constants: SideConstants
  /** Parameters of this side. */
  factors: GPUBuffer
  bias: GPUBuffer
  /** `Side` uniform. */
  side: GPUBuffer
  /** count^(nu - 1), count^nu a row. */
  weights: Float32Array<ArrayBuffer>
  batches: GPUBuffer
  /** Binds this side's variant of `gradients`. */
  bindGradients(own: { segments: GPUBuffer; gradient: GPUBuffer }): Promise<BoundGradients>
}

export type BoundGradients = (pass: GPUComputePassEncoder, workgroups: number, offset: number) => void

/** Gradients and optimizer steps of one side (the users or the items). */
export class MinibatchSide {
  readonly penalty: PenaltyMeter
  /** What the optimizer keeps of each row, by the names of its kernel's tables. */
  readonly states: Readonly<Record<string, GPUBuffer>>
  readonly #input: SideInput
  readonly #gradients: BoundGradients
  readonly #step: BoundGradients

  private constructor(
    input: SideInput,
    states: Readonly<Record<string, GPUBuffer>>,
    gradients: BoundGradients,
    step: BoundGradients,
    penalty: PenaltyMeter,
  ) {
    this.states = states
    this.#input = input
    this.#gradients = gradients
    this.#step = step
    this.penalty = penalty
  }

  static async create(gpu: Gpu, buffers: BufferOwner, input: SideInput): Promise<MinibatchSide> {
    const { label, layout, constants, optimizer, rows, factors, bias, side } = input
    const rowBytes = 16 * constants.PARAMETER_BLOCKS
    const runs = buffers.upload(`${label}-runs`, layout.runs)
    const segments = buffers.upload(`${label}-segments`, layout.segments)
    const gradient = buffers.storage(`${label}-gradient`, largest(layout.segmentStart) * rowBytes)
    const weights = buffers.upload(`${label}-weights`, input.weights)
    const states = Object.keys(optimizer.kernel.groups[1]).map(name => ({
      name,
      label: `${label}-${name}`,
      buffer: buffers.storage(`${label}-${name}`, rows * rowBytes),
    }))
    const pipeline = await gpu.pipeline(optimizer.kernel, constants)
    const rowGroup = pipeline.bind(
      0,
      { runs, segments, gradient, weights, factors, bias, batch: input.batches, side },
      windowBytes,
    )
    const stateGroup = pipeline.bind(1, Object.fromEntries(states.map(({ name, buffer }) => [name, buffer])))
    return new MinibatchSide(
      input,
      Object.fromEntries(states.map(state => [state.label, state.buffer])),
      await input.bindGradients({ segments, gradient }),
      (pass, workgroups, offset) => pipeline.dispatch(pass, [rowGroup, stateGroup], workgroups, offset),
      await PenaltyMeter.create(gpu, buffers, constants, rows, { factors, bias, weights, side }),
    )
  }

  encodeGradients(pass: GPUComputePassEncoder, batch: number, offset: number): void {
    const { segmentStart } = this.#input.layout
    this.#gradients(pass, this.#workgroups(segmentStart[batch + 1]! - segmentStart[batch]!), offset)
  }

  encodeStep(pass: GPUComputePassEncoder, batch: number, offset: number): void {
    const { runStart } = this.#input.layout
    const rows = this.#input.optimizer.dense ? this.#input.rows : runStart[batch + 1]! - runStart[batch]!
    this.#step(pass, this.#workgroups(rows), offset)
  }

  #workgroups(rows: number): number {
    return Math.ceil((rows * this.#input.constants.PARAMETER_BLOCKS) / workgroupSize)
  }
}

/** The largest difference of neighbours in a table of starts. */
function largest(start: Uint32Array): number {
  let most = 0
  for (let batch = 0; batch + 1 < start.length; batch++) most = Math.max(most, start[batch + 1]! - start[batch]!)
  return most
}

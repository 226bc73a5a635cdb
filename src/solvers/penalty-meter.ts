import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { penalties, penaltySpan } from '../kernels/penalties.ts'
import { sideStruct } from '../kernels/structs.ts'
import type { BufferPlan } from '../model/buffer-plan.ts'
import { PairSums, planSums } from '../model/sums.ts'

interface PenaltyBuffers {
  factors: GPUBuffer
  bias: GPUBuffer
  weights: GPUBuffer
  side: GPUBuffer
}

type PenaltyConstants = { FACTOR_BLOCKS: number; PARAMETER_BLOCKS: number }

const workgroupsFor = (rows: number, { PARAMETER_BLOCKS }: PenaltyConstants) =>
  Math.ceil((rows * PARAMETER_BLOCKS) / penaltySpan)

/** The buffers of a meter of so many rows, and of the weights and options that it reads. */
export function planPenalty(plan: BufferPlan, rows: number, constants: PenaltyConstants): void {
  plan.storage('scratch', 'weights', 8 * rows)
  plan.uniform('scratch', 'options', sideStruct.size)
  planSums(plan, 'scratch', 'penalties', workgroupsFor(rows, constants))
}

/** Sums one side's penalty on the GPU. */
export class PenaltyMeter {
  readonly encode: (pass: GPUComputePassEncoder) => void
  readonly #sums: PairSums

  private constructor(sums: PairSums, encode: (pass: GPUComputePassEncoder) => void) {
    this.#sums = sums
    this.encode = encode
  }

  static async create(
    gpu: Gpu,
    buffers: BufferOwner,
    constants: PenaltyConstants,
    rows: number,
    bound: PenaltyBuffers,
  ): Promise<PenaltyMeter> {
    const pipeline = await gpu.pipeline(penalties, constants)
    const workgroups = workgroupsFor(rows, constants)
    const sums = await PairSums.create(gpu, buffers, 'penalties', workgroups)
    const group = pipeline.bind(0, { ...bound, partials: sums.pairs })
    return new PenaltyMeter(sums, pass => {
      pipeline.dispatch(pass, [group], workgroups)
      sums.encode(pass)
    })
  }

  async read(): Promise<number> {
    return (await this.#sums.read())[0]
  }
}

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { penalties, penaltySpan } from '../kernels/penalties.ts'
import { PairSums } from '../model/sums.ts'

interface PenaltyBuffers {
  factors: GPUBuffer
  bias: GPUBuffer
  weights: GPUBuffer
  side: GPUBuffer
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
    constants: { FACTOR_BLOCKS: number; PARAMETER_BLOCKS: number },
    rows: number,
    bound: PenaltyBuffers,
  ): Promise<PenaltyMeter> {
    const pipeline = await gpu.pipeline(penalties, constants)
    const workgroups = Math.ceil((rows * constants.PARAMETER_BLOCKS) / penaltySpan)
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

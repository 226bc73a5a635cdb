import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { reduce, reducedPairs, reduceSpan } from '../kernels/reduce.ts'
import type { BufferKind, BufferPlan } from './buffer-plan.ts'

/** The buffers of `PairSums` of `count` pairs. */
export function planSums(plan: BufferPlan, kind: BufferKind, label: string, count: number): void {
  plan.storage(kind, `${label} partials`, 8 * count)
  plan.storage(kind, `${label} sums`, 8 * reducedPairs)
  plan.uniform(kind, `${label} span`, reduceSpan.size)
}

/** A table of pairs that kernels leave their partial sums in, and the way to their total. */
export class PairSums {
  /** Where kernels write: one pair a workgroup. */
  readonly pairs: GPUBuffer
  readonly #gpu: Gpu
  readonly #pipeline: Pipeline<typeof reduce.groups>
  readonly #sums: GPUBuffer
  readonly #group: GPUBindGroup

  private constructor(
    gpu: Gpu,
    pipeline: Pipeline<typeof reduce.groups>,
    own: Record<'pairs' | 'sums' | 'span', GPUBuffer>,
  ) {
    this.#gpu = gpu
    this.#pipeline = pipeline
    this.pairs = own.pairs
    this.#sums = own.sums
    this.#group = pipeline.bind(0, own)
  }

  /** @throws OutOfMemoryError for whatever buffer of the owner's */
  static async create(gpu: Gpu, buffers: BufferOwner, label: string, count: number): Promise<PairSums> {
    const pipeline = await gpu.pipeline(reduce)
    const own = {
      pairs: buffers.storage(`${label} partials`, 8 * count),
      sums: buffers.storage(`${label} sums`, 8 * reducedPairs),
      span: buffers.uniform(`${label} span`, reduceSpan.pack({ pair_count: count })),
    }
    await gpu.settle(buffers)
    return new PairSums(gpu, pipeline, own)
  }

  encode(pass: GPUComputePassEncoder): void {
    this.#pipeline.dispatch(pass, [this.#group], reducedPairs)
  }

  /** The two totals of what the last encoded `encode` found, added in double precision. */
  async read(): Promise<[number, number]> {
    const sums = new Float32Array(await this.#gpu.read(this.#sums, 8 * reducedPairs))
    let first = 0
    let second = 0
    for (let pair = 0; pair < reducedPairs; pair++) {
      first += sums[2 * pair]!
      second += sums[2 * pair + 1]!
    }
    return [first, second]
  }
}

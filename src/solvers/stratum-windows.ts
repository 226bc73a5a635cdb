import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { stratumStruct } from '../kernels/structs.ts'
import { gridOf } from '../layout/tile-grid.ts'
import type { TileChunk, TileLayout } from '../layout/tiles.ts'

/** Bytes that a window of the strata's uniform buffer shows. */
export const windowBytes = 16 * Math.ceil(stratumStruct.size / 16)

/** One uniform buffer with a window for each stratum, written once an epoch. */
export class StratumWindows {
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
    for (const {
      strata: [from, to],
    } of chunks) {
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

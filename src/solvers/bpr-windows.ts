import { Random } from '../data/random.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { bprRoundStruct } from '../kernels/bpr_structs.ts'

/** Bytes that a window of the rounds' uniform buffer shows. */
export const windowBytes = 16 * Math.ceil(bprRoundStruct.size / 16)

/** Random streams of the two sides, one an epoch; apart from those of the initial factors and the splits. */
const streams = { users: 0x62757365, items: 0xc2697465 } as const

/** One uniform buffer of one side with a window for each round, written once an epoch. */
export class BprWindows {
  readonly buffer: GPUBuffer
  readonly #gpu: Gpu
  readonly #stride: number
  readonly #bytes: ArrayBuffer
  readonly #rounds: number
  readonly #draw: (epoch: number) => Random

  constructor(gpu: Gpu, buffers: BufferOwner, side: 'users' | 'items', { rounds, seed }: BprRounds) {
    const alignment = gpu.capabilities.limits.minUniformBufferOffsetAlignment
    this.#gpu = gpu
    this.#stride = alignment * Math.ceil(windowBytes / alignment)
    this.#bytes = new ArrayBuffer(rounds * this.#stride)
    this.#rounds = rounds
    this.#draw = epoch => new Random(seed, streams[side] + epoch)
    this.buffer = buffers.uniform(`${side} rounds`, this.#bytes)
  }

  offset(round: number): number {
    return round * this.#stride
  }

  write(rate: number, epoch: number): void {
    const view = new DataView(this.#bytes)
    const random = this.#draw(epoch)
    const orderKey = random.uint32()
    for (let round = 0; round < this.#rounds; round++) {
      bprRoundStruct.write(view, this.offset(round), {
        order_key: orderKey,
        draw_key: random.uint32(),
        round,
        rounds: this.#rounds,
        rate,
      })
    }
    this.#gpu.device.queue.writeBuffer(this.buffer, 0, this.#bytes)
  }
}

interface BprRounds {
  rounds: number
  seed: number
}

import { Random } from '../data/random.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { DeviceLimits } from '../gpu/capabilities.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'
import { bprRoundStruct } from '../kernels/bpr_structs.ts'

/** Bytes that a window of the rounds' uniform buffer shows. */
export const windowBytes = 16 * Math.ceil(bprRoundStruct.size / 16)

/** Bytes from one window to the next. */
export const windowStride = ({ minUniformBufferOffsetAlignment: alignment }: DeviceLimits): number =>
  alignment * Math.ceil(windowBytes / alignment)

/** Random streams of the two sides, one an epoch; apart from those of the initial factors and the splits. */
const streams = { users: 0x62757365, items: 0xc2697465 } as const

/** The words that one side's orders of an epoch and its draws of each round are hashes of. */
export function roundKeys(side: 'users' | 'items', seed: number, epoch: number, rounds: number) {
  const random = new Random(seed, streams[side] + epoch)
  return { order: random.uint32(), draws: Uint32Array.from({ length: rounds }, () => random.uint32()) }
}

/** One uniform buffer of one side with a window for each round, written once an epoch. */
export class BprWindows {
  readonly buffer: GPUBuffer
  readonly #gpu: Gpu
  readonly #stride: number
  readonly #bytes: ArrayBuffer
  readonly #rounds: number
  readonly #keys: (epoch: number) => ReturnType<typeof roundKeys>

  constructor(gpu: Gpu, buffers: BufferOwner, side: 'users' | 'items', { rounds, seed }: BprRounds) {
    this.#gpu = gpu
    this.#stride = windowStride(gpu.capabilities.limits)
    this.#bytes = new ArrayBuffer(rounds * this.#stride)
    this.#rounds = rounds
    this.#keys = epoch => roundKeys(side, seed, epoch, rounds)
    this.buffer = buffers.uniform(`${side} rounds`, this.#bytes)
  }

  offset(round: number): number {
    return round * this.#stride
  }

  write(rate: number, epoch: number): void {
    const view = new DataView(this.#bytes)
    const { order, draws } = this.#keys(epoch)
    for (let round = 0; round < this.#rounds; round++) {
      bprRoundStruct.write(view, this.offset(round), {
        order_key: order,
        draw_key: draws[round]!,
        round,
        rounds: this.#rounds,
        rate,
      })
    }
    writeBuffer(this.#gpu.device.queue, this.buffer, 0, this.#bytes)
  }
}

interface BprRounds {
  rounds: number
  seed: number
}

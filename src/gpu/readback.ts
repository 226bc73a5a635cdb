import type { BufferOwner } from './buffers.ts'
import { capture } from './capture.ts'

const mapModeRead = 0x1 // GPUMapMode.READ, which Node has no global for

/** Largest piece that is mapped at once. */
const pieceBytes = 32 * 2 ** 20

/** Bytes of a staging buffer: powers of two from 4 KiB, few sizes, used again. */
const sizeFor = (bytes: number): number => 2 ** Math.max(12, Math.ceil(Math.log2(bytes)))

/** The smallest that holds so many bytes; -1 for none. */
function smallestFor(sizes: readonly number[], bytes: number): number {
  let best = -1
  sizes.forEach((size, index) => {
    if (size >= bytes && (best < 0 || size < sizes[best]!)) best = index
  })
  return best
}

/**
 * Bytes of the staging buffers that reading takes.
 * @param readings groups of tables, by their bytes, that are read at the same time; one group after another
 */
export function planStaging(readings: readonly (readonly number[])[]): number {
  const idle: number[] = []
  for (const group of readings) {
    const taken = group.map(table => {
      const bytes = Math.min(table, pieceBytes)
      const index = smallestFor(idle, bytes)
      return index < 0 ? sizeFor(bytes) : idle.splice(index, 1)[0]!
    })
    idle.push(...taken)
  }
  return idle.reduce((sum, size) => sum + size, 0)
}

/** A ring of staging buffers that are used again and again, so that reading a number back allocates nothing. */
export class Readback {
  readonly #device: GPUDevice
  readonly #owner: BufferOwner
  readonly #wait: <T>(promise: Promise<T>) => Promise<T>
  readonly #idle: GPUBuffer[] = []

  constructor(device: GPUDevice, owner: BufferOwner, wait: <T>(promise: Promise<T>) => Promise<T>) {
    this.#device = device
    this.#owner = owner
    this.#wait = wait
  }

  /**
   * The first `bytes` bytes of a storage buffer, after all work submitted before.
   * @throws GpuFailedError where it has fewer, OutOfMemoryError, DeviceLostError
   */
  async read(source: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    const target = new Uint8Array(bytes)
    for (let offset = 0; offset < bytes; offset += pieceBytes) {
      await this.#readPiece(source, offset, target.subarray(offset, Math.min(bytes, offset + pieceBytes)))
    }
    return target.buffer
  }

  async #readPiece(source: GPUBuffer, offset: number, target: Uint8Array): Promise<void> {
    const bytes = Math.ceil(target.byteLength / 4) * 4
    const staging = this.#take(bytes)
    // A copy that fails leaves the staging buffer as it is: what it holds must not pass for the source's content.
    const { settled: copied } = capture(this.#device, 'readback', bytes, () => {
      const encoder = this.#device.createCommandEncoder({ label: 'readback' })
      encoder.copyBufferToBuffer(source, offset, staging, 0, bytes)
      this.#device.queue.submit([encoder.finish()])
    })
    try {
      // Within the wait: a device that is lost once the buffer is mapped takes the mapping away again.
      await this.#wait(
        Promise.all([copied, staging.mapAsync(mapModeRead, 0, bytes)]).then(() =>
          target.set(new Uint8Array(staging.getMappedRange(0, bytes), 0, target.byteLength)),
        ),
      )
      staging.unmap()
      this.#idle.push(staging)
    } catch (error) {
      this.#owner.release(staging)
      throw error
    }
  }

  #take(bytes: number): GPUBuffer {
    const index = smallestFor(
      this.#idle.map(({ size }) => size),
      bytes,
    )
    if (index >= 0) return this.#idle.splice(index, 1)[0]!
    if (this.#idle.length >= 4) this.#owner.release(this.#idle.shift()!)
    return this.#owner.staging('readback', sizeFor(bytes))
  }
}

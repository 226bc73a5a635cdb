import type { BufferOwner } from './buffers.ts'
import { capture } from './capture.ts'

const mapModeRead = 0x1 // GPUMapMode.READ, which Node has no global for

/** Largest piece that is mapped at once. */
const pieceBytes = 32 * 2 ** 20

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
      await this.#wait(Promise.all([copied, staging.mapAsync(mapModeRead, 0, bytes)]))
      target.set(new Uint8Array(staging.getMappedRange(0, bytes), 0, target.byteLength))
      staging.unmap()
      this.#idle.push(staging)
    } catch (error) {
      this.#owner.release(staging)
      throw error
    }
  }

  #take(bytes: number): GPUBuffer {
    const index = this.#idle.findIndex(buffer => buffer.size >= bytes)
    if (index >= 0) return this.#idle.splice(index, 1)[0]!
    // Powers of two from 4 KiB: few sizes, used again.
    if (this.#idle.length >= 4) this.#owner.release(this.#idle.shift()!)
    return this.#owner.staging('readback', 2 ** Math.max(12, Math.ceil(Math.log2(bytes))))
  }
}

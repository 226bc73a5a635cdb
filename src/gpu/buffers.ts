import { LimitExceededError } from '../errors.ts'
import type { DeviceLimits } from './capabilities.ts'
import { capture } from './capture.ts'
import { writeBuffer } from './write.ts'

// WebGPU's GPUBufferUsage flags. The specification fixes their values; Node has no global of that name.
export const BufferUsage = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyTarget: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  queryResolve: 0x0200,
} as const

const storageUsage = BufferUsage.storage | BufferUsage.copySource | BufferUsage.copyTarget
const uniformUsage = BufferUsage.uniform | BufferUsage.copyTarget

/** Counts the bytes of live buffers on a device. */
export interface Ledger {
  liveBytes: number
}

/** What to try where a table does not fit. */
export const smallerTables = 'take fewer factors or a smaller batch'

/** What a storage buffer may hold that is bound as a whole, and the limit that says so. */
export interface MostBytes {
  bytes: number
  limit: 'maxStorageBufferBindingSize' | 'maxBufferSize'
}

export function mostBytesOf({ maxStorageBufferBindingSize, maxBufferSize }: DeviceLimits): MostBytes {
  return maxStorageBufferBindingSize <= maxBufferSize
    ? { bytes: maxStorageBufferBindingSize, limit: 'maxStorageBufferBindingSize' }
    : { bytes: maxBufferSize, limit: 'maxBufferSize' }
}

/**
 * Rows that one storage buffer may hold.
 * @throws LimitExceededError where a single one is too large
 */
export function mostRows({ bytes, limit }: MostBytes, label: string, rowBytes: number): number {
  const rows = Math.floor(bytes / rowBytes)
  if (rows === 0) throw new LimitExceededError(`a row of ${label}`, limit, rowBytes, bytes, 'take fewer factors')
  return rows
}

/**
 * Owns buffers: whoever makes one makes it here and destroys them all together. A buffer that the device had no memory
 * for shows in `settled`.
 */
export class BufferOwner {
  readonly #device: GPUDevice
  readonly #limits: DeviceLimits
  readonly #ledger: Ledger
  readonly #buffers = new Set<GPUBuffer>()
  #pending: Promise<void>[] = []

  constructor(device: GPUDevice, limits: DeviceLimits, ledger: Ledger) {
    this.#device = device
    this.#limits = limits
    this.#ledger = ledger
  }

  get mostBytes(): MostBytes {
    return mostBytesOf(this.#limits)
  }

  /**
   * Rows that a storage buffer may hold.
   * @throws LimitExceededError where a single one is too large
   */
  mostRows(label: string, rowBytes: number): number {
    return mostRows(this.mostBytes, label, rowBytes)
  }

  /**
   * A zeroed storage buffer of at least 16 bytes, so that an empty table can be bound.
   * @throws LimitExceededError where it would not fit one binding or is larger than any buffer may be.
   */
  storage(label: string, bytes: number): GPUBuffer {
    return this.#storage(label, bytes)
  }

  #storage(label: string, bytes: number, fill?: (buffer: GPUBuffer) => void): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 4) * 4)
    const available = this.#limits.maxStorageBufferBindingSize
    if (size > available) {
      throw new LimitExceededError(label, 'maxStorageBufferBindingSize', size, available, smallerTables)
    }
    return this.#create(label, size, storageUsage, fill)
  }

  /** A storage buffer that holds `data`. */
  upload(label: string, data: ArrayBufferView<ArrayBuffer>): GPUBuffer {
    return this.#storage(label, data.byteLength, buffer => writeBuffer(this.#device.queue, buffer, 0, data))
  }

  /**
   * A uniform buffer that holds `data`.
   * @throws LimitExceededError where it is larger than any buffer may be.
   */
  uniform(label: string, data: ArrayBuffer): GPUBuffer {
    return this.#create(label, Math.ceil(data.byteLength / 16) * 16, uniformUsage, buffer =>
      writeBuffer(this.#device.queue, buffer, 0, data),
    )
  }

  /** For reading back on the host. */
  staging(label: string, bytes: number): GPUBuffer {
    return this.#create(label, bytes, BufferUsage.mapRead | BufferUsage.copyTarget)
  }

  queryResults(label: string, bytes: number): GPUBuffer {
    return this.#create(label, bytes, BufferUsage.queryResolve | BufferUsage.copySource)
  }

  /**
   * Waits until the buffers made so far are known to be good.
   * @throws OutOfMemoryError, GpuFailedError
   */
  async settled(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    await Promise.all(pending)
  }

  /** Destroys one buffer ahead of the others. */
  release(buffer: GPUBuffer): void {
    if (!this.#buffers.delete(buffer)) return
    this.#ledger.liveBytes -= buffer.size
    buffer.destroy()
  }

  destroy(): void {
    for (const buffer of this.#buffers) this.release(buffer)
  }

  /** @param fill writes to it; what that brings about where there was no memory is part of the same error */
  #create(label: string, size: number, usage: number, fill?: (buffer: GPUBuffer) => void): GPUBuffer {
    const available = this.#limits.maxBufferSize
    if (size > available) throw new LimitExceededError(label, 'maxBufferSize', size, available)
    const { result: buffer, settled } = capture(this.#device, label, size, () => {
      const created = this.#device.createBuffer({ label, size, usage })
      fill?.(created)
      return created
    })
    this.#pending.push(settled)
    this.#buffers.add(buffer)
    this.#ledger.liveBytes += size
    return buffer
  }
}

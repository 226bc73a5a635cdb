import { LimitExceededError } from '../errors.ts'
import { type MostBytes, mostBytesOf, mostRows, smallerTables } from '../gpu/buffers.ts'
import type { DeviceLimits } from '../gpu/capabilities.ts'

/** What a training's buffers are for. */
export const bufferKinds = ['factors', 'state', 'entries', 'kept', 'snapshot', 'validation', 'scratch'] as const

export type BufferKind = (typeof bufferKinds)[number]

/** Buffers that are to be made, counted and held against the device's limits: a `BufferOwner` on paper. */
export class BufferPlan {
  /** By what they are for. */
  readonly bytes: Record<BufferKind, number> = {
    factors: 0,
    state: 0,
    entries: 0,
    kept: 0,
    snapshot: 0,
    validation: 0,
    scratch: 0,
  }
  readonly limits: DeviceLimits

  constructor(limits: DeviceLimits) {
    this.limits = limits
  }

  get mostBytes(): MostBytes {
    return mostBytesOf(this.limits)
  }

  /**
   * Rows that a storage buffer may hold.
   * @throws LimitExceededError where a single one is too large
   */
  mostRows(label: string, rowBytes: number): number {
    return mostRows(this.mostBytes, label, rowBytes)
  }

  /** @throws LimitExceededError where such a buffer would not fit one binding */
  storage(kind: BufferKind, label: string, bytes: number): void {
    const size = Math.max(16, 4 * Math.ceil(bytes / 4))
    const { bytes: available, limit } = this.mostBytes
    if (size > available) throw new LimitExceededError(label, limit, size, available, smallerTables)
    this.bytes[kind] += size
  }

  /**
   * So many buffers of `bytes`.
   * @throws LimitExceededError where one is larger than any buffer may be
   */
  uniform(kind: BufferKind, label: string, bytes: number, count = 1): void {
    const size = 16 * Math.ceil(bytes / 16)
    const { maxBufferSize } = this.limits
    if (size > maxBufferSize) throw new LimitExceededError(label, 'maxBufferSize', size, maxBufferSize)
    this.bytes[kind] += count * size
  }

  /** Bytes that are known in the mean only, or in buffers that are cut to fit. */
  add(kind: BufferKind, bytes: number): void {
    this.bytes[kind] += Math.round(bytes)
  }
}

import { BufferUsage } from '../../src/gpu/buffers.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'

/** The most bytes that buffers held at once. */
export interface WatchedMemory {
  peak: number
  /** Without what the host reads back. */
  ownPeak: number
}

/** Buffers up to this size find room between larger ones. */
const smallBytes = 256

/**
 * `work` while buffers are counted, and while the GPU has no memory for more than `most` bytes of them: `createBuffer` then
 * gives a buffer that cannot be used, and reports to the scope around it, as a device does. What the host reads back lies in
 * the host's own memory.
 */
export async function withMemory<T>(gpu: Gpu, most: number, work: (watched: WatchedMemory) => Promise<T>): Promise<T> {
  const { device } = gpu
  const { createBuffer, pushErrorScope, popErrorScope } = device
  const scopes: { filter: GPUErrorFilter; failed: boolean }[] = []
  const watched = { peak: 0, ownPeak: 0 }
  let bytes = 0
  device.pushErrorScope = filter => {
    scopes.push({ filter, failed: false })
    pushErrorScope.call(device, filter)
  }
  device.popErrorScope = async () => {
    const { failed } = scopes.pop()!
    const error = await popErrorScope.call(device)
    return failed ? ({ message: 'out of memory' } as GPUError) : error
  }
  device.createBuffer = descriptor => {
    const { size, usage } = descriptor
    if (usage & BufferUsage.mapRead) {
      watched.peak = Math.max(watched.peak, gpu.liveBytes + size)
      return createBuffer.call(device, descriptor)
    }
    if (size > smallBytes && bytes + size > most) {
      scopes.findLast(({ filter }) => filter === 'out-of-memory')!.failed = true
      pushErrorScope.call(device, 'validation')
      const invalid = createBuffer.call(device, { ...descriptor, usage: 0 })
      void popErrorScope.call(device)
      return invalid
    }
    const buffer = createBuffer.call(device, descriptor)
    const { destroy } = buffer
    watched.peak = Math.max(watched.peak, gpu.liveBytes + size)
    bytes += size
    watched.ownPeak = Math.max(watched.ownPeak, bytes)
    buffer.destroy = () => {
      bytes -= size
      destroy.call(buffer)
    }
    return buffer
  }
  try {
    return await work(watched)
  } finally {
    Object.assign(device, { createBuffer, pushErrorScope, popErrorScope })
  }
}

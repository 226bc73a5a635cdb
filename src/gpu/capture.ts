import { GpuFailedError, OutOfMemoryError } from '../errors.ts'

/** A result whose WebGPU errors are still on their way. */
export interface Captured<T> {
  result: T
  /** Rejects with what went wrong in the calls. */
  settled: Promise<void>
}

/**
 * Runs synchronous WebGPU calls inside error scopes of their own. The scopes are pushed and popped without a pause
 * between, so that what is captured is these calls' and nobody else's.
 * @param bytes what the calls allocate, for the error
 */
export function capture<T>(device: GPUDevice, what: string, bytes: number, calls: () => T): Captured<T> {
  device.pushErrorScope('out-of-memory')
  device.pushErrorScope('internal')
  device.pushErrorScope('validation')
  let result: T
  let scopes: Promise<GPUError | null>[] = []
  try {
    result = calls()
  } finally {
    scopes = [device.popErrorScope(), device.popErrorScope(), device.popErrorScope()]
  }
  const settled = Promise.all(scopes).then(([validation, internal, memory]) => {
    if (memory) throw new OutOfMemoryError(what, bytes)
    const failure = validation ?? internal
    if (failure) throw new GpuFailedError(`${what}: ${failure.message}`)
  })
  settled.catch(() => {}) // heard by whoever awaits it
  return { result, settled }
}

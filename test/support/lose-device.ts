import type { Gpu } from '../../src/gpu/gpu.ts'

/** What a device is asked for. */
export type Call = 'createBuffer' | 'createComputePipelineAsync' | 'writeBuffer' | 'submit' | 'mapAsync'

/**
 * Destroys a device at its nth call from here on, counted from 1 over all kinds: before a submit, a write, a buffer or a
 * pipeline is asked for where n is odd, after it where n is even. Mapping is asked for first in either case.
 * @returns the calls so far
 */
export function loseAt({ device }: Gpu, n: number): Call[] {
  const calls: Call[] = []
  const around = <Result>(call: Call, work: () => Result): Result => {
    calls.push(call)
    const isLast = calls.length === n
    const before = isLast && n % 2 === 1 && call !== 'mapAsync'
    if (before) device.destroy()
    const result = work()
    if (isLast && !before) device.destroy()
    return result
  }
  const { queue } = device
  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = descriptor => {
    const buffer = around('createBuffer', () => createBuffer(descriptor))
    const mapAsync = buffer.mapAsync.bind(buffer)
    buffer.mapAsync = (...words) => around('mapAsync', () => mapAsync(...words))
    return buffer
  }
  const createPipeline = device.createComputePipelineAsync.bind(device)
  device.createComputePipelineAsync = descriptor =>
    around('createComputePipelineAsync', () => createPipeline(descriptor))
  const writeBuffer = queue.writeBuffer.bind(queue) as (...words: unknown[]) => undefined
  queue.writeBuffer = (...words: unknown[]) => around('writeBuffer', () => writeBuffer(...words))
  const submit = queue.submit.bind(queue)
  queue.submit = commands => around('submit', () => submit(commands))
  return calls
}

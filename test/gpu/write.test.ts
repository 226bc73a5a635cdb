import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { writeBuffer } from '../../src/gpu/write.ts'
import { useGpu } from '../support/gpu.ts'

const device = useGpu()

describe('writeBuffer', () => {
  it.each([0, 4, 2 ** 20, 2 ** 20 + 4, 2.5 * 2 ** 20])(
    'writes %i bytes of either kind of memory to their place',
    async length => {
      const random = new Random(length)
      const words = Uint32Array.from({ length: length / 4 + 3 }, () => random.uint32())
      const shared = new Uint32Array(new SharedArrayBuffer(words.byteLength))
      shared.set(words)
      for (const memory of [words, shared]) {
        const buffers = device.gpu.buffers()
        try {
          const buffer = buffers.storage('words', length + 16)
          const view = memory.subarray(1, 1 + length / 4)
          await device.gpu.checked('writing', () => writeBuffer(device.gpu.device.queue, buffer, 8, view))
          const read = new Uint32Array(await device.gpu.read(buffer, length + 16))
          expect(Buffer.from(read.slice(2, -2).buffer).equals(Buffer.from(words.slice(1, -2).buffer))).toBe(true)
          expect([...read.slice(0, 2), ...read.slice(-2)]).toEqual([0, 0, 0, 0])
        } finally {
          buffers.destroy()
        }
      }
    },
  )
})

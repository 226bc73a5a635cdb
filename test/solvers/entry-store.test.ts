import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { LimitExceededError } from '../../src/errors.ts'
import { EntryStore } from '../../src/solvers/entry-store.ts'
import { narrow, useNarrowGpu } from '../support/gpu.ts'

const device = useNarrowGpu()

/** Steps of random words in two tables, the second of which is a quarter as large; each in stretches. */
function randomSteps(random: Random, steps: number) {
  const table = (most: number) => {
    const own = Array.from({ length: steps }, () =>
      Uint32Array.from({ length: random.below(most + 1) }, () => random.uint32()),
    )
    const cuts = own.map(words =>
      [random.below(words.length + 1), random.below(words.length + 1)].sort((a, b) => a - b),
    )
    return (step: number) => {
      const [first, second] = cuts[step]!
      return [[0, first], [first, second], [second]].map(([start, end]) => own[step]!.subarray(start, end))
    }
  }
  return { entries: table(40), tiles: table(10) }
}

const lengthOf = (stretches: readonly Uint32Array[]) => stretches.reduce((sum, { length }) => sum + length, 0)

const bytesOf = (tables: ReturnType<typeof randomSteps>, steps: number) =>
  4 *
  Array.from({ length: steps }, (_, step) => lengthOf(tables.entries(step)) + lengthOf(tables.tiles(step))).reduce(
    (sum, words) => sum + words,
    0,
  )

describe('EntryStore', () => {
  it('has each step where it says, in any order, for as long as the steps of a load last', async () => {
    const seen = { streamed: 0, resident: 0, loads: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0, max: 1.2, noNaN: true }),
        fc.boolean(),
        fc.integer({ min: 160, max: 1000 }),
        async (seed, steps, share, alone, binding) => {
          const random = new Random(seed)
          const tables = randomSteps(random, steps)
          narrow(device.gpu, binding)
          const buffers = device.gpu.buffers()
          const before = device.gpu.liveBytes
          const entryBytes = Math.max(400, Math.floor(share * bytesOf(tables, steps)))
          try {
            const store = await EntryStore.create(device.gpu, buffers, steps, tables, { entryBytes, alone })
            const { residency, slots } = store
            expect(residency.streamed).toBe(bytesOf(tables, steps) > entryBytes)
            expect(device.gpu.liveBytes - before).toBe(
              slots.flatMap(Object.values).reduce((sum, { size }) => sum + size, 0),
            )
            if (residency.streamed) {
              expect(device.gpu.liveBytes - before).toBeLessThanOrEqual(entryBytes)
              expect(device.gpu.liveBytes - before).toBe(residency.bytes)
            }
            for (let epoch = 0; epoch < 2; epoch++) {
              const order = random.permutation(steps)
              const { loads, slot, start } = store.place(order)
              const ends = residency.streamed ? loads.map(({ end }) => end) : [steps]
              expect(ends.at(-1)).toBe(steps)
              let first = 0
              let before: number[] = []
              for (const [at, end] of ends.entries()) {
                if (residency.streamed) loads[at]!.write()
                // The GPU may still be at work on the slot of the load before.
                for (const slotBefore of before) expect(slot[order[first]!]).not.toBe(slotBefore)
                if (residency.streamed) before = [slot[order[first]!]!]
                for (let place = first; place < end; place++) {
                  const step = order[place]!
                  for (const name of ['entries', 'tiles'] as const) {
                    const buffer = slots[slot[step]!]![name]
                    const words = new Uint32Array(await device.gpu.read(buffer, buffer.size))
                    const from = start[name][step]!
                    if (alone) expect(from).toBe(0)
                    const own = tables[name](step).flatMap(stretch => [...stretch])
                    expect([...words.slice(from, from + own.length)]).toEqual(own)
                  }
                }
                if (alone && residency.streamed) expect(end - first).toBe(1)
                first = end
              }
              seen.loads += loads.length
            }
            seen[residency.streamed ? 'streamed' : 'resident']++
          } finally {
            buffers.destroy()
          }
        },
      ),
      { seed: 6, numRuns: 60 },
    )
    expect(Math.min(seen.streamed, seen.resident)).toBeGreaterThan(10)
    expect(seen.loads).toBeGreaterThan(3 * seen.streamed)
  })

  it('writes long stretches by themselves and many short ones together', async () => {
    const random = new Random(8)
    const lengths = [3, 20_000, 5, 7, 16_384, 0, 1, ...Array.from({ length: 400 }, () => random.below(2000)), 70_000, 2]
    const own = lengths.map(length => Uint32Array.from({ length }, () => random.uint32()))
    const entries = (step: number) => [own[step]!]
    const buffers = device.gpu.buffers()
    const { queue } = device.gpu.device
    const { writeBuffer } = queue
    let writes = 0
    queue.writeBuffer = (...given: Parameters<GPUQueue['writeBuffer']>) => {
      writes++
      writeBuffer.apply(queue, given)
    }
    try {
      const { slots } = await EntryStore.create(device.gpu, buffers, lengths.length, { entries })
      const [{ entries: buffer }] = slots as [(typeof slots)[0]]
      const words = new Uint32Array(await device.gpu.read(buffer, buffer.size))
      expect(Buffer.from(words.buffer).equals(Buffer.concat(own.map(part => Buffer.from(part.buffer))))).toBe(true)
      expect(writes).toBeLessThan(12)
    } finally {
      queue.writeBuffer = writeBuffer
      buffers.destroy()
    }
  })

  it('says what two slots of the largest step need', async () => {
    const entries = (step: number) => [new Uint32Array(step === 3 ? 100 : 50)]
    const buffers = device.gpu.buffers()
    const create = (entryBytes: number) => EntryStore.create(device.gpu, buffers, 9, { entries }, { entryBytes })
    try {
      await expect(create(799)).rejects.toThrow(LimitExceededError)
      await expect(create(799)).rejects.toMatchObject({ limit: 'memory', needed: 800, available: 799 })
      expect((await create(800)).residency).toEqual({ streamed: true, slots: 2, bytes: 800, loadsPerEpoch: 6 })
      expect((await create(1200)).residency).toEqual({ streamed: true, slots: 2, bytes: 1200, loadsPerEpoch: 4 })
      expect((await create(2000)).residency).toEqual({ streamed: false, slots: 1, bytes: 2000, loadsPerEpoch: 0 })
    } finally {
      buffers.destroy()
    }
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plantedRatings } from '../../src/data/planted.ts'
import { Random } from '../../src/data/random.ts'
import { packEntries, packOnThreads } from '../../src/layout/pack-on-threads.ts'
import { ThreadError } from '../../src/layout/threads.ts'
import { gridOf } from '../../src/layout/tile-grid.ts'
import { packTiles } from '../../src/layout/tiles.ts'
import { turnThreads } from '../support/threads.ts'
import { inOneArray, problem, ratingsOf, skewed } from '../support/tiles.ts'

describe('packOnThreads', () => {
  it('gives what one thread does, byte for byte, on any number of threads and in pieces of any size', async () => {
    const seen = { parts: new Set<number>(), replicas: 0, nested: 0 }
    await fc.assert(
      fc.asyncProperty(
        problem,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 600 }),
        async (given, count, pieceEntries) => {
          const ratings = ratingsOf(given)
          const options = { seed: given.seed, replicaCap: given.seed % 2 === 0 ? 1 : 0.3 }
          const threads = turnThreads(count)
          const packed = await packOnThreads(threads, ratings, given.shape, options, pieceEntries)
          const layout = packTiles(ratings, given.shape, options)
          expect(inOneArray(packed)).toEqual(layout)
          const { workgroups, heldBlocks } = gridOf(given.shape)
          expect(packed.parts).toHaveLength(Math.min(count, given.shape.nested ? workgroups : heldBlocks))
          expect(threads.started).toBe(packed.parts.length - 1)
          expect(threads.ended).toBe(threads.started)
          seen.parts.add(packed.parts.length)
          seen.replicas += Number(layout.items.rowOf.length > new Set(ratings.items).size)
          seen.nested += Number(given.shape.nested && given.shape.slices > 1)
        },
      ),
      { seed: 31, numRuns: 300 },
    )
    expect(seen.parts).toEqual(new Set([1, 2, 3, 4, 5]))
    expect(Math.min(seen.replicas, seen.nested)).toBeGreaterThan(50)
  })

  it('has each part own about as many entries', async () => {
    const { ratings } = plantedRatings({ users: 700, items: 500, entries: 20_000, seed: 3 })
    for (const nested of [false, true]) {
      const shape = { workers: 12, strata: 12, slices: 4, nested }
      const { parts } = await packOnThreads(turnThreads(4), ratings, shape, { seed: 1 }, 1000)
      for (const { entries } of parts) expect(Math.abs(entries.length / 2 - 5000)).toBeLessThan(250)
    }
  })

  it('fails where a thread does, at any message, and ends all of them', async () => {
    const ratings = skewed(new Random(4), 300, 40, 30)
    const shape = { workers: 6, strata: 6, slices: 2, nested: true }
    let failures = 0
    for (let failAt = 1; ; failAt++) {
      const threads = turnThreads(3, { failAt })
      const packing = packOnThreads(threads, ratings, shape, { seed: 1 }, 25)
      const error = await packing.then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(threads.ended).toBe(2)
      if (error === undefined) break
      expect(error).toBeInstanceOf(ThreadError)
      failures++
    }
    // For each of two threads: the beginning, four rounds twice, each routed and taken, the end.
    expect(failures).toBe(36)
  })
})

describe('packEntries', () => {
  const shape = { workers: 8, strata: 8, slices: 2, nested: false }
  const many = skewed(new Random(5), 2_000_000, 3000, 900)

  it('takes threads where there are many entries, and one thread where another fails', async () => {
    const layout = packTiles(many, shape, { seed: 2 })
    for (const failAt of [0, 1, 7]) {
      const threads = turnThreads(3, { failAt })
      const packed = await packEntries(threads, many, shape, { seed: 2 })
      expect(threads.started).toBe(2)
      expect(packed.parts).toHaveLength(failAt === 0 ? 3 : 1)
      expect(Buffer.from(inOneArray(packed).entries.buffer).equals(Buffer.from(layout.entries.buffer))).toBe(true)
    }
  })

  it('takes none for few entries, or where there are none', async () => {
    const few = skewed(new Random(6), 10_000, 300, 90)
    const threads = turnThreads(3)
    const layout = packTiles(few, shape, { seed: 2 })
    expect(inOneArray(await packEntries(threads, few, shape, { seed: 2 }))).toEqual(layout)
    expect(inOneArray(await packEntries(undefined, few, shape, { seed: 2 }))).toEqual(layout)
    const alone = turnThreads(1)
    expect((await packEntries(alone, many, shape, { seed: 2 })).parts).toHaveLength(1)
    expect([threads.started, alone.started]).toEqual([0, 0])
  })
})

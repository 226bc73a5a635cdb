import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdTable } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import {
  type BatchLayout,
  packBatches,
  runBounds,
  type SideLayout,
  segmentCount,
  segmentLength,
} from '../../src/layout/batches.ts'

const users = 9
const items = 7

/** Few rows and many entries, so that runs are longer than a segment; the last user and the last item have none. */
const ratings: fc.Arbitrary<Ratings> = fc
  .array(fc.tuple(fc.nat(users - 2), fc.nat(items - 2), fc.float({ noNaN: true, noDefaultInfinity: true })), {
    minLength: 1,
    maxLength: 600,
    size: 'max',
  })
  .map(
    list =>
      new Ratings({
        users: Uint32Array.from(list, ([user]) => user),
        items: Uint32Array.from(list, ([, item]) => item),
        values: Float32Array.from(list, ([, , value]) => value),
        userIds: IdTable.range(users),
        itemIds: IdTable.range(items),
      }),
  )
const batchSizes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 200, max: 1000 }))
const seeds = fc.nat(0xffffffff)

/** The property holds for the layout of any ratings in batches of any size. */
function always(property: (layout: BatchLayout, set: Ratings, batchSize: number) => void): void {
  fc.assert(
    fc.property(ratings, batchSizes, seeds, (set, batchSize, seed) => {
      property(packBatches(set, batchSize, seed), set, batchSize)
    }),
    { seed: 11, numRuns: 150 },
  )
}

type Triple = readonly [user: number, item: number, bits: number]

const tripleAt = ({ entries }: BatchLayout, position: number): Triple => [
  entries[3 * position]!,
  entries[3 * position + 1]!,
  entries[3 * position + 2]!,
]
const compare = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((order, value, at) => order || value - b[at]!, 0)

/** Positions of one batch. */
const positionsOf = ({ entryStart }: BatchLayout, batch: number): number[] =>
  Array.from({ length: entryStart[batch + 1]! - entryStart[batch]! }, (_, at) => entryStart[batch]! + at)
const batchesOf = ({ batchCount }: BatchLayout): number[] => Array.from({ length: batchCount }, (_, batch) => batch)

describe('packBatches', () => {
  it('holds every entry once, with the bits of its rating', () => {
    always((layout, set) => {
      const bits = new Uint32Array(set.values.buffer)
      const given = Array.from(set.users, (user, e): Triple => [user, set.items[e]!, bits[e]!])
      const packed = Array.from({ length: set.length }, (_, position) => tripleAt(layout, position))
      expect(layout.entries.length).toBe(3 * set.length)
      expect(packed.sort(compare)).toEqual(given.sort(compare))
    })
  })

  it('cuts batches of the size asked for, the last one of the rest', () => {
    always((layout, set, batchSize) => {
      expect(layout.batchCount).toBe(Math.ceil(set.length / batchSize))
      expect(layout.entryStart.length).toBe(layout.batchCount + 1)
      const sizes = batchesOf(layout).map(batch => positionsOf(layout, batch).length)
      expect(sizes.slice(0, -1).every(size => size === batchSize)).toBe(true)
      expect(sizes.at(-1)).toBe(set.length - (layout.batchCount - 1) * batchSize)
    })
  })

  it('sorts each batch by user and item, and its item order by item and user', () => {
    always(layout => {
      for (const batch of batchesOf(layout)) {
        const positions = positionsOf(layout, batch)
        const pairs = positions.map(position => tripleAt(layout, position).slice(0, 2))
        expect(pairs).toEqual([...pairs].sort(compare))
        const order = positions.map(position => layout.entryStart[batch]! + layout.itemOrder[position]!)
        expect([...order].sort((a, b) => a - b)).toEqual(positions)
        const turned = order.map(position => tripleAt(layout, position).slice(0, 2).reverse())
        expect(turned).toEqual([...turned].sort(compare))
      }
    })
  })

  it.each(['users', 'items'] as const)('covers each batch with runs and segments of its %s', name => {
    always(layout => {
      const side: SideLayout = layout[name]
      for (const batch of batchesOf(layout)) {
        const start = layout.entryStart[batch]!
        const rowAt = (position: number) =>
          name === 'users'
            ? tripleAt(layout, start + position)[0]
            : tripleAt(layout, start + layout.itemOrder[start + position]!)[1]
        const runs = side.runs.subarray(2 * side.runStart[batch]!, 2 * side.runStart[batch + 1]!)
        const segments = side.segments.subarray(side.segmentStart[batch]!, side.segmentStart[batch + 1]!)
        const count = runs.length / 2 - 1
        const covered: number[] = []
        const rows: number[] = []
        for (let run = 0; run < count; run++) {
          const [row, first, end] = [runs[2 * run]!, runs[2 * run + 1]!, runs[2 * run + 3]!]
          rows.push(row)
          expect(end).toBeGreaterThan(first)
          for (let segment = first; segment < end; segment++) {
            const [from, to] = [segments[segment]!, segments[segment + 1]!]
            // Only a run's last segment may be shorter than the others.
            if (segment < end - 1) expect(to - from).toBe(segmentLength)
            expect(to - from).toBeGreaterThan(0)
            expect(to - from).toBeLessThanOrEqual(segmentLength)
            for (let position = from; position < to; position++) {
              covered.push(start + position)
              expect(rowAt(position)).toBe(row)
            }
          }
        }
        expect(covered).toEqual(positionsOf(layout, batch))
        // Each row has one run, and they ascend: dense optimizers look rows up by bisection.
        expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b))
        expect(runs[1]).toBe(0)
        expect(runBounds(side, batch, 0)).toEqual([0, count])
        expect(segmentCount(side, batch)).toBe(segments.length - 1)
        // What closes the batch's tables.
        expect([...runs.subarray(2 * count)]).toEqual([0xffffffff, segments.length - 1])
        expect(segments.at(-1)).toBe(positionsOf(layout, batch).length)
      }
      expect(side.runStart.at(-1)).toBe(side.runs.length / 2)
      expect(side.segmentStart.at(-1)).toBe(side.segments.length)
    })
  })

  it('is the same for the same seed and another for another', () => {
    const random = new Random(1)
    const set = new Ratings({
      users: Uint32Array.from({ length: 300 }, () => random.below(users)),
      items: Uint32Array.from({ length: 300 }, () => random.below(items)),
      values: Float32Array.from({ length: 300 }, () => random.normal()),
      userIds: IdTable.range(users),
      itemIds: IdTable.range(items),
    })
    fc.assert(
      fc.property(seeds, seeds, (seed, other) => {
        fc.pre(seed !== other)
        expect(packBatches(set, 32, seed)).toEqual(packBatches(set, 32, seed))
        expect(packBatches(set, 32, seed).entries).not.toEqual(packBatches(set, 32, other).entries)
      }),
      { seed: 12, numRuns: 50 },
    )
  })

  it('spreads the entries of a user over the batches', () => {
    // In order of time a user's entries stand together; unshuffled they would fill one batch.
    const set = new Ratings({
      users: Uint32Array.from({ length: 1000 }, (_, e) => Math.floor(e / 100)),
      items: new Uint32Array(1000),
      values: new Float32Array(1000),
      userIds: IdTable.range(10),
      itemIds: IdTable.range(1),
    })
    const { users: side, batchCount } = packBatches(set, 100, 1)
    for (let batch = 0; batch < batchCount; batch++) {
      expect(runBounds(side, batch, 0)).toEqual([0, 10])
    }
  })

  it('takes values that are a window of a larger array', () => {
    const values = Float32Array.of(9, 9, 1.5, -2.5, 9).subarray(2, 4)
    const two = { users: Uint32Array.of(0, 1), items: Uint32Array.of(1, 0), values }
    const set = new Ratings({ ...two, userIds: IdTable.range(2), itemIds: IdTable.range(2) })
    const { entries } = packBatches(set, 2, 0)
    const floats = new Float32Array(entries.buffer)
    expect([floats[2], floats[5]]).toEqual([1.5, -2.5])
  })
})

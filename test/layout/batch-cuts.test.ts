import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { cutBatches, shardBatches } from '../../src/layout/batch-cuts.ts'
import { type BatchLayout, packBatches } from '../../src/layout/batches.ts'
import { cutRows, type RowSpan } from '../../src/layout/shards.ts'
import { skewedRatings } from '../support/fused.ts'

const layouts = fc
  .record({ seed: fc.nat(), entries: fc.integer({ min: 1, max: 500 }), batchSize: fc.integer({ min: 1, max: 90 }) })
  .map(({ seed, entries, batchSize }) => packBatches(skewedRatings(new Random(seed), entries, 23, 17), batchSize, seed))

interface PlainRun {
  row: number
  /** The entries (user, item, bits) of each segment. */
  segments: number[][][]
}

/** The runs of each batch of a side, by what they say. */
function runsOf(layout: BatchLayout, name: 'users' | 'items'): PlainRun[][] {
  const { runs, segments, shards, runStart } = layout[name]
  return Array.from({ length: layout.batchCount }, (_, batch) => {
    const list: PlainRun[] = []
    for (let run = runStart[shards * batch]!; run < runStart[shards * (batch + 1)]!; run++) {
      const own: number[][][] = []
      for (let segment = runs[2 * run + 1]!; segment < runs[2 * run + 3]!; segment++) {
        const entries: number[][] = []
        for (let position = segments[segment]!; position < segments[segment + 1]!; position++) {
          const entry = name === 'users' ? position : layout.itemOrder[position]!
          entries.push([...layout.entries.subarray(3 * entry, 3 * entry + 3)])
        }
        own.push(entries)
      }
      list.push({ row: runs[2 * run]!, segments: own })
    }
    return list
  })
}

const sizes = ({ entryStart }: BatchLayout) => [...entryStart.subarray(1)].map((end, batch) => end - entryStart[batch]!)

describe('cutBatches', () => {
  it('makes chunks that say of their batches what the whole says, each counted from its own start', () => {
    let several = 0
    fc.assert(
      fc.property(layouts, fc.integer({ min: 1, max: 12 }), (layout, most) => {
        const chunks = cutBatches(layout, most)
        several += Number(chunks.length > 2)
        expect(chunks.slice(0, -1).every(({ batchCount }) => batchCount === most)).toBe(true)
        expect(chunks.flatMap(sizes)).toEqual(sizes(layout))
        for (const name of ['users', 'items'] as const) {
          expect(chunks.flatMap(chunk => runsOf(chunk, name))).toEqual(runsOf(layout, name))
          for (const { batchCount, entryStart, entries, itemOrder, [name]: side } of chunks) {
            const [runs, segments] = [side.runStart[batchCount]!, side.segmentStart[batchCount]!]
            expect([entryStart[0], side.runStart[0], side.segmentStart[0], side.segments[0]]).toEqual([0, 0, 0, 0])
            expect([...side.runs.subarray(2 * runs)]).toEqual([0xffffffff, segments])
            expect([...side.segments.subarray(segments)]).toEqual([entryStart[batchCount]])
            expect([entries.length, itemOrder.length]).toEqual([3 * entryStart[batchCount]!, entryStart[batchCount]])
          }
        }
      }),
      { seed: 2, numRuns: 150 },
    )
    expect(several).toBeGreaterThan(30)
  })
})

describe('shardBatches', () => {
  it('numbers rows by shard, and entries by the places of their rows in the batch', () => {
    fc.assert(
      fc.property(layouts, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (layout, users, items) => {
        const before = { users: runsOf(layout, 'users'), items: runsOf(layout, 'items') }
        const spans = { users: cutRows(23, users), items: cutRows(17, items) }
        layout.users = shardBatches(layout, 'users', spans.users)
        layout.items = shardBatches(layout, 'items', spans.items)
        for (const name of ['users', 'items'] as const) {
          // Rows, and places, back to what they were.
          const rows = rowsOf(layout, name, spans[name])
          const places = { users: before.users, items: before.items }
          const restored = runsOf(layout, name).map((list, batch) =>
            list.map(({ segments }, place) => ({
              row: rows[batch]![place],
              segments: segments.map(entries =>
                entries.map(([user, item, bits]) => [
                  places.users[batch]![user!]!.row,
                  places.items[batch]![item!]!.row,
                  bits,
                ]),
              ),
            })),
          )
          expect(restored).toEqual(before[name])
        }
      }),
      { seed: 3, numRuns: 150 },
    )
  })
})

/** The rows of a side's runs by batch, each run being where the shard of its row begins and ends. */
function rowsOf(layout: BatchLayout, name: 'users' | 'items', spans: readonly RowSpan[]): number[][] {
  const { runs, runStart, shards } = layout[name]
  expect(shards).toBe(spans.length)
  return Array.from({ length: layout.batchCount }, (_, batch) =>
    spans.flatMap(({ first, rows }, shard) => {
      const at = batch * shards + shard
      return Array.from({ length: runStart[at + 1]! - runStart[at]! }, (_, place) => {
        const row = runs[2 * (runStart[at]! + place)]!
        expect(row).toBeLessThan(rows)
        return first + row
      })
    }),
  )
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { shardBatches } from '../../src/layout/batch-shards.ts'
import { type BatchLayout, packBatches, runBounds } from '../../src/layout/batches.ts'
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
  return Array.from({ length: layout.batchCount }, (_, batch) => {
    const side = layout[name]
    const start = layout.entryStart[batch]!
    const runs = side.runs.subarray(2 * side.runStart[batch]!, 2 * side.runStart[batch + 1]!)
    const segments = side.segments.subarray(side.segmentStart[batch]!, side.segmentStart[batch + 1]!)
    return Array.from({ length: runs.length / 2 - 1 }, (_, run) => ({
      row: runs[2 * run]!,
      segments: Array.from({ length: runs[2 * run + 3]! - runs[2 * run + 1]! }, (_, at) => {
        const first = runs[2 * run + 1]! + at
        return Array.from({ length: segments[first + 1]! - segments[first]! }, (_, place) => {
          const position = segments[first]! + place
          const entry = start + (name === 'users' ? position : layout.itemOrder[start + position]!)
          return [...layout.entries.subarray(3 * entry, 3 * entry + 3)]
        })
      }),
    }))
  })
}

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
      const [from, to] = runBounds(layout[name], batch, shard)
      return Array.from({ length: to - from }, (_, place) => {
        const row = runs[2 * (runStart[batch]! + from + place)]!
        expect(row).toBeLessThan(rows)
        return first + row
      })
    }),
  )
}

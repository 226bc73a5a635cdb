import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { packPositives } from '../../src/layout/positives.ts'
import { cutPositives, isStreamed, leastStepBytes } from '../../src/solvers/bpr-entries.ts'
import type { EntrySpan } from '../../src/solvers/bpr-rows.ts'
import { skewedRatings } from '../support/fused.ts'

const heaviest = (start: Uint32Array) => Math.max(...[...start.subarray(1)].map((end, row) => end - start[row]!))
const longest = (spans: readonly EntrySpan[]) => Math.max(...spans.map(({ entries: [first, end] }) => end - first))

describe('the spans of positives', () => {
  it('fill two slots of any room from the least on, and no buffer beyond what it holds', () => {
    let streamed = 0
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 50, max: 2000 }),
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 2, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 500 }),
        (seed, entries, users, items, share, more) => {
          const positives = packPositives(skewedRatings(new Random(seed), entries, users, items))
          const rows = { users: heaviest(positives.userStart), items: heaviest(positives.itemStart) }
          const least = 2 * leastStepBytes(entries, rows)
          const entryBytes = Math.round(least + share * Math.max(0, 8 * entries - least))
          const mostEntries = Math.max(rows.users, rows.items) + more
          const spans = cutPositives(positives, mostEntries, { entryBytes })
          for (const [side, start] of [
            ['users', positives.userStart],
            ['items', positives.itemStart],
          ] as const) {
            let row = 0
            for (const { first, rows: count, entries: own } of spans[side]) {
              expect([first, own[0], own[1]]).toEqual([row, start[row], start[row + count]])
              row += count
            }
            expect(row).toBe(start.length - 1)
            expect(longest(spans[side])).toBeLessThanOrEqual(mostEntries)
          }
          if (!isStreamed(entries, { entryBytes })) return
          streamed++
          const slot = Math.max(16, 4 * longest(spans.users)) + Math.max(16, 4 * longest(spans.items))
          expect(2 * slot).toBeLessThanOrEqual(entryBytes)
        },
      ),
      { seed: 6, numRuns: 300 },
    )
    expect(streamed).toBeGreaterThan(50)
  })

  it('are one a side where all fit', () => {
    const positives = packPositives(skewedRatings(new Random(1), 300, 40, 30))
    for (const room of [{}, { entryBytes: 2400 }]) {
      const { users, items } = cutPositives(positives, 300, room)
      expect([users.length, items.length]).toEqual([1, 1])
    }
    expect(cutPositives(positives, 299, {}).users.length).toBe(2)
  })
})

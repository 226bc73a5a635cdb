import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packBprRows } from '../../src/solvers/bpr-rows.ts'
import { shareOf } from '../reference/bpr_draw.ts'
import { listRows } from '../support/bpr.ts'

const startOf = (counts: number[]) =>
  Uint32Array.from({ length: counts.length + 1 }, (_, row) => counts.slice(0, row).reduce((a, b) => a + b, 0))

const sides = fc.record({
  counts: fc.array(fc.nat(50), { minLength: 1, maxLength: 30 }),
  rounds: fc.integer({ min: 1, max: 40 }),
  mean: fc.oneof(fc.constantFrom(undefined, 0), fc.double({ min: 1e-6, max: 90, noNaN: true })),
})

describe('packBprRows', () => {
  it('has room for what any round brings, and passes each entry once an epoch', () => {
    fc.assert(
      fc.property(sides, fc.nat(1e9), ({ counts, rounds, mean }, orderKey) => {
        const expected = mean === undefined ? undefined : Float64Array.from(counts, (_, row) => mean / (1 + (row % 3)))
        const packed = packBprRows({ start: startOf(counts), expected, rounds })
        const rows = listRows(packed)
        expect(rows.length).toBe(counts.filter(count => count > 0 || (mean ?? 0) > 0).length)
        const ends = rows.map((_, place) => rows[place + 1]?.slot ?? packed.slots.length)
        const room = rows.map(({ slot }, place) => ends[place]! - slot)
        expect(room).toEqual([...room].sort((a, b) => b - a))
        for (const [place, row] of rows.entries()) {
          expect(row.entries).toBe(counts[row.row])
          expect(row.first).toBe(startOf(counts)[row.row])
          expect([...packed.slots.subarray(row.slot, ends[place])]).toEqual(new Array(room[place]).fill(place))
          let next = Number.NaN
          let passed = 0
          for (let round = 0; round < rounds; round++) {
            const share = shareOf(row, { orderKey, drawKey: round, round, rounds })
            expect(share.positives + share.negatives).toBeLessThanOrEqual(room[place]!)
            if (round > 0) expect(share.first).toBe(next)
            next = share.first + share.positives
            passed += share.positives
          }
          expect(passed).toBe(row.entries)
          const perRound = row.negatives + row.chance / 2 ** 32
          expect(perRound * rounds).toBeCloseTo(expected?.[row.row] ?? 0, 5)
        }
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('has the given rows alone', () => {
    const packed = packBprRows({ start: startOf([3, 0, 5, 2]), rounds: 2, only: Uint32Array.of(3, 1, 2) })
    expect(listRows(packed).map(({ row }) => row)).toEqual([2, 3])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutRows } from '../../src/layout/shards.ts'
import { cutBprRows, cutEntries, packBprBlock, spansOf } from '../../src/solvers/bpr-rows.ts'
import { shareOf } from '../reference/bpr_draw.ts'
import { listRows, packWhole } from '../support/bpr.ts'

const startOf = (counts: number[]) =>
  Uint32Array.from({ length: counts.length + 1 }, (_, row) => counts.slice(0, row).reduce((a, b) => a + b, 0))

const sides = fc.record({
  counts: fc.array(fc.nat(50), { minLength: 1, maxLength: 30 }),
  rounds: fc.integer({ min: 1, max: 40 }),
  mean: fc.oneof(fc.constantFrom(undefined, 0), fc.double({ min: 1e-6, max: 90, noNaN: true })),
})

describe('the rows of a phase', () => {
  it('has room for what any round brings, and passes each entry once an epoch', () => {
    fc.assert(
      fc.property(sides, fc.nat(1e9), ({ counts, rounds, mean }, orderKey) => {
        const expected = mean === undefined ? undefined : Float64Array.from(counts, (_, row) => mean / (1 + (row % 3)))
        const packed = packWhole({ start: startOf(counts), expected, rounds })
        const rows = listRows(packed)
        expect(rows.length).toBe(counts.filter(count => count > 0 || (mean ?? 0) > 0).length)
        const ends = rows.map((_, place) => rows[place + 1]?.slot ?? packed.slotRows.length)
        const room = rows.map(({ slot }, place) => ends[place]! - slot)
        expect(room).toEqual([...room].sort((a, b) => b - a))
        for (const [place, row] of rows.entries()) {
          expect(row.place).toBe(place)
          expect(row.entries).toBe(counts[row.row])
          expect(row.first).toBe(startOf(counts)[row.row])
          expect([...packed.slotRows.subarray(row.slot, ends[place])]).toEqual(new Array(room[place]).fill(place))
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
    const packed = packWhole({ start: startOf([3, 0, 5, 2]), rounds: 2, only: Uint32Array.of(3, 1, 2) })
    expect(listRows(packed).map(({ row }) => row)).toEqual([2, 3])
  })

  it('are cut by shards, buffers of entries and room, and are the same in blocks', () => {
    let several = 0
    fc.assert(
      fc.property(
        sides,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 50, max: 400 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 60 }),
        ({ counts, rounds, mean }, shardRows, mostEntries, mostRows, mostSlots) => {
          const start = startOf(counts)
          const expected =
            mean === undefined ? undefined : Float64Array.from(counts, (_, row) => mean / (1 + (row % 3)))
          const whole = listRows(packWhole({ start, expected, rounds }))
          const shards = cutRows(counts.length, shardRows)
          const buffers = cutEntries(start, mostEntries)
          const most = { rows: mostRows, slots: mostSlots }
          const input = { start, expected, rounds, spans: spansOf(shards, buffers), most }
          const { blocks, count } = cutBprRows(input)
          several += Number(blocks.length > 5)
          expect(count).toBe(whole.length)
          const found = blocks.flatMap(block => {
            const { first, rows, shard, buffer } = block.span
            const { entries: own, ...holds } = buffers[buffer]!
            const packed = packBprBlock(input, block, own[0])
            expect(block.rows.length).toBeLessThanOrEqual(mostRows)
            if (block.rows.length > 1) expect(block.slots).toBeLessThanOrEqual(mostSlots)
            expect(packed.slots.length).toBe(block.slots)
            const list = listRows({ words: packed.rows })
            expect(list.map(({ row }) => row)).toEqual([...block.rows])
            expect(list.map(({ place }) => place)).toEqual([...block.places])
            expect([...block.places]).toEqual([...block.places].sort((a, b) => a - b))
            let slot = 0
            return list.map((row, at) => {
              for (const span of [{ first, rows }, shards[shard]!, holds]) {
                expect(row.row).toBeGreaterThanOrEqual(span.first)
                expect(row.row).toBeLessThan(span.first + span.rows)
              }
              expect(row.slot).toBe(slot)
              const room = packed.slots.filter(own => own === at).length
              expect([...packed.slots.subarray(slot, slot + room)]).toEqual(new Array(room).fill(at))
              slot += room
              expect(row.first + row.entries).toBeLessThanOrEqual(own[1] - own[0])
              return { ...row, first: row.first + own[0], slot: whole[row.place]!.slot }
            })
          })
          expect(found.sort((a, b) => a.place - b.place)).toEqual(whole)
        },
      ),
      { seed: 2, numRuns: 200 },
    )
    expect(several).toBeGreaterThan(50)
  })
})

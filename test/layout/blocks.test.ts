import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { type BlockLayout, dealBlocks, maxBlockSlots } from '../../src/layout/blocks.ts'

const counts = fc
  .array(fc.oneof(fc.nat(3), fc.nat(400)), { minLength: 1, maxLength: 200 })
  .map(values => Uint32Array.from(values))

const slotsOf = ({ slots, slotStart }: BlockLayout, row: number) => [
  ...slots.subarray(slotStart[row]!, slotStart[row + 1]!),
]

const blockOf = ({ blockStart }: BlockLayout, slot: number) => {
  let block = 0
  while (blockStart[block + 1]! <= slot) block++
  return block
}

describe('dealBlocks', () => {
  it('gives every row with entries its slots, and each slot to one row', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 300 }), (rows, blocks, cap) => {
        const layout = dealBlocks(rows, blocks, cap, new Random(1))
        expect(layout.blockStart).toHaveLength(blocks + 1)
        expect(layout.blockStart[0]).toBe(0)
        expect(layout.blockStart[blocks]).toBe(layout.rowOf.length)
        expect([...layout.slots].sort((a, b) => a - b)).toEqual([...layout.rowOf.keys()])
        rows.forEach((count, row) => {
          const slots = slotsOf(layout, row)
          expect(slots).toHaveLength(Math.min(blocks, count, Math.ceil(count / cap)))
          for (const slot of slots) expect(layout.rowOf[slot]).toBe(row)
          // Replicas work side by side, so no two may share a block.
          expect(new Set(slots.map(slot => blockOf(layout, slot))).size).toBe(slots.length)
        })
      }),
      { seed: 3 },
    )
  })

  it('balances: no block is heavier than the lightest by more than one row', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 12 }), (rows, blocks) => {
        const cap = Math.max(1, rows.reduce((sum, count) => sum + count, 0) / blocks)
        const layout = dealBlocks(rows, blocks, cap, new Random(2))
        const loads = new Float64Array(blocks)
        let heaviest = 0
        rows.forEach((count, row) => {
          const slots = slotsOf(layout, row)
          const load = count / slots.length
          if (slots.length > 0) heaviest = Math.max(heaviest, load)
          for (const slot of slots) loads[blockOf(layout, slot)]! += load
        })
        // Rows whose load differs by less than one entry may change places, and replicas must not share a block.
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(2 * heaviest + 1)
      }),
      { seed: 4 },
    )
  })

  it('fills no block past what 16 bits can count', () => {
    // One row weighs as much as all others together, which the lightest block would then all get.
    const rows = new Uint32Array(70_001).fill(1)
    rows[0] = 70_000
    const layout = dealBlocks(rows, 2, 70_000, new Random(5))
    const sizes = [layout.blockStart[1]!, layout.blockStart[2]! - layout.blockStart[1]!]
    expect(Math.max(...sizes)).toBe(maxBlockSlots)
    expect(sizes[0]! + sizes[1]!).toBe(70_001)
  })

  it('does not see empty rows', () => {
    const plain = dealBlocks(Uint32Array.of(5, 3, 3, 3, 1, 2), 3, 4, new Random(6))
    const wide = dealBlocks(Uint32Array.of(5, 3, 3, 3, 1, 2, 0, 0), 3, 4, new Random(6))
    expect(wide.rowOf).toEqual(plain.rowOf)
    expect(wide.blockStart).toEqual(plain.blockStart)
  })

  it('draws other blocks from another seed', () => {
    const rows = new Uint32Array(50).fill(2)
    const deal = (seed: number) => dealBlocks(rows, 5, 100, new Random(seed)).rowOf
    expect(deal(1)).toEqual(deal(1))
    expect(deal(1)).not.toEqual(deal(2))
  })
})

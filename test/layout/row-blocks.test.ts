import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BlockBounds, cutRows, packRowBlocks, type RowEntries } from '../../src/layout/row-blocks.ts'
import { countRows } from '../../src/layout/rows.ts'
import { rowBlocks } from '../reference/row_blocks.ts'

const rowCount = 12

/** Rows of very different weight, some without entries. */
const rowOf = fc.oneof(fc.constant(4), fc.constantFrom(2, 9), fc.nat(rowCount - 1))
const entriesOf = fc
  .record({
    list: fc.array(fc.record({ row: rowOf, column: fc.nat(40) }), { maxLength: 150 }),
    hasWeights: fc.boolean(),
  })
  .map(({ list, hasWeights }): RowEntries => {
    const rows = Uint32Array.from(list, ({ row }) => row)
    return {
      rows,
      columns: Uint32Array.from(list, ({ column }) => column),
      counts: countRows(rows, rowCount),
      weights: hasWeights ? Float32Array.from(list, (_, e) => 1.1 + e) : undefined,
      targets: Float32Array.from(list, (_, e) => -e / 3),
      penalties: Float32Array.from({ length: rowCount }, (_, row) => row / 7),
    }
  })
const boundsOf = fc.record({
  slots: fc.integer({ min: 1, max: 6 }),
  entries: fc.integer({ min: 1, max: 60 }),
  segment: fc.integer({ min: 1, max: 20 }),
})
/** None whole, some, all. */
const heavyOf = fc.oneof(fc.constant(undefined), fc.nat(25), fc.constant(Number.POSITIVE_INFINITY))

const pack = (entries: RowEntries, bounds: BlockBounds, heavy?: number, most?: number) => {
  const { rows, cuts } = cutRows(entries.counts, bounds, heavy)
  return { rows, cuts, blocks: packRowBlocks(entries, cuts, bounds.segment, most) }
}

describe('cutRows', () => {
  it('lists the rows with entries, longest first, equal ones in order', () => {
    const counts = countRows(Uint32Array.of(3, 1, 3, 5, 1, 0, 3), 7)
    expect([...cutRows(counts, { slots: 10, entries: 10 }).rows]).toEqual([3, 1, 0, 5])
  })

  it('cuts them into blocks, within the bounds but for a row with more', () => {
    fc.assert(
      fc.property(entriesOf, boundsOf, heavyOf, ({ counts }, bounds, heavy) => {
        const { rows, cuts } = cutRows(counts, bounds, heavy)
        expect(cuts.flatMap(cut => [...cut.rows])).toEqual([...rows])
        for (const cut of cuts) {
          expect(cut.rows.length).toBeLessThanOrEqual(bounds.slots)
          if (cut.rows.length > 1) expect(cut.length).toBeLessThanOrEqual(bounds.entries)
          expect(cut.length).toBe(cut.rows.reduce((sum, row) => sum + counts[row]!, 0))
          for (const row of cut.rows) expect(cut.whole).toBe(heavy !== undefined && counts[row]! <= heavy)
        }
      }),
      { seed: 16 },
    )
  })
})

describe('packRowBlocks', () => {
  it('packs the blocks of the plain way, word by word, in arrays of any size', () => {
    fc.assert(
      fc.property(
        entriesOf,
        boundsOf,
        heavyOf,
        fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
        (entries, bounds, heavy, most) => {
          const { blocks } = pack(entries, bounds, heavy, most)
          expect(blocks).toEqual(rowBlocks(entries, bounds, heavy))
        },
      ),
      { seed: 17, numRuns: 500 },
    )
  })

  it('keeps an array to its most entries, but for a block with more, and fills it', () => {
    fc.assert(
      fc.property(entriesOf, boundsOf, fc.integer({ min: 1, max: 100 }), (entries, bounds, most) => {
        const { blocks } = pack(entries, bounds, undefined, most)
        const sizes = blocks.map(block => block.entries.length / 3)
        const arrays = [...new Set(blocks.map(block => block.entries.buffer))]
        let next = 0
        for (const array of arrays) {
          const first = next
          while (blocks[next]?.entries.buffer === array) next++
          const length = sizes.slice(first, next).reduce((sum, size) => sum + size, 0)
          expect(array.byteLength).toBe(12 * length)
          if (next > first + 1) expect(length).toBeLessThanOrEqual(most)
          if (next < blocks.length) expect(length + sizes[next]!).toBeGreaterThan(most)
        }
        expect(next).toBe(blocks.length)
      }),
      { seed: 18 },
    )
  })
})

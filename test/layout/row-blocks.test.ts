import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderRows, packRowBlocks, type RowEntries } from '../../src/layout/row-blocks.ts'

const rowCount = 12
const entriesOf = fc.array(fc.record({ row: fc.nat(rowCount - 1), column: fc.nat(40) }), { maxLength: 150 }).map(
  (list): RowEntries => ({
    rows: Uint32Array.from(list, ({ row }) => row),
    columns: Uint32Array.from(list, ({ column }) => column),
    rowCount,
    weights: Float32Array.from(list, (_, e) => 1 + e),
    targets: Float32Array.from(list, (_, e) => -e),
    penalties: Float32Array.from({ length: rowCount }, (_, row) => row / 8),
  }),
)
const boundsOf = fc.record({
  slots: fc.integer({ min: 1, max: 6 }),
  entries: fc.integer({ min: 1, max: 60 }),
  segment: fc.integer({ min: 1, max: 20 }),
})

const pack = (entries: RowEntries, bounds: { slots: number; entries: number; segment: number }, whole: boolean) => {
  const ordered = orderRows(entries)
  return { ordered, blocks: [...packRowBlocks(entries, ordered, ordered.rows, bounds, whole)] }
}

describe('orderRows', () => {
  it('lists the rows with entries, longest first, equal ones in order', () => {
    const rows = Uint32Array.of(3, 1, 3, 5, 1, 0, 3)
    expect([...orderRows({ rows, rowCount: 7 }).rows]).toEqual([3, 1, 0, 5])
  })
})

describe('packRowBlocks', () => {
  it.each([false, true])('holds each entry once, in its row, within the bounds, whole %s', whole => {
    fc.assert(
      fc.property(entriesOf, boundsOf, (entries, bounds) => {
        const { ordered, blocks } = pack(entries, bounds, whole)
        const seen: number[] = []
        const rows: number[] = []
        for (const block of blocks) {
          const numbers = new Float32Array(block.entries.buffer)
          const length = block.entries.length / 3
          expect(block.slots).toBeLessThanOrEqual(bounds.slots)
          if (block.slots > 1) expect(length).toBeLessThanOrEqual(bounds.entries)
          for (let slot = 0; slot < block.slots; slot++) {
            const [row, first, count] = block.rows.subarray(4 * slot, 4 * slot + 3) as unknown as [
              number,
              number,
              number,
            ]
            rows.push(row)
            expect(new Float32Array(block.rows.buffer)[4 * slot + 3]).toBe(entries.penalties[row])
            const spans = whole
              ? [[first, first + count]]
              : Array.from({ length: block.segments.length / 4 }, (_, s) => block.segments.subarray(4 * s, 4 * s + 4))
                  .filter(segment => segment[3]! >= first && segment[3]! < first + count)
                  .sort((a, b) => a[3]! - b[3]!)
                  .map(segment => {
                    expect(segment[2]).toBe(slot)
                    expect(segment[1]! - segment[0]!).toBeLessThanOrEqual(bounds.segment)
                    return [segment[0]!, segment[1]!]
                  })
            for (const [from, to] of spans) {
              for (let at = from!; at < to!; at++) {
                const e = -numbers[3 * at + 2]!
                expect(entries.rows[e]).toBe(row)
                expect([block.entries[3 * at], numbers[3 * at + 1]]).toEqual([entries.columns[e], 1 + e])
                seen.push(e)
              }
            }
          }
        }
        expect(rows).toEqual([...ordered.rows])
        expect(seen.sort((a, b) => a - b)).toEqual([...entries.rows.keys()])
      }),
      { seed: 17 },
    )
  })

  it('sorts segments, longest first', () => {
    fc.assert(
      fc.property(entriesOf, boundsOf, (entries, bounds) => {
        for (const { segments } of pack(entries, bounds, false).blocks) {
          const lengths = Array.from({ length: segments.length / 4 }, (_, s) => segments[4 * s + 1]! - segments[4 * s]!)
          expect(lengths).toEqual(lengths.toSorted((a, b) => b - a))
        }
      }),
      { seed: 18 },
    )
  })

  it('gives entries without weights the weight 1', () => {
    const entries = { rows: Uint32Array.of(0), columns: Uint32Array.of(7), rowCount: 1, weights: undefined }
    const rest = { targets: Float32Array.of(2), penalties: Float32Array.of(1) }
    const [block] = pack({ ...entries, ...rest }, { slots: 1, entries: 1, segment: 1 }, true).blocks
    expect([...new Float32Array(block!.entries.buffer).subarray(1)]).toEqual([1, 2])
  })
})

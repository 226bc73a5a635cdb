import type { BlockBounds, RowBlock, RowEntries } from '../../src/layout/row-blocks.ts'

/** The blocks of a side's rows, by comparisons and by looking each row's entries up. */
export function rowBlocks(entries: RowEntries, bounds: BlockBounds, heavy?: number): RowBlock[] {
  const { counts } = entries
  const isWhole = (row: number) => heavy !== undefined && counts[row]! <= heavy
  const rows = [...counts.keys()].filter(row => counts[row]! > 0).sort((a, b) => counts[b]! - counts[a]! || a - b)
  const blocks: number[][] = []
  for (const row of rows) {
    const block = blocks.at(-1)
    const length = (block ?? []).reduce((sum, one) => sum + counts[one]!, counts[row]!)
    const fits = block !== undefined && block.length < bounds.slots && length <= bounds.entries
    if (fits && isWhole(block[0]!) === isWhole(row)) block.push(row)
    else blocks.push([row])
  }
  return blocks.map(block => packed(entries, block, isWhole(block[0]!) ? undefined : bounds.segment))
}

function packed(
  { rows: rowOf, columns, weights, targets, penalties }: RowEntries,
  rows: readonly number[],
  most: number | undefined,
): RowBlock {
  const order: number[] = []
  const segments: [first: number, end: number, slot: number, place: number][] = []
  const table = rows.flatMap((row, slot) => {
    const first = order.length
    const place = segments.length
    for (let entry = 0; entry < rowOf.length; entry++) if (rowOf[entry] === row) order.push(entry)
    if (most === undefined) return [row, first, order.length - first, bits(penalties[row]!)]
    for (let from = first; from < order.length; from += most) {
      segments.push([from, Math.min(order.length, from + most), slot, segments.length])
    }
    return [row, place, segments.length - place, bits(penalties[row]!)]
  })
  segments.sort((a, b) => b[1] - b[0] - (a[1] - a[0]) || a[3] - b[3])
  return {
    slots: rows.length,
    rows: Uint32Array.from(table),
    entries: Uint32Array.from(order.flatMap(e => [columns[e]!, bits(weights?.[e] ?? 1), bits(targets[e]!)])),
    segments: Uint32Array.from(segments.flat()),
  }
}

const bits = (number: number) => new Uint32Array(Float32Array.of(number).buffer)[0]!

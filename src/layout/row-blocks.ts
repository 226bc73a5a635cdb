import { indexRows, rowsByLength } from './rows.ts'

/** The entries of one side's rows, as the solver of a row sees them. */
export interface RowEntries {
  /** Row and column of each entry. */
  rows: Uint32Array
  columns: Uint32Array
  rowCount: number
  /** Weight of each entry, not negative; 1 where there are none. */
  weights: Float32Array | undefined
  targets: Float32Array
  /** Factor of each row's penalty. */
  penalties: Float32Array
}

export interface BlockBounds {
  /** Rows of a block at most. */
  slots: number
  /** Entries of a block at most, but for a block of one row. */
  entries: number
  /** Entries of a segment at most. */
  segment: number
}

/** A set of rows that are solved together. All tables are as the kernels read them. */
export interface RowBlock {
  slots: number
  /** (row, first, how many, bits of the factor of its penalty) of each slot; counts segments, or entries of whole rows. */
  rows: Uint32Array<ArrayBuffer>
  /** (column, bits of the weight, bits of the target) of each entry. */
  entries: Uint32Array<ArrayBuffer>
  /** (first entry, end, slot, place) of each segment, longest first; none where rows are whole. */
  segments: Uint32Array<ArrayBuffer>
}

/** A side's entries by row, and its rows with entries, most entries first. */
export interface OrderedRows {
  start: Uint32Array
  order: Uint32Array
  rows: Uint32Array<ArrayBuffer>
}

/** Sorts rows by their number of entries, so that neighbours are about as long; equal ones stay in order. Linear time. */
export function orderRows(entries: Pick<RowEntries, 'rows' | 'rowCount'>): OrderedRows {
  const { start, order } = indexRows(entries.rows, entries.rowCount)
  const lengths = Uint32Array.from({ length: entries.rowCount }, (_, row) => start[row + 1]! - start[row]!)
  return { start, order, rows: rowsByLength(lengths) }
}

/**
 * Cuts rows into blocks, in their order.
 * @param whole whether each row is the work of one workgroup, so that there are no segments
 */
export function* packRowBlocks(
  entries: RowEntries,
  { start, order }: Pick<OrderedRows, 'start' | 'order'>,
  rows: Uint32Array,
  bounds: BlockBounds,
  whole = false,
): Generator<RowBlock> {
  const lengthOf = (row: number) => start[row + 1]! - start[row]!
  for (const { first, end, length } of cutRowBlocks(rows, lengthOf, bounds)) {
    yield packBlock(entries, { start, order }, rows.subarray(first, end), length, whole ? undefined : bounds.segment)
  }
}

/** Where blocks of rows begin and end, and how many entries each has. */
export function* cutRowBlocks(
  rows: Uint32Array,
  lengthOf: (row: number) => number,
  bounds: Pick<BlockBounds, 'slots' | 'entries'>,
): Generator<{ first: number; end: number; length: number }> {
  for (let first = 0; first < rows.length; ) {
    let end = first
    let length = 0
    while (end < rows.length && end - first < bounds.slots) {
      const count = lengthOf(rows[end]!)
      if (end > first && length + count > bounds.entries) break
      length += count
      end++
    }
    yield { first, end, length }
    first = end
  }
}

function packBlock(
  { columns, weights, targets, penalties }: RowEntries,
  { start, order }: Pick<OrderedRows, 'start' | 'order'>,
  rows: Uint32Array,
  length: number,
  segment: number | undefined,
): RowBlock {
  const table = new Uint32Array(4 * rows.length)
  const factors = new Float32Array(table.buffer)
  const packed = new Uint32Array(3 * length)
  const numbers = new Float32Array(packed.buffer)
  const segments: number[] = []
  let at = 0
  rows.forEach((row, slot) => {
    const first = at
    for (let place = start[row]!; place < start[row + 1]!; place++, at++) {
      const entry = order[place]!
      packed[3 * at] = columns[entry]!
      numbers[3 * at + 1] = weights === undefined ? 1 : weights[entry]!
      numbers[3 * at + 2] = targets[entry]!
    }
    const parts = segments.length / 4
    if (segment !== undefined) {
      for (let from = first; from < at; from += segment) {
        segments.push(from, Math.min(at, from + segment), slot, segments.length / 4)
      }
    }
    table[4 * slot] = row
    table[4 * slot + 1] = segment === undefined ? first : parts
    table[4 * slot + 2] = segment === undefined ? at - first : segments.length / 4 - parts
    factors[4 * slot + 3] = penalties[row]!
  })
  return { slots: rows.length, rows: table, entries: packed, segments: sortSegments(segments) }
}

/** Longest first, equal ones in order. */
function sortSegments(segments: readonly number[]): Uint32Array<ArrayBuffer> {
  const length = (s: number) => segments[4 * s + 1]! - segments[4 * s]!
  const order = Uint32Array.from({ length: segments.length / 4 }, (_, s) => s).sort(
    (a, b) => length(b) - length(a) || a - b,
  )
  const sorted = new Uint32Array(segments.length)
  order.forEach((from, to) => {
    for (let word = 0; word < 4; word++) sorted[4 * to + word] = segments[4 * from + word]!
  })
  return sorted
}

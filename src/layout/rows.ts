/** The entries of each row, as a counting sort gives them. */
export interface RowIndex {
  /** First place of each row in `order`, and the end: rows + 1. */
  start: Uint32Array<ArrayBuffer>
  /** Entry numbers, sorted by row; within a row in their own order. */
  order: Uint32Array<ArrayBuffer>
}

// (Loops over entries count: `for of` over typed arrays takes four to ten times as long in V8.)

/** Number of entries of each row. */
export function countRows(rows: Uint32Array, rowCount: number): Uint32Array<ArrayBuffer> {
  const counts = new Uint32Array(rowCount)
  for (let entry = 0; entry < rows.length; entry++) counts[rows[entry]!]!++
  return counts
}

/** Number of rows with entries. */
export function occupiedRows(counts: Uint32Array): number {
  let rows = 0
  for (let row = 0; row < counts.length; row++) rows += Number(counts[row]! > 0)
  return rows
}

/** The rows with entries, most entries first; equal ones in order. Linear time. */
export function rowsByLength(counts: Uint32Array): Uint32Array<ArrayBuffer> {
  return longestFirst(counts).subarray(0, occupiedRows(counts))
}

const digitBits = 16

/** Positions by descending length, equal ones in order: a radix sort, linear in their number. */
export function longestFirst(lengths: Uint32Array): Uint32Array<ArrayBuffer> {
  let most = 0
  for (let at = 0; at < lengths.length; at++) most = Math.max(most, lengths[at]!)
  let order = new Uint32Array(lengths.length)
  for (let at = 0; at < order.length; at++) order[at] = at
  for (let shift = 0; shift < 32 && most >>> shift > 0; shift += digitBits) order = byDigit(order, lengths, shift, most)
  return order
}

/** Stable: the largest digit above `shift` first. */
function byDigit(order: Uint32Array, lengths: Uint32Array, shift: number, most: number): Uint32Array<ArrayBuffer> {
  const mask = 2 ** digitBits - 1
  // The first place of each digit.
  const next = new Uint32Array(Math.min(most, mask) + 1)
  for (let at = 0; at < lengths.length; at++) next[(lengths[at]! >>> shift) & mask]!++
  let place = order.length
  for (let digit = 0; digit < next.length; digit++) next[digit] = place -= next[digit]!
  const sorted = new Uint32Array(order.length)
  for (let at = 0; at < order.length; at++) {
    const position = order[at]!
    sorted[next[(lengths[position]! >>> shift) & mask]!++] = position
  }
  return sorted
}

/** Sorts entries by row in linear time. */
export function indexRows(rows: Uint32Array, rowCount: number): RowIndex {
  const start = new Uint32Array(rowCount + 1)
  for (let entry = 0; entry < rows.length; entry++) start[rows[entry]! + 1]!++
  for (let row = 0; row < rowCount; row++) start[row + 1]! += start[row]!
  const next = start.slice()
  const order = new Uint32Array(rows.length)
  for (let entry = 0; entry < rows.length; entry++) order[next[rows[entry]!]!++] = entry
  return { start, order }
}

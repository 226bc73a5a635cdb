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

/** The rows with entries, most entries first; equal ones in order. */
export function rowsByLength(counts: Uint32Array): Uint32Array<ArrayBuffer> {
  const rows = new Uint32Array(occupiedRows(counts))
  let at = 0
  for (let row = 0; row < counts.length; row++) if (counts[row]! > 0) rows[at++] = row
  return rows.sort((a, b) => counts[b]! - counts[a]! || a - b)
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

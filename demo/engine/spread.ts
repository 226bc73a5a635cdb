/**
 * Rows that differ from one another: the first of the pool, then each time the one whose greatest cosine with those taken
 * is least (farthest-point sampling), of equal ones the first. O(count x pool x k).
 * @param table rows x k
 * @param pool rows to choose from
 */
export function spreadRows(table: Float32Array, k: number, pool: ArrayLike<number>, count: number): number[] {
  const units = Array.from(pool, row => unit(table.subarray(row * k, (row + 1) * k)))
  const nearest = new Float64Array(units.length).fill(Number.NEGATIVE_INFINITY)
  const taken = new Set<number>()
  for (let next = 0; taken.size < Math.min(count, units.length); ) {
    taken.add(next)
    for (let at = 0; at < units.length; at++) nearest[at] = Math.max(nearest[at]!, dot(units[next]!, units[at]!))
    next = -1
    for (let at = 0; at < units.length; at++) {
      if (!taken.has(at) && (next < 0 || nearest[at]! < nearest[next]!)) next = at
    }
  }
  return Array.from(taken, at => pool[at]!)
}

function unit(row: Float32Array): Float32Array {
  const length = Math.sqrt(dot(row, row))
  return length === 0 ? row : row.map(value => value / length)
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!
  return sum
}

import { IdTable } from '../data/ids.ts'
import { Ratings } from '../data/ratings.ts'
import { countRows } from '../layout/rows.ts'
import type { ModelParts } from '../model/parts.ts'

/** Some of the rows to solve, with what they need of the model. */
export interface RowPart {
  /** First row, and how many. */
  first: number
  count: number
  /** The model with those rows of the other side alone that the entries name, in their order. */
  parts: ModelParts
  /** Numbered by both. */
  entries: Ratings
}

/**
 * Cuts rows that are to be solved into parts of at most `most` rows, whose entries name at most `most` rows of the other
 * side, or are those of a single row.
 * @param entries of rows of `side`, numbered from 0, against all rows of the other side
 */
export function* cutRowParts(
  parts: ModelParts,
  entries: Ratings,
  side: 'users' | 'items',
  most: number,
): Generator<RowPart, void, undefined> {
  const [rows, others] = side === 'users' ? [entries.users, entries.items] : [entries.items, entries.users]
  const rowCount = side === 'users' ? entries.userCount : entries.itemCount
  const { start, order } = byRow(rows, rowCount)
  const named = new Set<number>()
  for (let first = 0; first < rowCount; ) {
    named.clear()
    let end = first
    for (; end < rowCount && end - first < most; end++) {
      const fresh = new Set<number>()
      for (const e of order.subarray(start[end], start[end + 1])) if (!named.has(others[e]!)) fresh.add(others[e]!)
      if (end > first && named.size + fresh.size > most) break
      for (const other of fresh) named.add(other)
    }
    const used = Uint32Array.from(named).sort()
    const own = order.subarray(start[first], start[end])
    const isOwn = { rows, others, values: entries.values, order: own }
    yield {
      first,
      count: end - first,
      parts: onlyRows(parts, used, side),
      entries: entriesOf(isOwn, first, end, used, side),
    }
    first = end
  }
}

/** Entries by their rows, those of one row in their order. */
function byRow(rows: Uint32Array, rowCount: number): { start: Uint32Array; order: Uint32Array } {
  const start = new Uint32Array(rowCount + 1)
  start.set(countRows(rows, rowCount), 1)
  for (let row = 0; row < rowCount; row++) start[row + 1]! += start[row]!
  const next = start.slice()
  const order = new Uint32Array(rows.length)
  rows.forEach((row, e) => {
    order[next[row]!++] = e
  })
  return { start, order }
}

const numbers = (count: number) => new IdTable(Float64Array.from({ length: count }, (_, at) => at))

/** The model with some rows of the side that is not to be solved. */
function onlyRows(parts: ModelParts, used: Uint32Array, side: 'users' | 'items'): ModelParts {
  const k = parts.factors
  const [table, bias] = side === 'users' ? [parts.itemFactors, parts.itemBias] : [parts.userFactors, parts.userBias]
  const factors = new Float32Array(used.length * k)
  used.forEach((row, at) => {
    factors.set(table.subarray(row * k, (row + 1) * k), at * k)
  })
  const biases = bias && Float32Array.from(used, row => bias[row]!)
  const ids = numbers(used.length)
  return side === 'users'
    ? { ...parts, itemFactors: factors, itemIds: ids, ...(biases === undefined ? {} : { itemBias: biases }) }
    : { ...parts, userFactors: factors, userIds: ids, ...(biases === undefined ? {} : { userBias: biases }) }
}

function entriesOf(
  { rows, others, values, order }: { rows: Uint32Array; others: Uint32Array; values: Float32Array; order: Uint32Array },
  first: number,
  end: number,
  used: Uint32Array,
  side: 'users' | 'items',
): Ratings {
  const placeOf = new Map<number, number>()
  used.forEach((row, at) => {
    placeOf.set(row, at)
  })
  const own = Uint32Array.from(order, e => rows[e]! - first)
  const other = Uint32Array.from(order, e => placeOf.get(others[e]!)!)
  const [ownIds, otherIds] = [numbers(end - first), numbers(used.length)]
  return new Ratings({
    users: side === 'users' ? own : other,
    items: side === 'users' ? other : own,
    values: Float32Array.from(order, e => values[e]!),
    userIds: side === 'users' ? ownIds : otherIds,
    itemIds: side === 'users' ? otherIds : ownIds,
  })
}

import { longestFirst, rowsByLength } from './rows.ts'

/** The entries of one side's rows, as the solver of a row sees them. */
export interface RowEntries {
  /** Row and column of each entry. */
  rows: Uint32Array
  columns: Uint32Array
  /** Entries of each row. */
  counts: Uint32Array
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
  /** (column, bits of the weight, bits of the target) of each entry; a view of an array that several blocks have. */
  entries: Uint32Array<ArrayBuffer>
  /** (first entry, end, slot, place) of each segment, longest first; none where rows are whole. */
  segments: Uint32Array<ArrayBuffer>
}

/** The rows of a block. */
export interface RowCut {
  rows: Uint32Array
  /** Entries of all of them. */
  length: number
  /** Whether each row is the work of one workgroup, so that there are no segments. */
  whole: boolean
}

/** A side's rows with entries, most entries first, and the blocks that they are cut into in that order. */
export interface CutRows {
  rows: Uint32Array<ArrayBuffer>
  cuts: readonly RowCut[]
}

/** Entries of an array at most, but for a block with more: browsers allocate less than 2 GiB at once. */
const mostEntries = 2 ** 27

/** @param heavy rows of no more entries are whole; none where it is not given */
export function cutRows(
  counts: Uint32Array,
  bounds: Pick<BlockBounds, 'slots' | 'entries'>,
  heavy = Number.NEGATIVE_INFINITY,
): CutRows {
  const rows = rowsByLength(counts)
  const lightest = rows.findIndex(row => counts[row]! <= heavy)
  const shared = lightest < 0 ? rows.length : lightest
  const cut = (own: Uint32Array, whole: boolean) => [...cutBlocks(counts, own, bounds, whole)]
  return { rows, cuts: [...cut(rows.subarray(0, shared), false), ...cut(rows.subarray(shared), true)] }
}

function* cutBlocks(
  counts: Uint32Array,
  rows: Uint32Array,
  bounds: Pick<BlockBounds, 'slots' | 'entries'>,
  whole: boolean,
): Generator<RowCut> {
  for (let first = 0; first < rows.length; ) {
    let end = first
    let length = 0
    while (end < rows.length && end - first < bounds.slots) {
      const count = counts[rows[end]!]!
      if (end > first && length + count > bounds.entries) break
      length += count
      end++
    }
    yield { rows: rows.subarray(first, end), length, whole }
    first = end
  }
}

/**
 * Packs a side's blocks. Linear time; within a row entries keep their order.
 * @param segment entries of a segment at most
 * @param most entries of an array at most, but for a block with more
 */
export function packRowBlocks(
  entries: RowEntries,
  cuts: readonly RowCut[],
  segment: number,
  most = mostEntries,
): RowBlock[] {
  const blocks: RowBlock[] = []
  while (blocks.length < cuts.length) {
    const own: RowCut[] = []
    let length = 0
    for (const cut of cuts.slice(blocks.length)) {
      if (own.length > 0 && length + cut.length > most) break
      own.push(cut)
      length += cut.length
    }
    const packed = scatterEntries(entries, own, length)
    let first = 0
    for (const cut of own) {
      const end = first + cut.length
      blocks.push(packBlock(entries, cut, packed.subarray(3 * first, 3 * end), segment))
      first = end
    }
  }
  return blocks
}

/** The entries of some blocks, in one pass over all: each goes to the next place of its row. */
function scatterEntries(
  { rows, columns, counts, weights, targets }: RowEntries,
  cuts: readonly RowCut[],
  length: number,
): Uint32Array<ArrayBuffer> {
  // The next entry's place in each row; below 0 where it is another array's.
  const next = new Int32Array(counts.length).fill(-1)
  let start = 0
  for (const { rows: own } of cuts) {
    for (let slot = 0; slot < own.length; slot++) {
      next[own[slot]!] = start
      start += counts[own[slot]!]!
    }
  }
  const packed = new Uint32Array(3 * length)
  const numbers = new Float32Array(packed.buffer)
  for (let entry = 0; entry < rows.length; entry++) {
    const row = rows[entry]!
    const place = next[row]!
    if (place < 0) continue
    next[row] = place + 1
    packed[3 * place] = columns[entry]!
    numbers[3 * place + 1] = weights === undefined ? 1 : weights[entry]!
    numbers[3 * place + 2] = targets[entry]!
  }
  return packed
}

function packBlock(
  { counts, penalties }: Pick<RowEntries, 'counts' | 'penalties'>,
  { rows, whole }: RowCut,
  entries: Uint32Array<ArrayBuffer>,
  segment: number,
): RowBlock {
  const table = new Uint32Array(4 * rows.length)
  const factors = new Float32Array(table.buffer)
  let first = 0
  for (let slot = 0; slot < rows.length; slot++) {
    const row = rows[slot]!
    const count = whole ? counts[row]! : Math.ceil(counts[row]! / segment)
    table[4 * slot] = row
    table[4 * slot + 1] = first
    table[4 * slot + 2] = count
    factors[4 * slot + 3] = penalties[row]!
    first += count
  }
  const segments = whole ? new Uint32Array(0) : cutSegments(counts, rows, first, segment)
  return { slots: rows.length, rows: table, entries, segments }
}

/** The segments of a block, longest first, equal ones in order. */
function cutSegments(counts: Uint32Array, rows: Uint32Array, count: number, most: number): Uint32Array<ArrayBuffer> {
  const segments = new Uint32Array(4 * count)
  const lengths = new Uint32Array(count)
  let place = 0
  let from = 0
  for (let slot = 0; slot < rows.length; slot++) {
    for (const rowEnd = from + counts[rows[slot]!]!; from < rowEnd; place++) {
      const end = Math.min(rowEnd, from + most)
      segments.set([from, end, slot, place], 4 * place)
      lengths[place] = end - from
      from = end
    }
  }
  const order = longestFirst(lengths)
  const sorted = new Uint32Array(4 * count)
  for (let to = 0; to < count; to++) {
    for (let word = 0; word < 4; word++) sorted[4 * to + word] = segments[4 * order[to]! + word]!
  }
  return sorted
}

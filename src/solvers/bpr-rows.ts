import { bprRowStruct } from '../kernels/bpr_structs.ts'
import { cutBlocks, type RowSpan, spanOf } from '../layout/shards.ts'

/** Rows whose entries lie in one buffer, and the first and the end of them among all. */
export interface EntrySpan extends RowSpan {
  entries: [first: number, end: number]
}

/**
 * Rows by the buffers that their entries take.
 * @param start first entry of each row, and the end
 */
export function cutEntries(start: Uint32Array, most: number): EntrySpan[] {
  return cutBlocks(start, 1, most).map(({ first: entry, rows: entries, blocks: [first, end] }) => ({
    first,
    rows: end - first,
    entries: [entry, entry + entries],
  }))
}

/** Rows of a side that lie in one shard of its table, and their entries in one buffer. */
export interface BprSpan extends RowSpan {
  shard: number
  buffer: number
}

/** What shards and buffers of entries both cut. */
export function spansOf(shards: readonly RowSpan[], buffers: readonly RowSpan[]): BprSpan[] {
  const spans = shards.flatMap((own, shard) =>
    buffers.map((entries, buffer) => {
      const first = Math.max(own.first, entries.first)
      const end = Math.min(own.first + own.rows, entries.first + entries.rows)
      return { first, rows: Math.max(0, end - first), shard, buffer }
    }),
  )
  return spans.filter(({ rows }) => rows > 0)
}

export interface BprRowsInput {
  /** First entry of each row of the side, and the end. */
  start: Uint32Array
  /** Of each row, in how many samples of an epoch it is the negative, in the mean; undefined for users. */
  expected?: Float64Array | undefined
  rounds: number
  /** The rows to train; undefined for all that have a sample at times. */
  only?: Uint32Array | undefined
  /** Neighbouring, over all rows. */
  spans: readonly BprSpan[]
  /** Rows and slots of a block; a row that has more slots is a block of its own. */
  most: { rows: number; slots: number }
}

/** Rows of one span that a phase works on side by side. */
export interface BprBlock {
  span: BprSpan
  /** Heaviest first, so that rows that run side by side are of like length. */
  rows: Uint32Array<ArrayBuffer>
  /** Of each, its place among all rows of the side that are worked on. */
  places: Uint32Array<ArrayBuffer>
  /** Room for the samples that a round brings at most. */
  slots: number
}

const negativesOf = ({ expected, rounds }: BprRowsInput, row: number) =>
  expected === undefined ? 0 : expected[row]! / rounds

const slotsOf = (input: BprRowsInput, row: number) =>
  Math.ceil((input.start[row + 1]! - input.start[row]!) / input.rounds) + Math.ceil(negativesOf(input, row))

/** The rows of one side in blocks, and their number. */
export function cutBprRows(input: BprRowsInput): { blocks: BprBlock[]; count: number } {
  const { start, only, spans, most } = input
  const all = only ?? Uint32Array.from({ length: start.length - 1 }, (_, row) => row)
  const order = all
    .filter(row => slotsOf(input, row) > 0)
    .sort((a, b) => slotsOf(input, b) - slotsOf(input, a) || a - b)
  const places: number[][] = spans.map(() => [])
  for (let place = 0; place < order.length; place++) places[spanOf(spans, order[place]!)]!.push(place)

  const blocks: BprBlock[] = []
  spans.forEach((span, at) => {
    const own = places[at]!
    let from = 0
    let slots = 0
    const close = (to: number) => {
      const cut = Uint32Array.from(own.slice(from, to))
      if (cut.length > 0) blocks.push({ span, rows: cut.map(place => order[place]!), places: cut, slots })
      from = to
      slots = 0
    }
    own.forEach((place, to) => {
      const more = slotsOf(input, order[place]!)
      if (to - from === most.rows || slots + more > most.slots) close(to)
      slots += more
    })
    close(own.length)
  })
  return { blocks, count: order.length }
}

/**
 * A block as the kernels of BPR read it: the `BprRow`s, their slots counted over the block; of each slot for a sample its row's
 * place among them.
 * @param firstEntry of the block's buffer of entries
 */
export function packBprBlock(input: BprRowsInput, block: BprBlock, firstEntry: number) {
  const { start } = input
  const rows = new ArrayBuffer(block.rows.length * bprRowStruct.size)
  const view = new DataView(rows)
  const slots = new Uint32Array(block.slots)
  let slot = 0
  block.rows.forEach((row, at) => {
    const inMean = negativesOf(input, row)
    const negatives = Math.floor(inMean)
    bprRowStruct.write(view, at * bprRowStruct.size, {
      row,
      place: block.places[at]!,
      first: start[row]! - firstEntry,
      entries: start[row + 1]! - start[row]!,
      slot,
      negatives,
      chance: Math.floor((inMean - negatives) * 2 ** 32),
    })
    const end = slot + slotsOf(input, row)
    slots.fill(at, slot, end)
    slot = end
  })
  return { rows, slots }
}

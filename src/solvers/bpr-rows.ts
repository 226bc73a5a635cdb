import { bprRowStruct } from '../kernels/bpr_structs.ts'

export interface BprRowsInput {
  /** First entry of each row of the side, and the end. */
  start: Uint32Array
  /** Of each row, in how many samples of an epoch it is the negative, in the mean; undefined for users. */
  expected?: Float64Array | undefined
  rounds: number
  /** The rows to train; undefined for all that have a sample at times. */
  only?: Uint32Array | undefined
}

/** The rows of one side as the kernels of BPR read them. */
export interface BprRows {
  /** Rows that a phase works on. */
  count: number
  /** `BprRow`s, heaviest first, so that rows that run side by side are of like length. */
  rows: ArrayBuffer
  /** Of each slot for a sample its row's place in `rows`; room for the most that a round can bring. */
  slots: Uint32Array<ArrayBuffer>
}

export function packBprRows({ start, expected, rounds, only }: BprRowsInput): BprRows {
  const entriesOf = (row: number) => start[row + 1]! - start[row]!
  const negativesOf = (row: number) => (expected === undefined ? 0 : expected[row]! / rounds)
  const mostOf = (row: number) => Math.ceil(entriesOf(row) / rounds) + Math.ceil(negativesOf(row))
  const all = only ?? Uint32Array.from({ length: start.length - 1 }, (_, row) => row)
  const order = all.filter(row => mostOf(row) > 0).sort((a, b) => mostOf(b) - mostOf(a) || a - b)

  const rows = new ArrayBuffer(order.length * bprRowStruct.size)
  const view = new DataView(rows)
  const slots = new Uint32Array(order.reduce((sum, row) => sum + mostOf(row), 0))
  let slot = 0
  order.forEach((row, place) => {
    const negatives = Math.floor(negativesOf(row))
    bprRowStruct.write(view, place * bprRowStruct.size, {
      row,
      first: start[row]!,
      entries: entriesOf(row),
      slot,
      negatives,
      chance: Math.floor((negativesOf(row) - negatives) * 2 ** 32),
    })
    slots.fill(place, slot, slot + mostOf(row))
    slot += mostOf(row)
  })
  return { count: order.length, rows, slots }
}

import { Random } from '../data/random.ts'
import type { Ratings } from '../data/ratings.ts'
import { indexRows, type RowIndex } from './rows.ts'

/** Entries of a segment at most: the work of one invocation of `gradients`. */
export const segmentLength = 32

/** One side (users or items) of the batches. All positions count over all batches. */
export interface SideLayout {
  /** Pairs (row, its first segment), rows ascending within a batch, and one closing pair: 2 (runs + 1). */
  runs: Uint32Array<ArrayBuffer>
  /** First position of each segment, and the end: segments + 1. */
  segments: Uint32Array<ArrayBuffer>
  /** Shards that rows lie in; each batch's runs are then those of one shard after another. */
  shards: number
  /** First run of each batch and in it of each shard, and the end: batches x shards + 1. */
  runStart: Uint32Array<ArrayBuffer>
  /** First segment of each batch, and the end: batches + 1. */
  segmentStart: Uint32Array<ArrayBuffer>
}

/** Observed entries as the mini-batch kernels read them. */
export interface BatchLayout {
  batchCount: number
  /** First entry of each batch, and the end: batches + 1. */
  entryStart: Uint32Array<ArrayBuffer>
  /** (user, item, bits of the f32 rating) of each entry; batches one after another, each sorted by user, then item. */
  entries: Uint32Array<ArrayBuffer>
  /** The entries of each batch sorted by item, then user: position in `entries`. */
  itemOrder: Uint32Array<ArrayBuffer>
  users: SideLayout
  items: SideLayout
}

/**
 * Draws batches of `batchSize` entries (the last one may be smaller) from a seeded shuffle and sorts each by user and
 * by item. Linear in the number of entries: two counting sorts over all entries, dealt to their batches in order.
 */
export function packBatches(ratings: Ratings, batchSize: number, seed: number): BatchLayout {
  const { length } = ratings
  const batchCount = Math.ceil(length / batchSize)
  const entryStart = Uint32Array.from({ length: batchCount + 1 }, (_, b) => Math.min(length, b * batchSize))
  const batchOf = new Uint32Array(length)
  new Random(seed, 1).permutation(length).forEach((entry, rank) => {
    batchOf[entry] = Math.floor(rank / batchSize)
  })

  const userIndex = indexRows(ratings.users, ratings.userCount)
  const itemIndex = indexRows(ratings.items, ratings.itemCount)
  // A stable sort by user of what is sorted by item, and the other way round.
  const byUserItem = stableSort(itemIndex.order, ratings.users, userIndex)
  const byItemUser = stableSort(userIndex.order, ratings.items, itemIndex)

  const entries = new Uint32Array(3 * length)
  const valueBits = new Uint32Array(ratings.values.buffer, ratings.values.byteOffset, length)
  const place = new Uint32Array(length)
  deal(byUserItem, batchOf, entryStart, (entry, position) => {
    place[entry] = position
    entries[3 * position] = ratings.users[entry]!
    entries[3 * position + 1] = ratings.items[entry]!
    entries[3 * position + 2] = valueBits[entry]!
  })
  const itemOrder = new Uint32Array(length)
  deal(byItemUser, batchOf, entryStart, (entry, position) => {
    itemOrder[position] = place[entry]!
  })
  return {
    batchCount,
    entryStart,
    entries,
    itemOrder,
    users: cutSide(entryStart, position => entries[3 * position]!),
    items: cutSide(entryStart, position => entries[3 * itemOrder[position]! + 1]!),
  }
}

/** The order in which an epoch (counted from 0) visits the batches. */
export function batchOrder(batchCount: number, seed: number, epoch: number): Uint32Array {
  return new Random(seed, 2 + epoch).permutation(batchCount)
}

function stableSort(order: Uint32Array, rows: Uint32Array, index: RowIndex): Uint32Array {
  const next = index.start.slice()
  const sorted = new Uint32Array(order.length)
  for (let at = 0; at < order.length; at++) {
    const entry = order[at]!
    sorted[next[rows[entry]!]!++] = entry
  }
  return sorted
}

/** Hands the entries, in the given order, to the next free position of their batch. */
function deal(
  order: Uint32Array,
  batchOf: Uint32Array,
  entryStart: Uint32Array,
  take: (entry: number, position: number) => void,
): void {
  const next = entryStart.slice()
  for (let at = 0; at < order.length; at++) {
    const entry = order[at]!
    take(entry, next[batchOf[entry]!]!++)
  }
}

function cutSide(entryStart: Uint32Array, rowAt: (position: number) => number): SideLayout {
  const batchCount = entryStart.length - 1
  const length = entryStart[batchCount]!
  const runStart = new Uint32Array(batchCount + 1)
  const segmentStart = new Uint32Array(batchCount + 1)
  // Counted first, so that the tables are made once, in their right size.
  let runs = 0
  let segments = 0
  const visit = (onRun: (row: number) => void, onSegment: (position: number) => void) => {
    runs = 0
    segments = 0
    for (let batch = 0; batch < batchCount; batch++) {
      runStart[batch] = runs
      segmentStart[batch] = segments
      let previous = -1
      let first = 0
      for (let position = entryStart[batch]!; position < entryStart[batch + 1]!; position++) {
        const row = rowAt(position)
        const opensRun = row !== previous
        if (opensRun) {
          onRun(row)
          runs++
          previous = row
          first = position
        }
        if ((position - first) % segmentLength === 0) {
          onSegment(position)
          segments++
        }
      }
    }
    runStart[batchCount] = runs
    segmentStart[batchCount] = segments
  }
  visit(
    () => {},
    () => {},
  )
  const runTable = new Uint32Array(2 * (runs + 1))
  const segmentTable = new Uint32Array(segments + 1)
  visit(
    row => {
      runTable[2 * runs] = row
      runTable[2 * runs + 1] = segments
    },
    position => {
      segmentTable[segments] = position
    },
  )
  runTable[2 * runs] = 0xffffffff
  runTable[2 * runs + 1] = segments
  segmentTable[segments] = length
  return { runs: runTable, segments: segmentTable, shards: 1, runStart, segmentStart }
}

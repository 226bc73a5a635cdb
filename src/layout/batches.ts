import { Random } from '../data/random.ts'
import type { Ratings } from '../data/ratings.ts'
import { indexRows, type RowIndex } from './rows.ts'

/** Entries of a segment at most: the work of one invocation of `gradients`. */
export const segmentLength = 32

/** One side (users or items) of the batches, each of which counts from its own start. */
export interface SideLayout {
  /** Of each batch the pairs (row, its first segment), rows ascending within a shard, and a closing pair. */
  runs: Uint32Array<ArrayBuffer>
  /** First pair of each batch, and the end: batches + 1. */
  runStart: Uint32Array<ArrayBuffer>
  /** Of each batch the first position of each segment, and the end. */
  segments: Uint32Array<ArrayBuffer>
  /** First word of each batch in `segments`, and the end: batches + 1. */
  segmentStart: Uint32Array<ArrayBuffer>
  /** Shards that rows lie in. */
  shards: number
  /** Of each batch the first run of each shard, and the end: batches x (shards + 1). */
  shardRuns: Uint32Array<ArrayBuffer>
}

/** Of a batch's runs the first one of a shard, and the end. */
export function runBounds(
  { shards, shardRuns }: SideLayout,
  batch: number,
  shard: number,
): [first: number, end: number] {
  const at = batch * (shards + 1) + shard
  return [shardRuns[at]!, shardRuns[at + 1]!]
}

/** Segments of a batch. */
export const segmentCount = ({ segmentStart }: SideLayout, batch: number): number =>
  segmentStart[batch + 1]! - segmentStart[batch]! - 1

/** Observed entries as the mini-batch kernels read them. */
export interface BatchLayout {
  batchCount: number
  /** First entry of each batch, and the end: batches + 1. */
  entryStart: Uint32Array<ArrayBuffer>
  /** (user, item, bits of the f32 rating) of each entry; batches one after another, each sorted by user, then item. */
  entries: Uint32Array<ArrayBuffer>
  /** The entries of each batch sorted by item, then user: position in the batch. */
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
    itemOrder[position] = place[entry]! - entryStart[batchOf[entry]!]!
  })
  return {
    batchCount,
    entryStart,
    entries,
    itemOrder,
    users: cutSide(entryStart, position => entries[3 * position]!),
    items: cutSide(entryStart, (position, first) => entries[3 * (first + itemOrder[position]!) + 1]!),
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

/** @param rowAt of the entry at a position among all, in the batch that begins at `first` */
function cutSide(entryStart: Uint32Array, rowAt: (position: number, first: number) => number): SideLayout {
  const batchCount = entryStart.length - 1
  const runStart = new Uint32Array(batchCount + 1)
  const segmentStart = new Uint32Array(batchCount + 1)
  const shardRuns = new Uint32Array(2 * batchCount)
  const visit = (
    onRun: (row: number, segment: number) => void,
    onSegment: (position: number) => void,
    onEnd: (batch: number, runs: number, segments: number) => void,
  ) => {
    for (let batch = 0; batch < batchCount; batch++) {
      const start = entryStart[batch]!
      let previous = -1
      let first = 0
      let runs = 0
      let segments = 0
      for (let position = start; position < entryStart[batch + 1]!; position++) {
        const row = rowAt(position, start)
        if (row !== previous) {
          onRun(row, segments)
          runs++
          previous = row
          first = position
        }
        if ((position - first) % segmentLength === 0) {
          onSegment(position - start)
          segments++
        }
      }
      onEnd(batch, runs, segments)
    }
  }
  // Counted first, so that the tables are made once, in their right size.
  visit(
    () => {},
    () => {},
    (batch, runs, segments) => {
      shardRuns[2 * batch + 1] = runs
      runStart[batch + 1] = runStart[batch]! + runs + 1
      segmentStart[batch + 1] = segmentStart[batch]! + segments + 1
    },
  )
  const runTable = new Uint32Array(2 * runStart[batchCount]!)
  const segmentTable = new Uint32Array(segmentStart[batchCount]!)
  let pair = 0
  let word = 0
  const addRun = (row: number, segment: number) => {
    runTable[pair++] = row
    runTable[pair++] = segment
  }
  const addSegment = (position: number) => {
    segmentTable[word++] = position
  }
  visit(addRun, addSegment, (batch, _runs, segments) => {
    addRun(0xffffffff, segments)
    addSegment(entryStart[batch + 1]! - entryStart[batch]!)
  })
  return { runs: runTable, runStart, segments: segmentTable, segmentStart, shards: 1, shardRuns }
}

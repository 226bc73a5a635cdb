import type { BatchLayout, SideLayout } from './batches.ts'
import { type RowSpan, spanOf } from './shards.ts'

// What does not fit one binding: more entries than that fall into chunks of batches, rows of several shards are numbered
// by shard.

/** `most` neighbouring batches a chunk, each a layout of its own, whose positions count over it alone. */
export function cutBatches(layout: BatchLayout, most: number): BatchLayout[] {
  if (layout.batchCount <= most) return [layout]
  const chunks: BatchLayout[] = []
  for (let from = 0; from < layout.batchCount; from += most) {
    const to = Math.min(layout.batchCount, from + most)
    const [first, end] = [layout.entryStart[from]!, layout.entryStart[to]!]
    chunks.push({
      batchCount: to - from,
      entryStart: counted(layout.entryStart.subarray(from, to + 1), first),
      entries: layout.entries.slice(3 * first, 3 * end),
      itemOrder: counted(layout.itemOrder.subarray(first, end), first),
      users: cutSide(layout.users, from, to, first),
      items: cutSide(layout.items, from, to, first),
    })
  }
  return chunks
}

/** Of the batches `from` to `to - 1`; what stands behind them closes the tables. */
function cutSide(side: SideLayout, from: number, to: number, firstEntry: number): SideLayout {
  const { shards, runStart, segmentStart } = side
  const [firstRun, endRun] = [runStart[shards * from]!, runStart[shards * to]!]
  const [firstSegment, endSegment] = [segmentStart[from]!, segmentStart[to]!]
  const runs = side.runs.slice(2 * firstRun, 2 * endRun + 2)
  for (let word = 1; word < runs.length; word += 2) runs[word]! -= firstSegment
  runs[runs.length - 2] = 0xffffffff
  return {
    shards,
    runs,
    segments: counted(side.segments.subarray(firstSegment, endSegment + 1), firstEntry),
    runStart: counted(runStart.subarray(shards * from, shards * to + 1), firstRun),
    segmentStart: counted(segmentStart.subarray(from, to + 1), firstSegment),
  }
}

const counted = (positions: Uint32Array, from: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from(positions, position => position - from)

/**
 * One side of a layout whose rows lie in the shards `spans`: its runs name rows as counted from the first of their shard,
 * the layout's entries, which are changed, name them by the place of their run among those of the batch.
 */
export function shardBatches(layout: BatchLayout, name: 'users' | 'items', spans: readonly RowSpan[]): SideLayout {
  const { batchCount, entries, itemOrder } = layout
  const { segments, segmentStart, runStart: batchRuns, ...side } = layout[name]
  const runs = side.runs.slice()
  const runStart = new Uint32Array(batchCount * spans.length + 1)
  runStart[batchCount * spans.length] = batchRuns[batchCount]!
  for (let batch = 0; batch < batchCount; batch++) {
    let next = batch * spans.length
    for (let run = batchRuns[batch]!; run < batchRuns[batch + 1]!; run++) {
      const row = runs[2 * run]!
      const shard = spanOf(spans, row)
      runs[2 * run] = row - spans[shard]!.first
      while (next <= batch * spans.length + shard) runStart[next++] = run
      const end = segments[runs[2 * run + 3]!]!
      for (let position = segments[runs[2 * run + 1]!]!; position < end; position++) {
        const word = name === 'users' ? 3 * position : 3 * itemOrder[position]! + 1
        entries[word] = run - batchRuns[batch]!
      }
    }
    while (next < (batch + 1) * spans.length) runStart[next++] = batchRuns[batch + 1]!
  }
  return { runs, segments, shards: spans.length, runStart, segmentStart }
}

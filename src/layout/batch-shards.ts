import type { BatchLayout, SideLayout } from './batches.ts'
import { type RowSpan, spanOf } from './shards.ts'

/**
 * One side of a layout whose rows lie in the shards `spans`: its runs name rows as counted from the first of their shard,
 * the layout's entries, which are changed, name them by the place of their run among those of the batch.
 */
export function shardBatches(layout: BatchLayout, name: 'users' | 'items', spans: readonly RowSpan[]): SideLayout {
  const { batchCount, entries, entryStart, itemOrder } = layout
  const { segments, segmentStart, runStart, ...side } = layout[name]
  const runs = side.runs.slice()
  const shardRuns = new Uint32Array(batchCount * (spans.length + 1))
  for (let batch = 0; batch < batchCount; batch++) {
    const [firstEntry, firstSegment] = [entryStart[batch]!, segmentStart[batch]!]
    const count = runStart[batch + 1]! - runStart[batch]! - 1
    const bounds = shardRuns.subarray(batch * (spans.length + 1), (batch + 1) * (spans.length + 1))
    bounds.fill(count)
    let next = 0
    for (let run = 0; run < count; run++) {
      const word = 2 * (runStart[batch]! + run)
      const row = runs[word]!
      const shard = spanOf(spans, row)
      runs[word] = row - spans[shard]!.first
      while (next <= shard) bounds[next++] = run
      const end = segments[firstSegment + runs[word + 3]!]!
      for (let position = segments[firstSegment + runs[word + 1]!]!; position < end; position++) {
        const entry = firstEntry + (name === 'users' ? position : itemOrder[firstEntry + position]!)
        entries[name === 'users' ? 3 * entry : 3 * entry + 1] = run
      }
    }
  }
  return { runs, runStart, segments, segmentStart, shards: spans.length, shardRuns }
}

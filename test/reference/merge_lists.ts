export interface MergeEntry {
  score: number
  /** `noItem` where there is none: after all others, with a score of -infinity. */
  item: number
}

export const noItem = 0xffffffff

/** Runs of entries, `ways` after one another made one of its `k` best: the best first, ties by item. A full sort of each. */
export function mergeRuns<Entry extends MergeEntry>(
  entries: readonly Entry[],
  { run, ways, k }: { run: number; ways: number; k: number },
): Entry[] {
  const merged: Entry[] = []
  for (let start = 0; start < entries.length; start += run * ways) {
    const sorted = entries
      .slice(start, start + run * ways)
      .sort((a, b) => (a.score === b.score ? a.item - b.item : a.score < b.score ? 1 : -1))
    merged.push(...sorted.slice(0, k))
  }
  return merged
}

/** The first failure of a query's splits: 1 + the item, or 0. */
export const firstFailure = (failures: readonly number[]): number => failures.find(failed => failed !== 0) ?? 0

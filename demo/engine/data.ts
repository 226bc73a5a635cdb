import { type PlantedSet, type Ratings, UNKNOWN } from '../../src/index.ts'
import type { DataSummary } from './messages.ts'

/** Ratings at hand, and what is known of them. */
export interface DataAtHand {
  ratings: Ratings
  summary: DataSummary
  /** Planted data alone: what no model can be better than. */
  noiseFloor?: PlantedSet['noiseFloor'] | undefined
}

/** Where the ratings come from. Readers give data without ratings a value of 1 everywhere. */
export type Origin = Pick<DataSummary, 'kind' | 'name' | 'merged' | 'seconds'>

export function summaryOf({ values, userCount, itemCount, length }: Ratings, origin: Origin): DataSummary {
  let sum = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of values) {
    sum += value
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return {
    ...origin,
    users: userCount,
    items: itemCount,
    entries: length,
    rated: min !== 1 || max !== 1,
    mean: sum / length,
    range: { min, max },
    histogram: histogramOf(values, { min, max }),
  }
}

const mostBins = 20

/** A bin for each value where there are at most 20 of them; else 20 of equal width, each without its upper end but the last. */
export function histogramOf(
  values: Float32Array,
  { min, max }: { min: number; max: number },
): DataSummary['histogram'] {
  const counts = new Map<number, number>()
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1)
    if (counts.size > mostBins) return binned(values, min, max)
  }
  return [...counts].sort(([a], [b]) => a - b).map(([value, count]) => ({ from: value, to: value, count }))
}

function binned(values: Float32Array, min: number, max: number): DataSummary['histogram'] {
  const width = (max - min) / mostBins
  const bins = Array.from({ length: mostBins }, (_, bin) => ({
    from: min + bin * width,
    to: bin === mostBins - 1 ? max : min + (bin + 1) * width,
    count: 0,
  }))
  for (const value of values) bins[Math.min(mostBins - 1, Math.floor((value - min) / width))]!.count++
  return bins
}

/** Entries of each row, unknown ones left out. */
export function countsOf(rows: Uint32Array, size: number): Uint32Array {
  const counts = new Uint32Array(size)
  for (const row of rows) if (row !== UNKNOWN) counts[row]!++
  return counts
}

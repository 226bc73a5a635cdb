import { holdsItem } from '../data/seen.ts'
import { OptionError } from '../errors.ts'

// Metrics of ranked lists against sets of relevant items. Of one user, with hit_j = 1 where the item of rank j (from 1)
// is relevant, R relevant items in all, and a list that may end before rank K:
//
//   precision@K = sum over j <= K of hit_j / K
//   recall@K    = sum over j <= K of hit_j / R
//   ndcg@K      = sum over j <= K of hit_j / log2(j + 1), by the same sum of the ideal list: min(K, R) hits at its head
//   map@K       = sum over j <= K of hit_j * precision@j / min(K, R)
//   mrr@K       = 1 / rank of the first hit, 0 where there is none up to K
//   hit@K       = 1 where there is a hit up to K
//
// each averaged over the users that have relevant items.

/** In the order in which they are reported. */
export const rankingMetrics = ['precision', 'recall', 'ndcg', 'map', 'mrr', 'hit'] as const

export type RankingMetric = (typeof rankingMetrics)[number]

/** The largest list of a metric: as many as the items of any catalogue that is ranked in whole. */
const largestAt = 1_000_000

/**
 * The lengths of lists, ascending and each once.
 * @throws OptionError where there are none, or one is no integer from 1 to 1,000,000.
 */
export function checkedAt(at: readonly number[]): number[] {
  const wrong = at.find(k => !(Number.isInteger(k) && k >= 1 && k <= largestAt))
  if (at.length === 0 || wrong !== undefined) {
    const found = wrong === undefined ? 'none' : String(wrong)
    throw new OptionError('at', `"at" must be one or more integers from 1 to ${largestAt}, not ${found}`)
  }
  return [...new Set(at)].sort((a, b) => a - b)
}

/** Sums metrics at several lengths over users, in one pass over each list. */
export class RankingMeter {
  /** Users with relevant items, and those without. */
  readonly users = { evaluated: 0, skipped: 0 }
  readonly #at: readonly number[]
  readonly #sums: Record<RankingMetric, Float64Array>
  /** ideal[n] = sum over j <= n of 1 / log2(j + 1) */
  readonly #ideal: Float64Array

  constructor(at: readonly number[]) {
    this.#at = checkedAt(at)
    const zeros = () => new Float64Array(this.#at.length)
    this.#sums = { precision: zeros(), recall: zeros(), ndcg: zeros(), map: zeros(), mrr: zeros(), hit: zeros() }
    this.#ideal = new Float64Array(this.#at.at(-1)! + 1)
    for (let n = 1; n < this.#ideal.length; n++) this.#ideal[n] = this.#ideal[n - 1]! + gain(n)
  }

  /**
   * Adds a user.
   * @param list items, best first, each once; as many as the largest length, or fewer where there are no more
   * @param relevant items, strictly ascending
   */
  add(list: Uint32Array, relevant: Uint32Array): void {
    if (relevant.length === 0) {
      this.users.skipped++
      return
    }
    this.users.evaluated++
    let rank = 0
    let hits = 0
    let gains = 0
    let precisions = 0
    let first = Number.POSITIVE_INFINITY
    for (const [place, k] of this.#at.entries()) {
      while (rank < Math.min(k, list.length)) {
        const item = list[rank++]!
        if (!holdsItem(relevant, item)) continue
        hits++
        gains += gain(rank)
        precisions += hits / rank
        first = Math.min(first, rank)
      }
      const best = Math.min(k, relevant.length)
      const sums = this.#sums
      sums.precision[place]! += hits / k
      sums.recall[place]! += hits / relevant.length
      sums.ndcg[place]! += gains / this.#ideal[best]!
      sums.map[place]! += precisions / best
      sums.mrr[place]! += 1 / first
      sums.hit[place]! += Number(hits > 0)
    }
  }

  /** Averages over the users with relevant items, as `ndcg@10`, by length and then by metric; NaN without such users. */
  metrics(): Record<string, number> {
    const entries = this.#at.flatMap((k, place) =>
      rankingMetrics.map(name => [`${name}@${k}`, this.#sums[name][place]! / this.users.evaluated] as const),
    )
    return Object.fromEntries(entries)
  }
}

function gain(rank: number): number {
  return 1 / Math.log2(rank + 1)
}

/**
 * Area under the ROC curve of one user: the mean over its positives of
 * (negatives with a lower score + half of those with the same) / negatives; NaN without positives or negatives.
 * @param above of each positive: negatives with a higher score
 * @param equal of each positive: negatives with the same score
 */
export function areaUnderCurve(above: Uint32Array, equal: Uint32Array, negatives: number): number {
  let sum = 0
  for (let at = 0; at < above.length; at++) sum += negatives - above[at]! - equal[at]! / 2
  return sum / (above.length * negatives)
}

import { topK } from './top-k.ts'

/** How alike two rows of factors are: the cosine of their angle, or their product. */
export type SimilarityMeasure = 'cosine' | 'dot'

export interface SimilarRow {
  row: number
  similarity: number
}

/**
 * The `k` rows of a table that are most similar to one of them, best first, ties by row; the row itself left out.
 *
 *   cosine: q_i . q_j / (|q_i| |q_j|),   dot: q_i . q_j
 *
 * A row of zeros has no angle: it is in no list of cosines and has an empty one. In double precision.
 * @param table rows x k, no padding
 * @param allowed whether a row may be in the list
 */
export function similarRows(
  table: Float32Array,
  factors: number,
  row: number,
  { k, measure, allowed }: { k: number; measure: SimilarityMeasure; allowed: (row: number) => boolean },
): SimilarRow[] {
  const similarities = new Float64Array(table.length / factors)
  const own = Math.sqrt(product(table, factors, row, row))
  const counts = new Uint8Array(similarities.length)
  for (let other = 0; other < similarities.length; other++) {
    if (other === row || !allowed(other)) continue
    const dot = product(table, factors, row, other)
    const norms = measure === 'cosine' ? own * Math.sqrt(product(table, factors, other, other)) : 1
    if (norms === 0) continue
    similarities[other] = dot / norms
    counts[other] = 1
  }
  const best = topK(similarities, k, other => counts[other] === 1)
  return Array.from(best, other => ({ row: other, similarity: similarities[other]! }))
}

function product(table: Float32Array, factors: number, a: number, b: number): number {
  let sum = 0
  for (let j = 0; j < factors; j++) sum += table[a * factors + j]! * table[b * factors + j]!
  return sum
}

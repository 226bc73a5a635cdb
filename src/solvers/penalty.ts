/**
 * How a row's penalty grows with the number of its entries: lambda * count^nu.
 * `weighted` is nu = 1 (Zhou et al., 2008: a row pays once for each of its entries), `sqrt` nu = 1/2 (MyMediaLite),
 * `frobenius` nu = 0 (once a row).
 */
export type Penalty = 'weighted' | 'sqrt' | 'frobenius' | number

export const penaltyExponents = { weighted: 1, sqrt: 0.5, frobenius: 0 } as const

export function penaltyExponent(penalty: Penalty): number {
  return typeof penalty === 'number' ? penalty : penaltyExponents[penalty]
}

/** Pairs (count^(nu - 1), count^nu) for each row: an entry's share of its row's penalty, and the whole; 0 for empty rows. */
export function penaltyWeights(counts: Uint32Array, exponent: number): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(2 * counts.length)
  for (let row = 0; row < counts.length; row++) {
    const count = counts[row]!
    if (count === 0) continue
    weights[2 * row] = count ** (exponent - 1)
    weights[2 * row + 1] = count ** exponent
  }
  return weights
}

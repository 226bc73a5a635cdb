import type { RowEntries } from '../layout/row-blocks.ts'
import type { AlsOptions, ImplicitOptions } from './als-options.ts'
import { penaltyExponent } from './penalty.ts'

/** What each entry weighs and aims at, alike for both sides. A value that is not positive is a cell whose preference is 0. */
export function alsTargets(
  values: Float32Array,
  mean: number,
  implicit: ImplicitOptions | undefined,
): Pick<RowEntries, 'weights' | 'targets'> {
  const targets = new Float32Array(values.length)
  if (implicit === undefined) {
    for (let e = 0; e < values.length; e++) targets[e] = values[e]! - mean
    return { weights: undefined, targets }
  }
  const { alpha } = { alpha: 0, ...implicit }
  for (let e = 0; e < values.length; e++) targets[e] = values[e]! > 0 ? 1 + alpha * values[e]! : 0
  return { weights: 'alpha' in implicit ? confidences(values, alpha) : undefined, targets }
}

function confidences(values: Float32Array, alpha: number): Float32Array {
  const weights = new Float32Array(values.length)
  for (let e = 0; e < values.length; e++) weights[e] = alpha * Math.abs(values[e]!)
  return weights
}

/** w0: the weight of every cell, observed or not. */
export function weightOfAll(implicit: ImplicitOptions | undefined): number {
  if (implicit === undefined) return 0
  return 'alpha' in implicit ? 1 : implicit.unobservedWeight
}

/**
 * Factor of each row's penalty: count^nu, in the iALS form (count + w0 * rows of the other side)^nu; 0 for rows without
 * entries.
 */
export function rowPenalties(
  counts: Uint32Array,
  otherRows: number,
  { penalty, implicit }: Pick<AlsOptions, 'penalty' | 'implicit'>,
): Float32Array {
  const cells = implicit !== undefined && 'unobservedWeight' in implicit ? implicit.unobservedWeight * otherRows : 0
  const exponent = penaltyExponent(penalty)
  const penalties = new Float32Array(counts.length)
  for (let row = 0; row < counts.length; row++) {
    if (counts[row]! > 0) penalties[row] = (counts[row]! + cells) ** exponent
  }
  return penalties
}

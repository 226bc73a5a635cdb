import type { Ratings } from '../data/ratings.ts'
import type { RowEntries } from '../layout/row-blocks.ts'
import type { AlsOptions, ImplicitOptions } from './als-options.ts'
import { penaltyExponent } from './penalty.ts'

export interface AlsTargets {
  entries: RowEntries
  /** w0: the weight of every cell, observed or not. */
  unobserved: number
}

/**
 * What each entry weighs and aims at, and each row's penalty: lambda times count^nu, in the iALS form times
 * (count + w0 * rows of the other side)^nu. A value that is not positive is a cell whose preference is 0.
 */
export function alsTargets(
  ratings: Ratings,
  side: 'users' | 'items',
  mean: number,
  counts: Uint32Array,
  { penalty, implicit }: Pick<AlsOptions, 'penalty' | 'implicit'>,
): AlsTargets {
  const ofUsers = side === 'users'
  const otherCount = ofUsers ? ratings.itemCount : ratings.userCount
  const unobserved = implicit === undefined ? 0 : weightOfAll(implicit)
  const cells = implicit !== undefined && 'unobservedWeight' in implicit ? unobserved * otherCount : 0
  const exponent = penaltyExponent(penalty)
  const { values } = ratings
  const weights =
    implicit !== undefined && 'alpha' in implicit ? values.map(r => implicit.alpha * Math.abs(r)) : undefined
  const targets = values.map(targetOf(implicit, mean))
  return {
    unobserved,
    entries: {
      rows: ofUsers ? ratings.users : ratings.items,
      columns: ofUsers ? ratings.items : ratings.users,
      rowCount: counts.length,
      weights,
      targets,
      penalties: Float32Array.from(counts, count => (count === 0 ? 0 : (count + cells) ** exponent)),
    },
  }
}

const weightOfAll = (implicit: ImplicitOptions) => ('alpha' in implicit ? 1 : implicit.unobservedWeight)

function targetOf(implicit: ImplicitOptions | undefined, mean: number): (value: number) => number {
  if (implicit === undefined) return value => value - mean
  const { alpha } = { alpha: 0, ...implicit }
  return value => (value > 0 ? 1 + alpha * value : 0)
}

import { type ReferenceSide, rowOf } from './als.ts'

/** Q^T Q over the rows from `first` up to `end`. */
export function gram(side: ReferenceSide, first: number, end: number): number[][] {
  const { factors } = side
  const sums = Array.from({ length: factors }, () => new Array<number>(factors).fill(0))
  for (let row = first; row < end; row++) {
    const q = rowOf(side, row)
    for (let i = 0; i < factors; i++) for (let j = 0; j < factors; j++) sums[i]![j]! += q[i]! * q[j]!
  }
  return sums
}

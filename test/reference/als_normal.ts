import { type ReferenceSide, type ReferenceTarget, rowOf } from './als.ts'

/** The constant of a row's objective: what it is at x = 0. */
export const alsConstant = (
  fixed: ReferenceSide,
  entries: readonly ReferenceTarget[],
  { implicit }: { implicit: boolean },
): number =>
  entries.reduce(
    (sum, { other, weight, target }) => sum + (implicit ? target : weight * (target - fixed.bias[other]!) ** 2),
    0,
  )

/** sum weight z z^T with z = (q, 1 where there are biases, target). */
export function alsNormal(
  fixed: ReferenceSide,
  entries: readonly ReferenceTarget[],
  { biases, implicit }: { biases: boolean; implicit: boolean },
): number[][] {
  const width = fixed.factors + Number(biases) + 1
  const sums = Array.from({ length: width }, () => new Array<number>(width).fill(0))
  for (const { other, weight, target } of entries) {
    const known = implicit ? (weight > 0 ? target / weight : 0) : target - fixed.bias[other]!
    const z = [...rowOf(fixed, other), ...(biases ? [1] : []), known]
    for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) sums[i]![j]! += weight * z[i]! * z[j]!
  }
  return sums
}

import { dot, type ReferenceSide, type ReferenceTarget, rowOf, type Unknowns } from './als.ts'

export interface Applied extends Unknowns {
  objective: number
  /** sum weight |q|^2 */
  squares: number
  /** sum weight */
  weight: number
}

/** The entries' part of A p, or initially of b - A x and of the objective. */
export function alsApply(
  fixed: ReferenceSide,
  entries: readonly ReferenceTarget[],
  p: Unknowns,
  { initial, implicit }: { initial: boolean; implicit: boolean },
): Applied {
  const applied: Applied = { factors: p.factors.map(() => 0), bias: 0, objective: 0, squares: 0, weight: 0 }
  for (const { other, weight, target } of entries) {
    const q = rowOf(fixed, other)
    const score = dot(p.factors, q) + p.bias
    const error = target - fixed.bias[other]! - score
    const coefficient = !initial ? weight * score : implicit ? target - weight * score : weight * error
    if (initial) {
      applied.objective += implicit ? (weight * score - 2 * target) * score + target : weight * error ** 2
      applied.squares += weight * dot(q, q)
      applied.weight += weight
    }
    q.forEach((value, j) => {
      applied.factors[j]! += coefficient * value
    })
    applied.bias += coefficient
  }
  return applied
}

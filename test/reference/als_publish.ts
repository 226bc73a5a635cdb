import type { ReferenceSide, Unknowns } from './als.ts'

/** A side's rows, with a solution in the place of one of them. */
export function alsPublish(
  solved: ReferenceSide,
  row: number,
  { factors, bias }: Unknowns,
  biases: boolean,
): ReferenceSide {
  const rows = Array.from(solved.rows)
  rows.splice(row * solved.factors, solved.factors, ...factors)
  const all = Array.from(solved.bias)
  if (biases) all[row] = bias
  return { factors: solved.factors, rows, bias: all }
}

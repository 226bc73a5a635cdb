import type { ReferenceSlots } from './fused_sgd.ts'

/** The rows of a model's tables, one for each slot; sums of squares start from given values. */
export function stageRows(
  rows: { factors: ArrayLike<number>; bias: ArrayLike<number>; weight: ArrayLike<number> },
  rowOf: ArrayLike<number>,
  factors: number,
  squares: { factors: number; bias: number },
): ReferenceSlots {
  const { length } = rowOf
  const slots: ReferenceSlots = {
    factors: new Float64Array(length * factors),
    bias: new Float64Array(length),
    factorSquares: new Float64Array(length).fill(squares.factors),
    biasSquares: new Float64Array(length).fill(squares.bias),
    weight: new Float64Array(length),
  }
  for (let slot = 0; slot < length; slot++) {
    const row = rowOf[slot]!
    for (let j = 0; j < factors; j++) slots.factors[slot * factors + j] = rows.factors[row * factors + j]!
    slots.bias[slot] = rows.bias[row]!
    slots.weight[slot] = rows.weight[row]!
  }
  return slots
}

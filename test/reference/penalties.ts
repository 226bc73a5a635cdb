/** Parameters of one side of the matrix, and what each row's penalty is multiplied with. */
export interface PenalizedSide {
  /** k */
  factors: number
  /** rows x k */
  rows: ArrayLike<number>
  /** One a row; none in a model without biases. */
  bias: ArrayLike<number> | undefined
  /** count^nu of each row. */
  weight: ArrayLike<number>
  factorPenalty: number
  biasPenalty: number
}

/** sum over rows of count^nu (lambda |p|^2 + lambda_b b^2). */
export function penaltySum({ factors, rows, bias, weight, factorPenalty, biasPenalty }: PenalizedSide): number {
  let sum = 0
  for (let row = 0; row < weight.length; row++) {
    let squares = 0
    for (let j = 0; j < factors; j++) squares += factorPenalty * rows[row * factors + j]! ** 2
    if (bias !== undefined) squares += biasPenalty * bias[row]! ** 2
    sum += weight[row]! * squares
  }
  return sum
}

/** The solution of A x = b by elimination with pivoting, in double precision. */
export function solveDense(a: readonly number[][], b: readonly number[]): number[] {
  const n = b.length
  const rows = a.map((row, i) => [...row, b[i]!])
  for (let column = 0; column < n; column++) {
    let pivot = column
    for (let r = column + 1; r < n; r++) if (Math.abs(rows[r]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = r
    ;[rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!]
    for (let r = column + 1; r < n; r++) {
      const factor = rows[r]![column]! / rows[column]![column]!
      for (let c = column; c <= n; c++) rows[r]![c]! -= factor * rows[column]![c]!
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let r = n - 1; r >= 0; r--) {
    let value = rows[r]![n]!
    for (let c = r + 1; c < n; c++) value -= rows[r]![c]! * x[c]!
    x[r] = value / rows[r]![r]!
  }
  return x
}

export interface NormalEquations {
  a: number[][]
  b: number[]
  /** The constant of the objective. */
  constant: number
}

/** A row's whole system from its entries' normal equations (`alsNormal`), the Gram matrix and the penalties. */
export function normalEquations(
  normal: readonly number[][],
  constant: number,
  gram: readonly number[][] | undefined,
  {
    factors,
    penalty,
    biasPenalty,
    unobserved,
  }: { factors: number; penalty: number; biasPenalty: number; unobserved: number },
): NormalEquations {
  const unknowns = normal.length - 1
  const a = normal.slice(0, unknowns).map((row, i) =>
    row.slice(0, unknowns).map((value, j) => {
      const shared = i < factors && j < factors && gram !== undefined ? unobserved * gram[i]![j]! : 0
      return value + shared + (i === j ? (i < factors ? penalty : biasPenalty) : 0)
    }),
  )
  return { a, b: normal[unknowns]!.slice(0, unknowns), constant }
}

/** A row's unknowns and what is left of its objective: const - b . x. */
export function alsCholesky({ a, b, constant }: NormalEquations): { x: number[]; objective: number } {
  const x = solveDense(a, b)
  return { x, objective: constant - b.reduce((sum, value, i) => sum + value * x[i]!, 0) }
}

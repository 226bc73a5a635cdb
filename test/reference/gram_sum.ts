/** The sum of matrices. */
export const gramSum = (parts: readonly number[][][]): number[][] =>
  parts.reduce((sum, part) => sum.map((row, i) => row.map((value, j) => value + part[i]![j]!)))

/** What a row's system is made of (`shaders/lib/als.wgsl`), in double precision. */
export interface ReferenceSide {
  /** k */
  factors: number
  /** rows x k */
  rows: ArrayLike<number>
  /** One a row; zeros in a model without biases. */
  bias: ArrayLike<number>
}

export interface ReferenceTarget {
  other: number
  weight: number
  target: number
}

/** A row's unknowns, or a direction in their space. */
export interface Unknowns {
  factors: number[]
  bias: number
}

export const rowOf = ({ factors, rows }: ReferenceSide, row: number): number[] =>
  Array.from({ length: factors }, (_, j) => rows[row * factors + j]!)

export const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, j) => sum + value * b[j]!, 0)

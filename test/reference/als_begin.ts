import { type ReferenceSide, rowOf, type Unknowns } from './als.ts'

/** Where the row of a slot starts. */
export const alsBegin = (solved: ReferenceSide, row: number, biases: boolean): Unknowns => ({
  factors: rowOf(solved, row),
  bias: biases ? solved.bias[row]! : 0,
})

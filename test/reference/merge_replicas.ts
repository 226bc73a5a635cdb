import type { ReferenceSlots } from './fused_sgd.ts'

/** Replicas of one row: its slots, and the share of the row's entries that each has. */
export type ReferenceReplicas = readonly { slot: number; share: number }[]

/** Puts the mean of a row's replicas, weighted by their shares, into each of them: factors, bias and sums of squares. */
export function mergeReplicas(side: ReferenceSlots, rows: readonly ReferenceReplicas[], factors: number): void {
  const average = (table: Float64Array, stride: number, replicas: ReferenceReplicas) => {
    for (let j = 0; j < stride; j++) {
      const mean = replicas.reduce((sum, { slot, share }) => sum + share * table[slot * stride + j]!, 0)
      for (const { slot } of replicas) table[slot * stride + j] = mean
    }
  }
  for (const replicas of rows) {
    average(side.factors, factors, replicas)
    for (const table of [side.bias, side.factorSquares, side.biasSquares, side.weight]) average(table, 1, replicas)
  }
}

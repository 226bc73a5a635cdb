import type { ReferenceSlots } from './fused_sgd.ts'

/** Puts each row's slot into a model's tables; rows without a slot (undefined) stay as they are. */
export function publishRows(
  slots: Pick<ReferenceSlots, 'factors' | 'bias'>,
  slotOf: readonly (number | undefined)[],
  factors: number,
  rows: { factors: Float64Array; bias: Float64Array },
): void {
  slotOf.forEach((slot, row) => {
    if (slot === undefined) return
    for (let j = 0; j < factors; j++) rows.factors[row * factors + j] = slots.factors[slot * factors + j]!
    rows.bias[row] = slots.bias[slot]!
  })
}

import type { ReferenceSample } from './bpr_draw.ts'
import { type ReferenceBpr, type ReferenceBprSteps, rankingLoss } from './bpr_users.ts'

/**
 * An item's samples one after another, y = 1 as the positive, -1 as the negative, all other rows as they are in `model`:
 * q <- q + rate (y c p_u - lambda q), b <- b + rate_b (y c - lambda_b b), c = sigmoid(-y (s_u,item - s_u,other)).
 * @returns the row and its bias, the sum of -ln sigmoid(x) over the samples as the positive, and their number
 */
export function bprItems(
  item: number,
  samples: readonly ReferenceSample[],
  { factors: k, userFactors, itemFactors, itemBias }: ReferenceBpr,
  { factorRate, factorPenalty, biasRate, biasPenalty, biases }: ReferenceBprSteps,
): { row: Float64Array; bias: number; loss: number; count: number } {
  const row = itemFactors.slice(item * k, (item + 1) * k)
  let bias = itemBias[item]!
  let loss = 0
  let count = 0
  for (const { partner: u, other, asNegative } of samples) {
    if (other === undefined) continue
    const y = asNegative ? -1 : 1
    let x = bias - itemBias[other]!
    for (let f = 0; f < k; f++) x += userFactors[u * k + f]! * (row[f]! - itemFactors[other * k + f]!)
    x *= y
    const c = 1 / (1 + Math.exp(x))
    for (let f = 0; f < k; f++) row[f]! += factorRate * (y * c * userFactors[u * k + f]! - factorPenalty * row[f]!)
    if (biases) bias += biasRate * (y * c - biasPenalty * bias)
    if (asNegative) continue
    loss += rankingLoss(x)
    count++
  }
  return { row, bias, loss, count }
}

import type { ReferenceSample } from './bpr_draw.ts'

/** Parameters of BPR in double precision, rows tight. */
export interface ReferenceBpr {
  /** k */
  factors: number
  userFactors: Float64Array
  itemFactors: Float64Array
  itemBias: Float64Array
}

export interface ReferenceBprSteps {
  factorRate: number
  factorPenalty: number
  biasRate: number
  biasPenalty: number
  biases: boolean
}

/** -ln sigmoid(x) */
export const rankingLoss = (x: number): number => (x > 0 ? Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)) - x)

/** s_ui - s_uj */
export function margin(
  { factors: k, userFactors, itemFactors, itemBias }: ReferenceBpr,
  u: number,
  i: number,
  j: number,
) {
  let x = itemBias[i]! - itemBias[j]!
  for (let f = 0; f < k; f++) x += userFactors[u * k + f]! * (itemFactors[i * k + f]! - itemFactors[j * k + f]!)
  return x
}

/**
 * A user's samples one after another: p_u <- p_u + rate (c (q_i - q_j) - lambda p_u), c = sigmoid(-x).
 * @returns the sum of -ln sigmoid(x), and the samples
 */
export function bprUsers(
  user: number,
  samples: readonly ReferenceSample[],
  model: ReferenceBpr,
  { factorRate, factorPenalty }: ReferenceBprSteps,
): { loss: number; count: number } {
  const { factors: k, userFactors, itemFactors } = model
  const sums = { loss: 0, count: 0 }
  for (const { partner: i, other: j } of samples) {
    if (j === undefined) continue
    const x = margin(model, user, i, j)
    const c = 1 / (1 + Math.exp(x))
    for (let f = 0; f < k; f++) {
      const p = userFactors[user * k + f]!
      const difference = itemFactors[i * k + f]! - itemFactors[j * k + f]!
      userFactors[user * k + f] = p + factorRate * (c * difference - factorPenalty * p)
    }
    sums.loss += rankingLoss(x)
    sums.count++
  }
  return sums
}

/** A model in double precision. Rows are tight: k factors each. */
export interface ReferenceModel {
  /** k */
  factors: number
  users: number
  items: number
  userFactors: ArrayLike<number>
  itemFactors: ArrayLike<number>
  userBias: ArrayLike<number>
  itemBias: ArrayLike<number>
  /** mu */
  mean: number
  /** Whether the link is minimum + (maximum - minimum) * sigmoid(score); else it is the score itself. */
  bounded: boolean
  minimum: number
  maximum: number
}

/**
 * score(u, i) = mu + b_u + b_i + p_u . q_i.
 *
 * A user who is in no row of the tables has neither bias nor factors, nor has such an item: what is left of the sum is
 * the best guess without them.
 */
export function score(model: ReferenceModel, user: number, item: number): number {
  const { factors, users, items, userFactors, itemFactors, userBias, itemBias, mean } = model
  let sum = mean
  if (user < users) sum += userBias[user]!
  if (item < items) sum += itemBias[item]!
  if (user < users && item < items) {
    for (let j = 0; j < factors; j++) sum += userFactors[user * factors + j]! * itemFactors[item * factors + j]!
  }
  return sum
}

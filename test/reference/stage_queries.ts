import { type ReferenceModel, score } from './score.ts'

/** Rows of users side by side: number j of slot s at [j][s], and mu + b_u at [k][s]. */
export function stageQueries(model: ReferenceModel, users: ArrayLike<number>): number[][] {
  const { factors, userFactors } = model
  const rows = Array.from({ length: factors }, (_, j) => Array.from(users, user => userFactors[user * factors + j]!))
  return [...rows, Array.from(users, user => score(model, user, model.items))]
}

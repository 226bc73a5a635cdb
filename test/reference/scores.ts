import { type ReferenceModel, score } from './score.ts'

/** A table of scores, before the link: one row for each user asked for, one column for each item of the model. */
export function scoreTable(model: ReferenceModel, users: ArrayLike<number>): number[] {
  return Array.from(users, user => Array.from({ length: model.items }, (_, item) => score(model, user, item))).flat()
}

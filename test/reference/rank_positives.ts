import { type ReferenceModel, score } from './score.ts'

/** The score of each pair (place in users, item). */
export const positiveScores = (
  model: ReferenceModel,
  users: ArrayLike<number>,
  pairs: readonly (readonly [place: number, item: number])[],
): number[] => pairs.map(([place, item]) => score(model, users[place]!, item))

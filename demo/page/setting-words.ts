import type { FieldName } from './setting-choices.ts'

/** Names of the settings and what they do, in plain words with the exact ones beside them. */

export const modelNames = { explicit: 'Ratings', implicit: 'What was used' } as const
export const solverNames = { sgd: 'Fused SGD', adam: 'Adam', als: 'ALS' } as const

export const modelHints = {
  explicit: 'Predicts how somebody would rate what they have not seen (explicit model).',
  implicit: 'Ranks what somebody would pick next, from what they picked before, rated well or not (implicit model).',
} as const

export const solverHints = {
  sgd: 'Stochastic gradient descent, a small step for each rating, in one kernel. A good first choice.',
  adam: 'Gradient descent in batches whose steps fit themselves to every number. It needs more epochs.',
  als: 'Alternating least squares solves for all users, then for all items. Needs few epochs, each of them longer.',
} as const

export const fields: Record<FieldName, { label: string; hint: string; keyboard: 'numeric' | 'decimal' }> = {
  factors: { label: 'Factors', hint: 'Numbers learnt about each user and each item.', keyboard: 'numeric' },
  epochs: { label: 'Epochs', hint: 'How often training passes over all ratings.', keyboard: 'numeric' },
  rate: { label: 'Learning rate', hint: 'Size of a step. Too large, and it diverges.', keyboard: 'decimal' },
  penalty: { label: 'Penalty', hint: 'Keeps it from learning by heart (regularization).', keyboard: 'decimal' },
  seed: { label: 'Seed', hint: 'The same seed gives the same run.', keyboard: 'numeric' },
}

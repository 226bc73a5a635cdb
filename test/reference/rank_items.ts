import { type ReferenceModel, score } from './score.ts'

export interface RankedItem {
  item: number
  score: number
}

/** The `k` items with the highest scores for a user, best first, ties by item: a full sort. */
export function rankedItems(
  model: ReferenceModel,
  user: number,
  k: number,
  allowed: (item: number) => boolean,
): RankedItem[] {
  return Array.from({ length: model.items }, (_, item) => ({ item, score: score(model, user, item) }))
    .filter(({ item }) => allowed(item))
    .sort((a, b) => (a.score === b.score ? a.item - b.item : b.score > a.score ? 1 : -1))
    .slice(0, k)
}

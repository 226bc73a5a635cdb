import { type ReferenceModel, score } from './score.ts'

/** How many of the allowed items have a higher score for a user than `threshold`, and how many the same. */
export function countItems(
  model: ReferenceModel,
  user: number,
  threshold: number,
  allowed: (item: number) => boolean,
): { above: number; equal: number } {
  const scores = Array.from({ length: model.items }, (_, item) => item)
    .filter(allowed)
    .map(item => score(model, user, item))
  return {
    above: scores.filter(one => one > threshold).length,
    equal: scores.filter(one => one === threshold).length,
  }
}

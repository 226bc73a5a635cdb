import { UNKNOWN } from '../data/ids.ts'
import type { ModelParts } from './parts.ts'

/** score = mu + b_u + b_i + p_u . q_i, in double precision, from what is known of the pair. */
export function scoreOf(parts: ModelParts, user: number, item: number): number {
  const { factors, userFactors, itemFactors, userBias, itemBias } = parts
  let score = parts.mean
  if (user !== UNKNOWN) score += userBias?.[user] ?? 0
  if (item !== UNKNOWN) score += itemBias?.[item] ?? 0
  if (user === UNKNOWN || item === UNKNOWN) return score
  for (let j = 0; j < factors; j++) score += userFactors[user * factors + j]! * itemFactors[item * factors + j]!
  return score
}

/** What a score says in units of the ratings. */
export function predictionOf(
  { link, range, clip }: Pick<ModelParts, 'link' | 'range' | 'clip'>,
  score: number,
): number {
  const value = link === 'bounded' ? range.min + (range.max - range.min) / (1 + Math.exp(-score)) : score
  return clip ? Math.min(range.max, Math.max(range.min, value)) : value
}

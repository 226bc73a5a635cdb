import type { Model } from '../../src/index.ts'
import { kindOf } from './held-model.ts'

/** Stars from which on an item counts as liked, where a model knows nothing between. */
const liked = 3

/** The value of so many stars (0.5 to 5) in the data of a model; undefined where it can make nothing of them. */
export function valueOfStars(model: Model): (stars: number) => number | undefined {
  const kind = kindOf(model)
  if (kind === 'bpr') return stars => (stars >= liked ? 1 : undefined)
  // To implicit models values of 0 and below are dislikes, which count as much as likes.
  if (kind === 'implicit') return stars => (stars >= liked ? 1 : -1)
  const { min, max } = model.parts.range
  if (isStars(model)) return stars => stars
  return stars => Math.max(min, min + ((stars - 1) / 4) * (max - min))
}

/** Whether the ratings of a model are stars themselves, or spread without bounds about a mean that is one of stars. */
function isStars({ parts }: Model): boolean {
  const { min, max } = parts.range
  if (min >= 0 && min <= 2 && max >= 4 && max <= 5.5) return true
  const isContinuous = [min, max].every(bound => !Number.isInteger(4 * bound))
  return isContinuous && parts.link === 'linear' && parts.mean >= 1 && parts.mean <= 5
}

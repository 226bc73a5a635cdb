import type { Ratings } from '../data/ratings.ts'
import { OptionError } from '../errors.ts'
import type { ModelScale } from '../model/tables.ts'
import type { ResolvedOptions } from './options.ts'

/**
 * The fixed part of a model: the range of the ratings and mu, in units of the score. Under the bounded link mu is the
 * score whose prediction is the mean: logit((mean - min) / (max - min)).
 */
export function scaleOf(ratings: Ratings, options: Pick<ResolvedOptions, 'link' | 'globalMean' | 'clip'>): ModelScale {
  const { link, globalMean, clip } = options
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let sum = 0
  for (const value of ratings.values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
    sum += value
  }
  if (link === 'bounded' && min === max) {
    throw new OptionError('link', `"link" bounded needs ratings that differ; all of these are ${min}`)
  }
  const mean = sum / ratings.length
  const share = (mean - min) / (max - min)
  const mu = link === 'bounded' ? Math.log(share / (1 - share)) : mean
  return { link, clip, range: { min, max }, mean: globalMean ? mu : 0 }
}

/** Mean squared error of the constant prediction that `scale` starts from. */
export function constantError(ratings: Ratings, scale: ModelScale): number {
  const { min, max } = scale.range
  const start = scale.link === 'bounded' ? min + (max - min) / (1 + Math.exp(-scale.mean)) : scale.mean
  let sum = 0
  for (const value of ratings.values) sum += (value - start) ** 2
  return sum / ratings.length
}

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
  const { values, length } = ratings
  for (let entry = 0; entry < length; entry++) {
    const value = values[entry]!
    if (value < min) min = value
    if (value > max) max = value
    sum += value
  }
  if (link === 'bounded' && min === max) {
    throw new OptionError('link', `"link" bounded needs ratings that differ; all of these are ${min}`)
  }
  const mean = sum / length
  const share = (mean - min) / (max - min)
  const mu = link === 'bounded' ? Math.log(share / (1 - share)) : mean
  // As the GPU has it, and so that the order of the entries, which decides the last bits of the sum, has no bearing on it.
  return { link, clip, range: { min, max }, mean: globalMean ? Math.fround(mu) : 0 }
}

/**
 * A mean squared error that only a diverging training shows, and none for the solvers whose loss is no such thing or that
 * cannot diverge: ten times that of the constant prediction that it starts
 * from, beside the noise of the initial parameters and a tenth of the ratings' mean square, which leaves room where the
 * ratings hardly differ.
 */
export function divergedAbove(
  ratings: Ratings,
  scale: ModelScale,
  options: Pick<ResolvedOptions, 'model' | 'solver' | 'factors' | 'initStd' | 'biasInitStd'>,
): number {
  if (options.model !== 'explicit' || options.solver === 'als') return Number.POSITIVE_INFINITY
  const { min, max } = scale.range
  const start = scale.link === 'bounded' ? min + (max - min) / (1 + Math.exp(-scale.mean)) : scale.mean
  let error = 0
  let square = 0
  const { values, length } = ratings
  for (let entry = 0; entry < length; entry++) {
    const value = values[entry]!
    error += (value - start) ** 2
    square += value ** 2
  }
  const noise = options.factors * options.initStd ** 4 + 2 * options.biasInitStd ** 2
  return 10 * (error / length + noise) + (0.1 * square) / length
}

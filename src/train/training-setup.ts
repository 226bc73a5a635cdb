import { mergeDuplicates } from '../data/duplicates.ts'
import { UNKNOWN } from '../data/ids.ts'
import type { Ratings } from '../data/ratings.ts'
import { rowCounts } from '../data/row-counts.ts'
import { splitRandom } from '../data/split.ts'
import { InputError, OptionError } from '../errors.ts'
import type { ModelScale } from '../model/tables.ts'
import { errorScale } from '../solvers/error-scale.ts'
import { type ResolvedOptions, resolveOptions, type TrainOptions } from './options.ts'
import { divergedAbove, scaleOf } from './scale.ts'
import type { TrainingExtras } from './training-types.ts'
import { type RankedEntries, rankedEntries } from './validation.ts'
import { growRatings, warmOptions, warmScale } from './warm-start.ts'

/** All that a training has before anything lies on the GPU. */
export interface TrainingSetup {
  options: ResolvedOptions
  /** All entries, those for validation included where they were split off. */
  ratings: Ratings
  train: Ratings
  validation: Ratings | undefined
  /** What a model that ranks is validated on. */
  ranked: RankedEntries | undefined
  scale: ModelScale
  divergedAbove: number
}

/** @throws OptionError, InputError */
export function setUp(
  given: Ratings,
  own: TrainOptions,
  { validation: held, from }: Pick<TrainingExtras, 'validation' | 'from'>,
): TrainingSetup {
  const chosen = from === undefined ? own : warmOptions(from, own)
  const { validationRatio, seed, patience, model } = resolveOptions(chosen)
  checkTrainable(given)
  if (held !== undefined && validationRatio > 0) {
    throw new OptionError('validationRatio', '"validationRatio" does not go with validation entries of your own')
  }
  // Implicit entries of one cell are parts of its count or strength; bpr takes each for a positive of its own.
  const entries = model === 'implicit' ? mergeDuplicates(given, 'sum') : given
  const ratings = from === undefined ? entries : growRatings(entries, from)
  const parts = validationRatio > 0 ? splitRandom(ratings, { ratio: validationRatio, seed }) : undefined
  const train = parts?.train ?? ratings
  const validation = parts?.test ?? held?.alignTo(ratings.userIds, ratings.itemIds)
  if (validation?.length === 0) throw new OptionError('validation', 'there are no entries to validate on')
  if (patience > 0 && validation === undefined) {
    throw new OptionError('patience', '"patience" needs validation entries: give a "validationRatio"')
  }
  const ranks = validation !== undefined && model !== 'explicit'
  const option = parts === undefined ? 'validation' : 'validationRatio'
  const ranked = ranks ? rankedEntries(train, validation, { option, model }) : undefined
  const fresh = scaleOf(train, resolveOptions(chosen))
  const scale = from === undefined ? fresh : warmScale(from, fresh)
  const options = resolveOptions(chosen, {
    ...errorScale(train, scale),
    density: train.length / (ratings.userCount * ratings.itemCount),
  })
  return { options, ratings, train, validation, ranked, scale, divergedAbove: divergedAbove(train, scale, options) }
}

function checkTrainable(ratings: Ratings): void {
  const { users, items, length } = ratings
  if (length === 0) throw new InputError('there are no ratings to train on')
  // Counts of known rows, which the solver wants anyway.
  const counts = rowCounts(ratings)
  const known = [counts.users, counts.items].map(rows => rows.reduce((sum, count) => sum + count, 0))
  if (Math.min(...known) === length) return
  for (let e = 0; e < length; e++) {
    if (users[e] === UNKNOWN || items[e] === UNKNOWN) {
      throw new InputError(`entry ${e} names an unknown user or item; training needs entries whose ids are all known`)
    }
  }
}

import type { Ratings } from '../data/ratings.ts'
import type { TrainingMemory } from './memory.ts'
import type { TrainingSetup } from './training-setup.ts'
import type { TrainingExtras } from './training-types.ts'

/** Bytes of arrays on the host by what they are for, and the most that they are together. */
export interface HostBytes {
  /** Entries and ids, those that were given and those that were split off or merged. */
  ratings: number
  /** What the entries are packed into, and what that takes meanwhile. */
  packing: number
  /** The initial parameters, those of the best epoch, and the ones from before that are not collected yet. */
  parameters: number
  /** Which items each user has seen, for the model. */
  seen: number
  total: number
}

/** Text ids take about so many bytes each, with their place in the table. */
const textBytes = 80

/** A number and its place in a table of them. */
const numberBytes = 24

/**
 * What a training holds on the host: arrays alone, without the process, the code, and what a GPU that is software takes.
 * Packing comes first, the model last; not both at once.
 */
export function hostBytesOf(
  given: Ratings,
  { ratings, train, validation, options: { factors } }: TrainingSetup,
  { packingBytes }: Pick<TrainingMemory, 'packingBytes'>,
  { keepSeen = true }: Pick<TrainingExtras, 'keepSeen'>,
): HostBytes {
  const entriesOf = ({ length, times }: Ratings) => length * (times === undefined ? 12 : 20)
  const sets = new Set([given, ratings, train, ...(validation === undefined ? [] : [validation])])
  const ids = [given.userIds, given.itemIds].reduce(
    (sum, { kind, size }) => sum + size * (kind === 'integer' ? numberBytes : textBytes),
    0,
  )
  const own = {
    ratings: [...sets].reduce((sum, one) => sum + entriesOf(one), ids),
    packing: packingBytes,
    parameters: 3 * 4 * (factors + 1) * (train.userCount + train.itemCount),
    seen: keepSeen ? 8 * ratings.length + 4 * (ratings.userCount + 1) : 0,
  }
  return { ...own, total: own.ratings + own.parameters + Math.max(own.packing, own.seen) }
}

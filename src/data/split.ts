import { InputError, OptionError } from '../errors.ts'
import { Random } from './random.ts'
import type { Ratings } from './ratings.ts'

/** Two parts of one set of ratings, over the same users and items; each keeps the order of the entries. */
export interface Split {
  train: Ratings
  test: Ratings
}

/** Random streams, apart from those that a training draws from with the same seed. */
const RANDOM_STREAM = 0x73706c74
const FOLDS_STREAM = 0x666f6c64

/**
 * A random share `ratio` of the entries as the test, drawn without replacement: round(ratio * entries) of them, at
 * least one, and at least one stays for the training. Selection sampling (Knuth, The Art of Computer Programming 2,
 * 3.4.2, algorithm S): entry e is taken with probability (still needed) / (still to come).
 * @throws OptionError where `ratio` is not between 0 and 1, or `seed` no integer from 0 to 2^32 - 1.
 * @throws InputError where there are fewer than two entries.
 */
export function splitRandom(ratings: Ratings, options: { ratio: number; seed: number }): Split {
  const { ratio, seed } = options
  if (!(ratio > 0 && ratio < 1)) throw new OptionError('ratio', `"ratio" must lie between 0 and 1, not ${ratio}`)
  checkSeed(seed)
  const { length } = ratings
  if (length < 2) throw new InputError(`${length} entries cannot be split into a training and a test part`)
  const random = new Random(seed, RANDOM_STREAM)
  let needed = Math.min(Math.max(Math.round(ratio * length), 1), length - 1)
  const inTest = new Uint8Array(length)
  for (let e = 0; e < length; e++) {
    if (random.uniform() * (length - e) >= needed) continue
    inTest[e] = 1
    needed--
  }
  return splitBy(ratings, e => inTest[e] === 1)
}

/**
 * The last entry of each user by time as the test (leave-one-out); among equal times the one that stands last. The only
 * entry of a user stays in the training, and so do entries of unknown users.
 * @throws InputError where the ratings have no times, or a time is not a number.
 */
export function splitLast(ratings: Ratings): Split {
  const { users, times, userCount, length } = ratings
  if (times === undefined) throw new InputError('to split by last entries, each entry needs a time; these have none')
  const count = new Uint32Array(userCount)
  const last = new Uint32Array(userCount)
  for (let e = 0; e < length; e++) {
    if (Number.isNaN(times[e])) throw new InputError(`the time of entry ${e} (counted from 0) is not a number`)
    const u = users[e]!
    if (u >= userCount) continue
    if (count[u] === 0 || times[e]! >= times[last[u]!]!) last[u] = e
    count[u]!++
  }
  return splitBy(ratings, e => {
    const u = users[e]!
    return u < userCount && count[u]! > 1 && last[u] === e
  })
}

/**
 * The splits of a k-fold cross-validation: entries are dealt at random to `folds` parts whose sizes differ by at most
 * one, and each part in turn is the test. A split is made when it is asked for, so that one is held at a time; the
 * result can be iterated again and gives the same splits.
 * @throws OptionError where `folds` is no integer from 2 up, or `seed` no integer from 0 to 2^32 - 1.
 * @throws InputError where there are fewer entries than folds.
 */
export function splitFolds(ratings: Ratings, options: { folds: number; seed: number }): Iterable<Split> {
  const { folds, seed } = options
  if (!(Number.isSafeInteger(folds) && folds >= 2)) {
    throw new OptionError('folds', `"folds" must be an integer of at least 2, not ${folds}`)
  }
  checkSeed(seed)
  const { length } = ratings
  if (length < folds) throw new InputError(`${length} entries cannot be dealt to ${folds} folds`)
  const foldOf = new Uint32Array(length)
  for (let e = 0; e < length; e++) foldOf[e] = e % folds
  new Random(seed, FOLDS_STREAM).shuffle(foldOf)
  return {
    *[Symbol.iterator]() {
      for (let fold = 0; fold < folds; fold++) yield splitBy(ratings, e => foldOf[e] === fold)
    },
  }
}

function checkSeed(seed: number): void {
  if (!(Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff)) {
    throw new OptionError('seed', `"seed" must be an integer from 0 to 4294967295, not ${seed}`)
  }
}

function splitBy(ratings: Ratings, inTest: (entry: number) => boolean): Split {
  const { length } = ratings
  // The test fills `positions` from its end, in reverse, the training from its start.
  const positions = new Uint32Array(length)
  let trainLength = 0
  let testStart = length
  for (let e = 0; e < length; e++) {
    if (inTest(e)) positions[--testStart] = e
    else positions[trainLength++] = e
  }
  return {
    train: ratings.select(positions.subarray(0, trainLength)),
    test: ratings.select(positions.subarray(testStart).reverse()),
  }
}

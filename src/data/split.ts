import { InputError, OptionError } from '../errors.ts'
import { groupByKey } from './group.ts'
import { Random } from './random.ts'
import { type Ratings, ratingsOf } from './ratings.ts'

/** Two parts of one set of ratings, over the same users and items; each keeps the order of the entries. */
export interface Split {
  train: Ratings
  test: Ratings
}

/** Random streams, apart from those that a training draws from with the same seed. */
const RANDOM_STREAM = 0x73706c74
const FOLDS_STREAM = 0x666f6c64
const STRATA_STREAM = 0x73747261

/**
 * A random share `ratio` of the entries as the test, drawn without replacement: round(ratio * entries) of them, at
 * least one, and at least one stays for the training. Selection sampling (Knuth, The Art of Computer Programming 2,
 * 3.4.2, algorithm S): entry e is taken with probability (still needed) / (still to come).
 * @throws OptionError where `ratio` is not between 0 and 1, or `seed` no integer from 0 to 2^32 - 1.
 * @throws InputError where there are fewer than two entries.
 */
export function splitRandom(ratings: Ratings, options: { ratio: number; seed: number }): Split {
  const { random, needed } = randomTest(ratings, options)
  const inTest = new Uint8Array(ratings.length)
  drawPlaces(random, ratings.length, needed, e => {
    inTest[e] = 1
  })
  return splitBy(ratings, inTest, needed)
}

/**
 * `splitRandom` in the arrays of `ratings`, which are not to be used any more: the training's entries take their start, the
 * test's their end. For sets that hardly fit memory once.
 * @throws OptionError, InputError, as it does
 */
export function splitRandomInPlace(ratings: Ratings, options: { ratio: number; seed: number }): Split {
  const { random, needed } = randomTest(ratings, options)
  const { users, items, values, times, userIds, itemIds, length } = ratings
  const test = emptyPart(ratings, needed)
  const { users: testUsers, items: testItems, values: testValues } = test
  let taken = 0
  for (let e = 0; e < length; e++) {
    if (random.uniform() * (length - e) < needed - taken) {
      testUsers[taken] = users[e]!
      testItems[taken] = items[e]!
      testValues[taken] = values[e]!
      if (times !== undefined) test.times![taken] = times[e]!
      taken++
    } else {
      users[e - taken] = users[e]!
      items[e - taken] = items[e]!
      values[e - taken] = values[e]!
      if (times !== undefined) times[e - taken] = times[e]!
    }
  }
  const cut = length - needed
  users.set(testUsers, cut)
  items.set(testItems, cut)
  values.set(testValues, cut)
  if (times !== undefined) times.set(test.times!, cut)
  const part = (from: number, to: number) =>
    ratingsOf({
      users: users.subarray(from, to),
      items: items.subarray(from, to),
      values: values.subarray(from, to),
      times: times?.subarray(from, to),
      userIds,
      itemIds,
    })
  return { train: part(0, cut), test: part(cut, length) }
}

/** @throws OptionError, InputError */
function randomTest({ length }: Ratings, { ratio, seed }: { ratio: number; seed: number }) {
  checkRatio(ratio)
  checkSeed(seed)
  if (length < 2) throw new InputError(`${length} entries cannot be split into a training and a test part`)
  const needed = Math.min(Math.max(Math.round(ratio * length), 1), length - 1)
  return { random: new Random(seed, RANDOM_STREAM), needed }
}

/**
 * A random share `ratio` of each item's (or each user's) entries as the test, drawn without replacement:
 * round(ratio * entries) of them, so that a row may have no test entry, or nothing else. Entries of unknown rows stay in
 * the training.
 * @throws OptionError where `ratio` is not between 0 and 1, `seed` no integer from 0 to 2^32 - 1, or `by` neither side.
 * @throws InputError where one of the parts would be empty.
 */
export function splitStratified(
  ratings: Ratings,
  options: { ratio: number; seed: number; by: 'items' | 'users' },
): Split {
  const { ratio, seed, by } = options
  checkRatio(ratio)
  checkSeed(seed)
  if (by !== 'items' && by !== 'users') {
    throw new OptionError('by', `"by" must be one of items, users, not ${JSON.stringify(by)}`)
  }
  const { offsets, order } = groupByKey(ratings[by], by === 'items' ? ratings.itemCount : ratings.userCount)
  const random = new Random(seed, STRATA_STREAM)
  const inTest = new Uint8Array(ratings.length)
  let taken = 0
  for (let row = 0; row + 1 < offsets.length; row++) {
    const first = offsets[row]!
    const count = offsets[row + 1]! - first
    drawPlaces(random, count, Math.round(ratio * count), place => {
      inTest[order[first + place]!] = 1
      taken++
    })
  }
  if (taken === 0 || taken === ratings.length) {
    const part = taken === 0 ? 'test' : 'training'
    throw new InputError(`a share of ${ratio} of the entries of each of the ${by} leaves the ${part} empty`)
  }
  return splitBy(ratings, inTest, taken)
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
  const inTest = new Uint8Array(length)
  let taken = 0
  for (let u = 0; u < userCount; u++) {
    if (count[u]! <= 1) continue
    inTest[last[u]!] = 1
    taken++
  }
  return splitBy(ratings, inTest, taken)
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
      for (let fold = 0; fold < folds; fold++) {
        const inTest = new Uint8Array(length)
        let taken = 0
        for (let e = 0; e < length; e++) {
          if (foldOf[e] !== fold) continue
          inTest[e] = 1
          taken++
        }
        yield splitBy(ratings, inTest, taken)
      }
    },
  }
}

/**
 * Draws `needed` of the places 0 to count - 1, in order. Selection sampling (Knuth, The Art of Computer Programming 2,
 * 3.4.2, algorithm S): a place is taken with probability (still needed) / (still to come).
 */
function drawPlaces(random: Random, count: number, needed: number, take: (place: number) => void): void {
  let left = needed
  for (let place = 0; place < count; place++) {
    if (random.uniform() * (count - place) >= left) continue
    take(place)
    left--
  }
}

function checkRatio(ratio: number): void {
  if (!(ratio > 0 && ratio < 1)) throw new OptionError('ratio', `"ratio" must lie between 0 and 1, not ${ratio}`)
}

function checkSeed(seed: number): void {
  if (!(Number.isInteger(seed) && seed >= 0 && seed <= 0xffffffff)) {
    throw new OptionError('seed', `"seed" must be an integer from 0 to 4294967295, not ${seed}`)
  }
}

/** @param inTest 1 for each entry of the test, of which there are `testLength`; 0 for the others */
function splitBy(ratings: Ratings, inTest: Uint8Array, testLength: number): Split {
  const { users, items, values, times, length } = ratings
  const test = emptyPart(ratings, testLength)
  const train = emptyPart(ratings, length - testLength)
  const { users: testUsers, items: testItems, values: testValues } = test
  const { users: trainUsers, items: trainItems, values: trainValues } = train
  let taken = 0
  for (let e = 0; e < length; e++) {
    if (inTest[e] === 1) {
      testUsers[taken] = users[e]!
      testItems[taken] = items[e]!
      testValues[taken] = values[e]!
      taken++
    } else {
      trainUsers[e - taken] = users[e]!
      trainItems[e - taken] = items[e]!
      trainValues[e - taken] = values[e]!
    }
  }
  if (times !== undefined) splitColumn(times, inTest, train.times!, test.times!)
  return { train: ratingsOf(train), test: ratingsOf(test) }
}

/** Room for so many of the ratings. */
function emptyPart({ times, userIds, itemIds }: Ratings, length: number) {
  return {
    users: new Uint32Array(length),
    items: new Uint32Array(length),
    values: new Float32Array(length),
    times: times === undefined ? undefined : new Float64Array(length),
    userIds,
    itemIds,
  }
}

function splitColumn(column: Float64Array, inTest: Uint8Array, train: Float64Array, test: Float64Array): void {
  let taken = 0
  for (let e = 0; e < column.length; e++) {
    if (inTest[e] === 1) test[taken++] = column[e]!
    else train[e - taken] = column[e]!
  }
}

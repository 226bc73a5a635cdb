import { InputError, OptionError } from '../errors.ts'
import { IdTable, UNKNOWN } from './ids.ts'
import { MOST_GROUPS, type PlantedGroups, plantGroups } from './planted-groups.ts'
import { drawPairs, shufflePairs, type Taste } from './planted-pairs.ts'
import { Random } from './random.ts'
import { Ratings } from './ratings.ts'

export interface PlantedOptions {
  users: number
  items: number
  /** Observed entries, met exactly; at most users * items. */
  entries: number
  /** Rank k of the planted factors. */
  rank?: number
  /** Standard deviation of the Gaussian noise on each rating. */
  noise?: number
  /** mu */
  mean?: number
  /** Standard deviation of the user biases b_u. */
  userBiasSd?: number
  /** Standard deviation of the item biases b_i. */
  itemBiasSd?: number
  /** Standard deviation of p_u . q_i over all pairs. */
  interactionSd?: number
  /** Groups of like items, as genres are: from 2 to the number of items and at most 256; 0 for none. */
  groups?: number
  /** Share of the variance of p_u . q_i that lies between the groups, from 0 to 1. Without groups it has no effect. */
  groupShare?: number
  /**
   * How much users take what they like: an item drawn by its popularity is taken with probability
   * 1 / (1 + exp(-taste p_u . q_i / interactionSd)); 0 for by popularity alone.
   */
  taste?: number
  /** s of the popularity of the item of rank j (from 1), (j + shift * items)^-s; 0 makes all alike. */
  itemExponent?: number
  /** Shift of that law, as a share of the items: flattens its head; 0 is Zipf's law. */
  itemShift?: number
  /** The same for the activity of users. */
  userExponent?: number
  userShift?: number
  seed?: number
}

/** The options that are not given take these: the head and the middle of the popularities are about those of ML-1M. */
export const PLANTED_DEFAULTS = {
  rank: 8,
  noise: 0.6,
  mean: 3.5,
  userBiasSd: 0.35,
  itemBiasSd: 0.35,
  interactionSd: 0.6,
  groups: 0,
  groupShare: 0.7,
  taste: 0,
  itemExponent: 2,
  itemShift: 0.035,
  userExponent: 1.5,
  userShift: 0.08,
  seed: 0,
} as const satisfies Omit<Required<PlantedOptions>, 'users' | 'items' | 'entries'>

/** Ratings drawn from a known model of low rank, and what is known of them. */
export interface PlantedSet {
  ratings: Ratings
  /** Standard deviation of the noise. */
  noise: number
  /** The rating without noise of a dense user and a dense item index of `ratings`: mu + b_u + b_i + p_u . q_i. */
  truth: (user: number, item: number) => number
  /**
   * RMSE of the truth against `subset`, by default against all of `ratings`: no predictor that was not trained on the
   * subset can be expected to do better. The subset may be numbered by other id tables.
   * @throws InputError where the subset is empty or names a user or an item that the planted set does not have.
   */
  noiseFloor: (subset?: Ratings) => number
  /** Group of each dense item index of `ratings`, from 0; empty without groups. */
  itemGroups: Uint8Array
}

/**
 * Draws a planted set: r = mu + b_u + b_i + p_u . q_i + noise, all parameters and the noise Gaussian, ratings
 * continuous and neither rounded nor clipped.
 *
 * The raw id of a user or an item is its rank by expected count, from 1. A user's entries are drawn without replacement
 * by the popularity of the items, and by taste where that is asked for, so that no pair stands twice; entries come in random
 * order. As in any `Ratings`, users
 * and items are numbered by first appearance, and those without an entry are in no id table.
 *
 * With groups, the factors of an item of group g are q = s (sqrt(share) c_g + sqrt(1 - share) z), where z is Gaussian of
 * unit variance. The centres c_g have mean 0 and mean square k over the items (`plantGroups` says where they lie, and
 * how large the groups are), so that the variance of p_u . q_i is what it is without groups.
 *
 * O(users + items + entries * log items) time, 12 bytes an entry. The same options give the same bits in one JavaScript
 * engine; `Math.log` and `Math.cos` may differ by a last bit between engines.
 * @throws OptionError for a value out of its range, as more entries than pairs.
 */
export function plantedRatings(options: PlantedOptions): PlantedSet {
  const settings = { ...PLANTED_DEFAULTS, ...options }
  checkOptions(settings)
  const { users: userTotal, items: itemTotal, entries, noise, seed } = settings

  const planted = settings.groups === 0 ? undefined : drawGroups(settings)
  const { rating, interaction } = drawTruth(settings, planted)

  const users = new Uint32Array(entries)
  const items = new Uint32Array(entries)
  drawPairs(settings, users, items, new Random(seed, STREAMS.pairs), tasteOf(settings, interaction))
  shufflePairs(users, items, new Random(seed, STREAMS.order))
  const userRanks = renumber(users, userTotal)
  const itemRanks = renumber(items, itemTotal)

  const truth = (user: number, item: number) => rating(userRanks[user]!, itemRanks[item]!)
  const values = new Float32Array(entries)
  const random = new Random(seed, STREAMS.noise)
  for (let e = 0; e < entries; e++) values[e] = truth(users[e]!, items[e]!) + noise * random.normal()

  const userIds = new IdTable(Float64Array.from(userRanks, rank => rank + 1))
  const itemIds = new IdTable(Float64Array.from(itemRanks, rank => rank + 1))
  const ratings = new Ratings({ users, items, values, userIds, itemIds })
  return {
    ratings,
    noise,
    truth,
    noiseFloor: (subset = ratings) => rmse(truth, subset.alignTo(userIds, itemIds)),
    itemGroups: planted === undefined ? new Uint8Array(0) : Uint8Array.from(itemRanks, rank => planted.groups[rank]!),
  }
}

type Settings = Required<PlantedOptions>

const STREAMS = {
  pairs: 0x706c6e74,
  order: 0x706c6e75,
  factors: 0x706c6e76,
  noise: 0x706c6e77,
  groups: 0x706c6e78,
  taste: 0x706c6e79,
} as const

function checkOptions(settings: Settings): void {
  const check = (option: keyof Settings, holds: boolean, expected: string) => {
    if (!holds) throw new OptionError(option, `"${option}" must be ${expected}, not ${settings[option]}`)
  }
  for (const option of ['users', 'items', 'entries', 'rank'] as const) {
    const value = settings[option]
    check(option, Number.isInteger(value) && value > 0 && value < UNKNOWN, 'a positive integer below 2^32 - 1')
  }
  const { users, items, entries, seed } = settings
  check('entries', entries <= users * items, `at most users * items = ${users * items}`)
  for (const option of ['noise', 'userBiasSd', 'itemBiasSd', 'interactionSd', 'itemShift', 'userShift'] as const) {
    check(option, Number.isFinite(settings[option]) && settings[option] >= 0, 'a finite number of at least 0')
  }
  for (const option of ['itemExponent', 'userExponent', 'taste'] as const) {
    check(option, settings[option] >= 0 && settings[option] <= 10, 'a number from 0 to 10')
  }
  const { groups, groupShare } = settings
  const mostGroups = Math.min(items, MOST_GROUPS)
  check(
    'groups',
    groups === 0 || (Number.isInteger(groups) && groups >= 2 && groups <= mostGroups),
    mostGroups < 2 ? '0 for a single item' : `0 or an integer from 2 to ${mostGroups}`,
  )
  check('groupShare', groupShare >= 0 && groupShare <= 1, 'a number from 0 to 1')
  check('mean', Number.isFinite(settings.mean), 'a finite number')
  check('seed', Number.isInteger(seed) && seed >= 0 && seed <= UNKNOWN, 'an integer from 0 to 2^32 - 1')
}

/** Renumbers ranks by first appearance, in place; returns the rank of each new index. */
function renumber(ranks: Uint32Array, total: number): Uint32Array {
  const indexOf = new Uint32Array(total).fill(UNKNOWN)
  const rankOf = new Uint32Array(total)
  let size = 0
  for (let e = 0; e < ranks.length; e++) {
    const rank = ranks[e]!
    if (indexOf[rank] === UNKNOWN) {
      indexOf[rank] = size
      rankOf[size++] = rank
    }
    ranks[e] = indexOf[rank]!
  }
  return rankOf.slice(0, size)
}

/** Whether a user takes an item that was drawn; undefined where all are taken. */
function tasteOf({ taste, interactionSd, seed }: Settings, interaction: Truth['interaction']): Taste | undefined {
  if (taste === 0 || interactionSd === 0) return undefined
  const random = new Random(seed, STREAMS.taste)
  return (user, item) => random.uniform() < 1 / (1 + Math.exp((-taste * interaction(user, item)) / interactionSd))
}

function drawGroups({ items, groups, rank, seed }: Settings): PlantedGroups {
  return plantGroups(items, groups, rank, new Random(seed, STREAMS.groups))
}

/** What ratings are drawn from, by the ranks of users and items. */
interface Truth {
  /** mu + b_u + b_i + p_u . q_i */
  rating(user: number, item: number): number
  /** p_u . q_i */
  interaction(user: number, item: number): number
}

/**
 * Draws biases and factors. With p and q from N(0, s^2), the variance of p_u . q_i is k s^4, hence
 * s = sqrt(interactionSd) / k^(1/4).
 */
function drawTruth(settings: Settings, planted: PlantedGroups | undefined): Truth {
  const { rank: k, mean } = settings
  const random = new Random(settings.seed, STREAMS.factors)
  const gaussian = (length: number, sd: number) => {
    const values = new Float32Array(length)
    for (let at = 0; at < length; at++) values[at] = sd * random.normal()
    return values
  }
  const factorSd = Math.sqrt(settings.interactionSd) / k ** 0.25
  const userBias = gaussian(settings.users, settings.userBiasSd)
  const itemBias = gaussian(settings.items, settings.itemBiasSd)
  const p = gaussian(settings.users * k, factorSd)
  const share = planted === undefined ? 0 : settings.groupShare
  const q = gaussian(settings.items * k, factorSd * Math.sqrt(1 - share))
  planted?.groups.forEach((group, rank) => {
    for (let f = 0; f < k; f++) q[rank * k + f]! += factorSd * Math.sqrt(share) * planted.centres[group * k + f]!
  })
  const plusProduct = (start: number, user: number, item: number) => {
    let sum = start
    for (let f = 0; f < k; f++) sum += p[user * k + f]! * q[item * k + f]!
    return sum
  }
  return {
    rating: (user, item) => plusProduct(mean + userBias[user]! + itemBias[item]!, user, item),
    interaction: (user, item) => plusProduct(0, user, item),
  }
}

function rmse(truth: PlantedSet['truth'], { users, items, values, length }: Ratings): number {
  if (length === 0) throw new InputError('a noise floor needs at least one entry')
  let squares = 0
  for (let e = 0; e < length; e++) {
    if (users[e] === UNKNOWN || items[e] === UNKNOWN) {
      throw new InputError(`entry ${e} (counted from 0) names a user or an item that the planted set does not have`)
    }
    squares += (values[e]! - truth(users[e]!, items[e]!)) ** 2
  }
  return Math.sqrt(squares / length)
}

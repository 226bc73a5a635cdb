import { IdTable, type RawId } from '../data/ids.ts'
import { Ratings } from '../data/ratings.ts'
import { mergeSeen, type SeenItems } from '../data/seen.ts'
import { InputError, OptionError } from '../errors.ts'
import type { Model } from '../model/model.ts'
import type { ModelScale, Parameters } from '../model/tables.ts'
import { resolveOptions, type TrainOptions } from './options.ts'

// A training that goes on from a model: its rows come first, in their order, and new ones behind them.

/** Options of a training that its model does not pass on: how long it took, what it drew, how it was cut for a device. */
const ofTheTraining: readonly string[] = [
  'epochs',
  'seed',
  'validationRatio',
  'patience',
  'workers',
  'strata',
  'precision',
]

/** Options whose resolved values follow others: they are not passed on where the caller sets one of those. */
const followers: Partial<Record<keyof TrainOptions, readonly (keyof TrainOptions)[]>> = {
  regularization: ['userRegularization', 'itemRegularization', 'biasRegularization'],
  learningRate: ['userLearningRate', 'itemLearningRate', 'biasLearningRate'],
  alpha: ['unobservedWeight', 'penalty', 'regularization', 'userRegularization', 'itemRegularization'],
  unobservedWeight: ['alpha', 'penalty', 'regularization', 'userRegularization', 'itemRegularization'],
}

/** Options that choose a way to train: where it is another one, nothing is passed on but kind, rank and form. */
const ways = ['solver', 'optimizer', 'batchSize'] as const

/** All models have a batch size among their options; it is the way of those by mini-batches. */
const isOther = (way: (typeof ways)[number], trained: Readonly<Record<string, unknown>>, options: TrainOptions) =>
  options[way] !== undefined &&
  (options[way] !== trained[way] || (way === 'batchSize' && trained.solver !== 'minibatch'))

/**
 * The options of a training that goes on from a model: kind, rank and form are the model's, and so is what else its training
 * was told, but for its length and its draws, unless the caller says otherwise.
 * @throws OptionError where the caller wants another kind, rank or form; InputError where the model's options are none
 */
export function warmOptions(model: Model, options: TrainOptions): TrainOptions {
  const { parts } = model
  const own: TrainOptions = {
    model: kindOf(model),
    factors: parts.factors,
    link: parts.link,
    ...(kindOf(model) === 'implicit' ? {} : { biases: parts.itemBias !== undefined }),
  }
  const given: TrainOptions = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  for (const [name, value] of Object.entries(own)) {
    const wanted = given[name as keyof TrainOptions]
    if (wanted !== undefined && wanted !== value) {
      throw new OptionError(name, `"${name}" is ${value} in the model that the training goes on from, not ${wanted}`)
    }
  }
  return { ...passedOn(parts.options, given), ...own, ...given }
}

function passedOn(trained: Readonly<Record<string, unknown>>, options: TrainOptions): TrainOptions {
  if (ways.some(way => isOther(way, trained, options))) return {}
  const left = new Set<string>(ofTheTraining)
  for (const [name, following] of Object.entries(followers)) {
    if (options[name as keyof TrainOptions] !== undefined) for (const follower of following) left.add(follower)
  }
  const kept = Object.fromEntries(Object.entries(trained).filter(([name]) => !left.has(name)))
  try {
    resolveOptions(kept)
  } catch (error) {
    throw new InputError(`the options of the model are not ones of a training: ${(error as Error).message}`)
  }
  return kept
}

/** What the entries of a model mean. */
export const kindOf = ({ parts }: Model): NonNullable<TrainOptions['model']> => {
  const kind = parts.options.model
  return kind === 'implicit' || kind === 'bpr' ? kind : 'explicit'
}

/** The same entries, numbered by the model's ids and, behind them, the ratings' new ones. */
export function growRatings(ratings: Ratings, { parts }: Model): Ratings {
  const userIds = appendIds(parts.userIds, ratings.userIds)
  const itemIds = appendIds(parts.itemIds, ratings.itemIds)
  const { users, items } = ratings.alignTo(userIds, itemIds)
  return new Ratings({ users, items, values: ratings.values, times: ratings.times, userIds, itemIds })
}

/** The ids of one table and, behind them, those of another that it does not hold; strings where either has strings. */
export function appendIds(first: IdTable, more: IdTable): IdTable {
  const added: RawId[] = []
  for (let index = 0; index < more.size; index++) {
    if (first.indexOf(more.at(index)) >= first.size) added.push(more.at(index))
  }
  if (added.length === 0) return first
  if (first.kind === 'integer' && added.every(id => typeof id === 'number')) {
    const ids = new Float64Array(first.size + added.length)
    ids.set(first.values as Float64Array)
    ids.set(added as number[], first.size)
    return new IdTable(ids)
  }
  return new IdTable([...Array.from<RawId, string>(first.values, String), ...added.map(String)])
}

/** The mean stays, since biases and factors hold on to it; the range takes in the new ratings. */
export function warmScale({ parts }: Model, scale: ModelScale): ModelScale {
  const { range } = parts
  // The bounded link turns a score into a share of the range: with another range all predictions would move.
  if (scale.link === 'bounded') return { ...scale, mean: parts.mean, range }
  return {
    ...scale,
    mean: parts.mean,
    range: { min: Math.min(range.min, scale.range.min), max: Math.max(range.max, scale.range.max) },
  }
}

/** Fresh parameters, with the model's in the place of its rows. */
export function warmParameters({ parts }: Model, fresh: Parameters): Parameters {
  fresh.userFactors.set(parts.userFactors)
  fresh.itemFactors.set(parts.itemFactors)
  for (const name of ['userBias', 'itemBias'] as const) {
    const bias = parts[name]
    if (bias !== undefined) fresh[name].set(bias)
  }
  return fresh
}

/** What was seen in the training of the model, and what in this one. */
export function warmSeen({ parts }: Model, seen: SeenItems): SeenItems {
  if (parts.seen === undefined) return seen
  const users = seen.offsets.length - 1
  const offsets = new Uint32Array(users + 1).fill(parts.seen.items.length)
  offsets.set(parts.seen.offsets)
  return mergeSeen({ offsets, items: parts.seen.items }, seen)
}

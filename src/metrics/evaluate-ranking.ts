import { UNKNOWN } from '../data/ids.ts'
import type { Ratings } from '../data/ratings.ts'
import { holdsItem, mergeSeen, type SeenItems, seenItems } from '../data/seen.ts'
import { OptionError } from '../errors.ts'
import type { Model } from '../model/model.ts'
import type { ModelParts } from '../model/parts.ts'
import { areaUnderCurve, checkedAt, RankingMeter } from './ranking.ts'

/** What is ranked: a model, or the tables of a training. */
export type Ranking = Pick<Model, 'itemCount' | 'rankUsers' | 'rankPositives'> & {
  parts: Pick<ModelParts, 'userIds' | 'itemIds' | 'seen'>
}

export interface RankingOptions {
  /** Lengths K of the lists. Default [10]. */
  at?: readonly number[] | undefined
  /** Only test entries with values from this one up are relevant; by default all are. */
  relevantAt?: number | undefined
  /** Entries to leave out of the ranking beside those of the model's own training. */
  seen?: Ratings | undefined
  /** Whether the items of the model's own training entries may appear in the lists. Default false. */
  includeSeen?: boolean | undefined
  /** Whether to measure the area under the ROC curve too, over all items. Default false. */
  auc?: boolean | undefined
  signal?: AbortSignal | undefined
  /** Called after each block of users with how many of them are ranked, and how many there are. */
  onProgress?: ((usersDone: number, users: number) => void) | undefined
}

export interface RankingEvaluation {
  /** Users of the test that have relevant items left, and those that have none. */
  users: { evaluated: number; skipped: number }
  /** Test entries, and those among them whose user or item the model does not know. */
  entries: number
  unknownUsers: number
  unknownItems: number
  /** Relevant test entries that cannot be in a list because the user has seen the item. */
  alreadySeen: number
  /** `precision@10`, `recall@10`, `ndcg@10`, `map@10`, `mrr@10`, `hit@10`, ..., and `auc` on demand. */
  metrics: Record<string, number>
}

/**
 * Ranks all items of a model for the users of a test and measures how well its relevant items stand; on the GPU. Items
 * that a user has seen are no candidates; ids are matched by their raw values.
 * @throws OptionError for an option with a value that it cannot take.
 */
export async function evaluateRanking(
  model: Ranking,
  test: Ratings,
  options: RankingOptions = {},
): Promise<RankingEvaluation> {
  const { auc = false, signal, onProgress } = options
  const at = checkedAt(options.at ?? [10])
  const seen = leftOut(model, options)
  const { relevant, ...counts } = relevantItems(model, test, seen, options)
  const users = usersWithItems(relevant)
  const mask = { seen, signal }
  const meter = new RankingMeter(at)
  const k = Math.min(at.at(-1)!, model.itemCount)
  const areas = { sum: 0, users: 0 }
  let done = 0
  for await (const block of model.rankUsers(users, { ...mask, k })) {
    for (const [place, user] of block.users.entries()) {
      const list = block.items.subarray(place * block.k, place * block.k + block.counts[place]!)
      meter.add(list, itemsOf(relevant, user))
    }
    if (auc) await addAreas(areas, model, block.users, relevant, mask)
    done += block.users.length
    onProgress?.(done, users.length)
  }
  const metrics = meter.metrics()
  if (auc) metrics.auc = areas.sum / areas.users
  return {
    users: { evaluated: users.length, skipped: test.userCount - users.length },
    entries: test.length,
    ...counts,
    metrics,
  }
}

/** Items that each of the model's users is not ranked against. */
function leftOut({ parts }: Ranking, { includeSeen, seen }: RankingOptions): SeenItems {
  const none: SeenItems = { offsets: new Uint32Array(parts.userIds.size + 1), items: new Uint32Array(0) }
  const own = includeSeen ? none : (parts.seen ?? none)
  return seen === undefined ? own : mergeSeen(own, seenItems(seen.alignTo(parts.userIds, parts.itemIds)))
}

/** What the lists are measured against: the relevant items of each of the model's users, and the entries that are not. */
function relevantItems({ parts }: Ranking, test: Ratings, seen: SeenItems, { relevantAt }: RankingOptions) {
  if (relevantAt !== undefined && !Number.isFinite(relevantAt)) {
    throw new OptionError('relevantAt', `"relevantAt" must be a finite number, not ${relevantAt}`)
  }
  const aligned = test.alignTo(parts.userIds, parts.itemIds)
  const kept = new Uint32Array(test.length)
  let length = 0
  const counts = { unknownUsers: 0, unknownItems: 0, alreadySeen: 0 }
  for (let e = 0; e < test.length; e++) {
    const [user, item] = [aligned.users[e]!, aligned.items[e]!]
    if (user === UNKNOWN) counts.unknownUsers++
    if (item === UNKNOWN) counts.unknownItems++
    if (user === UNKNOWN || item === UNKNOWN) continue
    if (relevantAt === undefined || aligned.values[e]! >= relevantAt) kept[length++] = e
  }
  const wanted = aligned.select(kept.subarray(0, length))
  const fresh = notIn(seen, wanted)
  counts.alreadySeen = length - fresh.length
  return { relevant: seenItems(wanted.select(fresh)), ...counts }
}

/** Positions of the entries whose user has not seen the item. */
function notIn({ offsets, items }: SeenItems, { users, items: wanted, length }: Ratings): Uint32Array {
  const fresh = new Uint32Array(length)
  let count = 0
  for (let e = 0; e < length; e++) {
    const user = users[e]!
    if (!holdsItem(items, wanted[e]!, offsets[user]!, offsets[user + 1]!)) fresh[count++] = e
  }
  return fresh.slice(0, count)
}

function usersWithItems({ offsets }: SeenItems): Uint32Array {
  const users = new Uint32Array(offsets.length - 1)
  let count = 0
  for (let u = 0; u < users.length; u++) if (offsets[u + 1]! > offsets[u]!) users[count++] = u
  return users.slice(0, count)
}

function itemsOf({ offsets, items }: SeenItems, user: number): Uint32Array {
  return items.subarray(offsets[user], offsets[user + 1])
}

/** Adds the areas under the ROC curve of users, in ascending order, that have relevant items; those without negatives have none. */
async function addAreas(
  areas: { sum: number; users: number },
  model: Ranking,
  users: Uint32Array,
  relevant: SeenItems,
  mask: { seen: SeenItems; signal: AbortSignal | undefined },
): Promise<void> {
  // Users between them have no relevant items, so that the slices follow one another.
  const first = relevant.offsets[users[0]!]!
  const offsets = new Uint32Array(users.length + 1)
  for (const [place, user] of users.entries()) offsets[place + 1] = relevant.offsets[user + 1]! - first
  const items = relevant.items.subarray(first, first + offsets[users.length]!)
  const { above, equal, negatives } = await model.rankPositives(users, { offsets, items }, mask)
  for (let place = 0; place < users.length; place++) {
    if (negatives[place] === 0) continue
    const [start, end] = [offsets[place]!, offsets[place + 1]!]
    areas.sum += areaUnderCurve(above.subarray(start, end), equal.subarray(start, end), negatives[place]!)
    areas.users++
  }
}

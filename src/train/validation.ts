import { UNKNOWN } from '../data/ids.ts'
import type { Ratings } from '../data/ratings.ts'
import { holdsItem, type SeenItems, seenItems } from '../data/seen.ts'
import { InputError, OptionError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { evaluateRanking } from '../metrics/evaluate-ranking.ts'
import { Ranker } from '../model/ranker.ts'
import { Scorer } from '../model/scorer.ts'
import type { FactorTables, ModelScale } from '../model/tables.ts'

/** What a model is held against after each epoch: the error of its predictions, or where it ranks held-out items. */
export interface ValidationReport {
  /** RMSE in units of the ratings. */
  validationRmse?: number
  /** NDCG@10 over all items but those of a user's training entries. */
  validationNdcg?: number
}

/** Measures a training's tables on entries that it does not train on. */
export interface ValidationMeter {
  /**
   * Throws the signal's reason once it is aborted.
   * @throws InputError where what is measured is not a finite number
   */
  measure(signal?: AbortSignal): Promise<ValidationReport>
  destroy(): void
}

/** The length of the lists. */
export const validatedAt = 10

/** Larger is better. */
export function validationScore({ validationRmse, validationNdcg }: ValidationReport): number {
  return validationNdcg ?? -validationRmse!
}

/**
 * RMSE: for models that predict ratings.
 * @param pieceByPiece whether no more than a piece of many entries is to lie on the GPU at once
 */
export async function validateErrors(
  gpu: Gpu,
  tables: FactorTables,
  scale: ModelScale,
  { entries, pieceByPiece }: { entries: Ratings; pieceByPiece: boolean },
): Promise<ValidationMeter> {
  const scorer = new Scorer(gpu, tables, scale)
  try {
    const meter = await scorer.prepareErrors(entries, { pieceByPiece })
    return {
      async measure(signal) {
        signal?.throwIfAborted()
        return { validationRmse: finite('RMSE', (await meter.measure()).rmse) }
      },
      destroy() {
        meter.destroy()
        scorer.destroy()
      },
    }
  } catch (error) {
    scorer.destroy()
    throw error
  }
}

/** What a ranking is validated on: held-out entries, and what each user's lists leave out. */
export interface RankedEntries {
  entries: Ratings
  seen: SeenItems
}

/**
 * The held-out entries that stand somewhere in a user's list: of users and items of the training, not trained on, and of
 * preference 1 (bpr takes all values for one).
 * @throws OptionError where there is none, so that no epoch is better than another
 */
export function rankedEntries(
  train: Ratings,
  held: Ratings,
  { option, model }: { option: 'validation' | 'validationRatio'; model: 'implicit' | 'bpr' },
): RankedEntries {
  const seen = seenItems(train)
  const left = { unknown: 0, worthless: 0, trained: 0 }
  const kept = new Uint32Array(held.length)
  let length = 0
  for (let e = 0; e < held.length; e++) {
    const [user, item] = [held.users[e]!, held.items[e]!]
    if (user === UNKNOWN || item === UNKNOWN) left.unknown++
    else if (model === 'implicit' && held.values[e]! <= 0) left.worthless++
    else if (holdsItem(seen.items, item, seen.offsets[user]!, seen.offsets[user + 1]!)) left.trained++
    else kept[length++] = e
  }
  if (length === 0) {
    const why = [
      `${left.unknown} are of unknown users or items`,
      `${left.trained} are trained on`,
      ...(model === 'implicit' ? [`${left.worthless} have values of 0 or less`] : []),
    ]
    throw new OptionError(
      option,
      `"${option}" leaves nothing to rank: of the ${held.length} entries held out, ${why.join(', ')}`,
    )
  }
  return { entries: held.select(kept.subarray(0, length)), seen }
}

/** NDCG: for models that rank. */
export function validateRanking(
  gpu: Gpu,
  tables: FactorTables,
  scale: ModelScale,
  { entries, seen }: RankedEntries,
): ValidationMeter {
  const { userIds, itemIds } = entries
  const ranker = new Ranker(gpu, tables, { mean: scale.mean, userIds, itemIds })
  const ranked = {
    parts: { userIds, itemIds, seen },
    itemCount: itemIds.size,
    rankUsers: (users: Uint32Array, options: Parameters<Ranker['rank']>[1]) =>
      ranker.rank(users, { ...options, seen: options.seen ?? seen }),
    rankPositives: (users: Uint32Array, positives: SeenItems, options: Parameters<Ranker['positives']>[2] = {}) =>
      ranker.positives(users, positives, { ...options, seen: options.seen ?? seen }),
  }
  return {
    async measure(signal) {
      signal?.throwIfAborted()
      const { metrics } = await evaluateRanking(ranked, entries, { at: [validatedAt], signal })
      return { validationNdcg: finite('NDCG', metrics[`ndcg@${validatedAt}`]!) }
    },
    destroy() {},
  }
}

/** A number that is none would count as no better than any other. */
function finite(what: string, value: number): number {
  if (Number.isFinite(value)) return value
  throw new InputError(`the validation ${what} is ${value}: its entries or predictions go beyond single precision`)
}

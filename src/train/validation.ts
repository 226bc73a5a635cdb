import type { Ratings } from '../data/ratings.ts'
import { type SeenItems, seenItems } from '../data/seen.ts'
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
  measure(): Promise<ValidationReport>
  destroy(): void
}

/** The length of the lists. */
const validatedAt = 10

/** Larger is better. */
export function validationScore({ validationRmse, validationNdcg }: ValidationReport): number {
  return validationNdcg ?? -validationRmse!
}

/** RMSE: for models that predict ratings. */
export async function validateErrors(
  gpu: Gpu,
  tables: FactorTables,
  scale: ModelScale,
  entries: Ratings,
): Promise<ValidationMeter> {
  const scorer = new Scorer(gpu, tables, scale)
  try {
    const meter = await scorer.prepareErrors(entries)
    return {
      measure: async () => ({ validationRmse: (await meter.measure()).rmse }),
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

/** NDCG: for models that rank. */
export function validateRanking(
  gpu: Gpu,
  tables: FactorTables,
  scale: ModelScale,
  train: Ratings,
  entries: Ratings,
): ValidationMeter {
  const { userIds, itemIds } = train
  const ranker = new Ranker(gpu, tables, { mean: scale.mean, userIds, itemIds })
  const seen = seenItems(train)
  const ranked = {
    parts: { userIds, itemIds, seen },
    itemCount: itemIds.size,
    rankUsers: (users: Uint32Array, options: Parameters<Ranker['rank']>[1]) =>
      ranker.rank(users, { ...options, seen: options.seen ?? seen }),
    rankPositives: (users: Uint32Array, positives: SeenItems, options: Parameters<Ranker['positives']>[2] = {}) =>
      ranker.positives(users, positives, { ...options, seen: options.seen ?? seen }),
  }
  return {
    async measure() {
      const { metrics } = await evaluateRanking(ranked, entries, { at: [validatedAt] })
      return { validationNdcg: metrics[`ndcg@${validatedAt}`]! }
    },
    destroy() {},
  }
}

import { evaluateRanking, type Model, type Ratings } from '../../src/index.ts'
import { kindOf } from './held-model.ts'
import type { FileEvaluation } from './messages.ts'

/** Errors of a model that predicts ratings, or how one that ranks does: what `lowrank evaluate` says of the same file. */
export async function evaluated(model: Model, ratings: Ratings, name: string): Promise<FileEvaluation> {
  if (kindOf(model) === 'explicit') {
    const { rmse, mae, entries, unknownUsers, unknownItems } = await model.evaluate(ratings)
    return { name, entries, unknownUsers, unknownItems, rmse, mae }
  }
  const { metrics, entries, unknownUsers, unknownItems } = await evaluateRanking(model, ratings)
  return { name, entries, unknownUsers, unknownItems, ndcg: metrics['ndcg@10']! }
}

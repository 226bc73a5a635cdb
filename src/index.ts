export { type DuplicatePolicy, mergeDuplicates } from './data/duplicates.ts'
export { IdTable, type RawId, UNKNOWN } from './data/ids.ts'
export { type PlantedOptions, type PlantedSet, plantedRatings } from './data/planted.ts'
export { Ratings, type RatingsColumns } from './data/ratings.ts'
export { type SeenItems, seenItems } from './data/seen.ts'
export { type Split, splitFolds, splitLast, splitRandom, splitStratified } from './data/split.ts'
export * from './errors.ts'
export type { AdapterDescription, Capabilities } from './gpu/capabilities.ts'
export { Gpu, type OpenOptions } from './gpu/gpu.ts'
export type { ByteBlob } from './ingest/blob.ts'
export type { ReadFormat, ReadOptions } from './ingest/options.ts'
export { parseRatings } from './ingest/parse-ratings.ts'
export type { RatingsReport } from './ingest/report.ts'
export type { TileShape } from './layout/tile-grid.ts'
export { packTiles, type TileLayout, type TileOptions } from './layout/tiles.ts'
export { type BiasOnlyOptions, biasOnlyErrors, globalMeanErrors } from './metrics/baselines.ts'
export {
  evaluateRanking,
  type Ranking,
  type RankingEvaluation,
  type RankingOptions,
} from './metrics/evaluate-ranking.ts'
export { areaUnderCurve, RankingMeter, rankingMetrics } from './metrics/ranking.ts'
export {
  type Evaluation,
  Model,
  type Recommendation,
  type RecommendOptions,
  type Similar,
  type SimilarOptions,
} from './model/model.ts'
export type { Link, ModelParts } from './model/parts.ts'
export type { PositiveRanks } from './model/rank-counts.ts'
export type { RankedBlock, RankingMask, RankOptions } from './model/ranker.ts'
export type { RatingErrors } from './model/scorer.ts'
export type { Residency } from './solvers/entry-store.ts'
export type { SolverPlan } from './solvers/solver.ts'
export { Checkpoint, type TrainingIdentity } from './train/checkpoint.ts'
export { type FitOptions, fit } from './train/fit.ts'
export { type FoldIn, type FoldInOptions, foldIn } from './train/fold-in.ts'
export { NewUser, type NewUserOptions } from './train/new-user.ts'
export { optionsSchema, type ResolvedOptions, resolveOptions, type TrainOptions } from './train/options.ts'
export { type PlanOptions, planTraining, type TrainingPlan } from './train/plan-training.ts'
export { type DeviceLoss, type EpochReport, type FitResult, Training, type TrainingExtras } from './train/training.ts'

import type { Random } from '../../src/data/random.ts'
import type { RankTile } from '../../src/kernels/rank_items.ts'
import { factorBlocks, workgroupSize } from '../../src/kernels/shared.ts'
import { queryStruct, rangeStruct, rankingStruct } from '../../src/kernels/structs.ts'
import { padRows } from '../../src/layout/padding.ts'
import type { ReferenceModel } from '../reference/score.ts'
import { stageQueries } from '../reference/stage_queries.ts'

/** Tiles that the kernels are tested with. */
export const tiles: readonly RankTile[] = [
  { users: 1, items: 8 },
  { users: 4, items: 8 },
  { users: 5, items: 6 },
]

/** A block of queries under a kernel that ranks. */
export interface RankingProblem {
  model: ReferenceModel
  /** The user of each query. */
  users: readonly number[]
  /** Of each query, ascending. */
  masked: readonly (readonly number[])[]
  /** Items that no query is ranked against. */
  denied: ReadonlySet<number>
  tile: RankTile
  splits: number
  /** Items of the dispatch; all if not given. */
  start?: number
  end?: number
}

/** A model of whole numbers: its scores are exact, and many are equal. */
export function wholeModel(random: Random, users: number, items: number, factors: number): ReferenceModel {
  const draw = (length: number, bound: number) =>
    Float32Array.from({ length }, () => random.below(2 * bound + 1) - bound)
  return {
    factors,
    users,
    items,
    userFactors: draw(users * factors, 1),
    itemFactors: draw(items * factors, 1),
    userBias: draw(users, 2),
    itemBias: draw(items, 2),
    mean: 3,
    bounded: false,
    minimum: 1,
    maximum: 5,
  }
}

/** A random subset of the items, ascending. */
export const subset = (random: Random, items: number, share: number): number[] =>
  Array.from({ length: items }, (_, item) => item).filter(() => random.uniform() < share)

/** Whether the query at a place is ranked against an item. */
export const isAllowed =
  ({ masked, denied, start = 0, end = Number.POSITIVE_INFINITY }: RankingProblem, place: number) =>
  (item: number): boolean =>
    item >= start && item < end && !denied.has(item) && !masked[place]!.includes(item)

/** Slots of a block of queries: those of whole workgroups. */
export const slotsOf = (queries: number, { users }: RankTile): number =>
  Math.ceil(queries / (workgroupSize * users)) * workgroupSize * users

/** What `Ranking` holds for a problem. */
export function packRanking(
  { model, users, tile, splits }: Pick<RankingProblem, 'model' | 'users' | 'tile' | 'splits'>,
  sizes: { k?: number; bins?: number } = {},
): ArrayBuffer {
  const stride = slotsOf(users.length, tile)
  return rankingStruct.pack({
    queries: users.length,
    groups: stride / (workgroupSize * tile.users),
    splits,
    stride,
    blocks: factorBlocks(model.factors),
    mean: model.mean,
    k: 0,
    bins: 0,
    ...sizes,
  })
}

/** The turned table of a block of queries; where no query is, a number that would show. */
export function packStaged({ model, users, tile }: RankingProblem): Float32Array<ArrayBuffer> {
  const stride = slotsOf(users.length, tile)
  const blocks = factorBlocks(model.factors)
  const staged = new Float32Array(4 * (blocks + 1) * stride)
  const rows = stageQueries(model, users)
  for (let slot = 0; slot < stride; slot++) {
    for (let j = 0; j < model.factors; j++) {
      staged[4 * ((j >> 2) * stride + slot) + (j & 3)] = rows[j]![slot] ?? 1e9
    }
    staged[4 * (blocks * stride + slot)] = rows[model.factors]![slot] ?? 1e9
  }
  return staged
}

/** A `Query` each, with its thresholds where it has some, and the masked items. */
export function packMasks(
  { users, masked }: Pick<RankingProblem, 'users' | 'masked'>,
  thresholds?: readonly (readonly number[])[],
) {
  const words = new Uint32Array((queryStruct.size / 4) * users.length)
  let [maskedStart, thresholdStart] = [0, 0]
  users.forEach((user, place) => {
    const maskedEnd = maskedStart + masked[place]!.length
    const thresholdEnd = thresholdStart + (thresholds?.[place]?.length ?? 0)
    words.set([user, maskedStart, maskedEnd, thresholdStart, thresholdEnd], 5 * place)
    maskedStart = maskedEnd
    thresholdStart = thresholdEnd
  })
  return { queries: words, masked: Uint32Array.from(masked.flat()) }
}

/** Bind group 0 of the kernels that rank. */
export function rankBuffers(
  problem: RankingProblem,
  sizes: { k?: number; bins?: number },
  thresholds?: readonly (readonly number[])[],
) {
  const { model, denied, tile, splits, start = 0, end = model.items } = problem
  const bits = new Uint32Array(Math.ceil(model.items / 32))
  for (const item of denied) bits[item >> 5]! |= 1 << (item & 31)
  return {
    staged: packStaged(problem),
    item_factors: padRows(Float32Array.from(model.itemFactors), model.items, model.factors),
    item_bias: Float32Array.from(model.itemBias),
    ...packMasks(problem, thresholds),
    denied: bits,
    ranking: packRanking(problem, sizes),
    range: rangeStruct.pack({
      start,
      end,
      span: tile.items * Math.ceil((end - start) / (splits * tile.items)),
      first: 0,
    }),
  }
}

/** Workgroups of a dispatch. */
export const rankWorkgroups = ({ users, tile, splits }: RankingProblem): number =>
  (slotsOf(users.length, tile) / (workgroupSize * tile.users)) * splits

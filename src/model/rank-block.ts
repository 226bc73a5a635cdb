import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { writeBuffer } from '../gpu/write.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'
import { stageQueries } from '../kernels/stage_queries.ts'
import { queryStruct, rangeStruct, rankingStruct, shardStruct } from '../kernels/structs.ts'
import { cutRows, type RowSpan } from '../layout/shards.ts'
import { groupsOf, type RankPlan } from './rank-plan.ts'
import type { PackedQueries } from './rank-queries.ts'
import type { FactorTables } from './tables.ts'

/** Bytes of a dispatch's window, and from one to the next: any device allows such offsets. */
export const windowBytes = 256

/** What all blocks of a ranking share on the GPU. */
export interface RankCommon {
  tables: FactorTables
  mean: number
  plan: RankPlan
  denied: GPUBuffer
  /** The ranges of items that dispatches take, and a window each. */
  ranges: readonly ItemRange[]
  windows: GPUBuffer
}

/** The items of a dispatch, all in one shard. */
export interface ItemRange {
  shard: number
  start: number
  end: number
}

/** Cuts the items of each shard into ranges, in ascending order. */
export function cutRanges({ range }: Pick<RankPlan, 'range'>, shards: readonly RowSpan[]): ItemRange[] {
  return shards.flatMap(({ first, rows }, shard) =>
    cutRows(rows, range).map(span => ({ shard, start: first + span.first, end: first + span.first + span.rows })),
  )
}

/** The windows of all ranges. */
export function packRanges(
  { range, splits }: Pick<RankPlan, 'range' | 'splits'>,
  ranges: readonly ItemRange[],
  shards: readonly RowSpan[],
): ArrayBuffer {
  const bytes = new ArrayBuffer(windowBytes * ranges.length)
  const view = new DataView(bytes)
  ranges.forEach(({ shard, start, end }, at) => {
    rangeStruct.write(view, windowBytes * at, { start, end, span: range / splits, first: shards[shard]!.first })
  })
  return bytes
}

/** What goes over the ranges of items, and what comes before the first and after the last of them. */
export interface RankPasses {
  begin?: (pass: GPUComputePassEncoder) => void
  dispatch: RangeDispatch
  finish?: (pass: GPUComputePassEncoder) => void
}

export type RangeDispatch = (pass: GPUComputePassEncoder, workgroups: number, offset: number, shard: number) => void

/** A block of queries on the GPU: their turned rows, their masked items, and the way through the ranges of items. */
export class RankBlock {
  readonly timer: GpuTimer
  /** A `Ranking`. */
  readonly ranking: GPUBuffer
  readonly #gpu: Gpu
  readonly #common: RankCommon
  readonly #stage: Pipeline<typeof stageQueries.groups>
  readonly #submitter: Submitter
  readonly #queries: GPUBuffer
  readonly #masked: GPUBuffer
  readonly #staged: GPUBuffer
  /** A group for each shard of the users. */
  #stageGroups: readonly GPUBindGroup[] = []
  /** Of the queries it holds now. */
  #groups = 0

  private constructor(
    gpu: Gpu,
    buffers: BufferOwner,
    common: RankCommon,
    maskedItems: number,
    stage: Pipeline<typeof stageQueries.groups>,
  ) {
    const { plan } = common
    this.#gpu = gpu
    this.#common = common
    this.#stage = stage
    this.timer = new GpuTimer(gpu, buffers)
    this.#submitter = new Submitter(gpu, this.timer)
    this.#queries = buffers.storage('queries', queryStruct.size * plan.queries)
    this.#masked = buffers.storage('masked items', 4 * maskedItems)
    this.#staged = buffers.storage('staged queries', 16 * (this.#blocks + 1) * strideOf(plan.queries, plan))
    this.ranking = buffers.uniform('ranking', new ArrayBuffer(rankingStruct.size))
  }

  #bind(buffers: BufferOwner): void {
    this.#stageGroups = this.#common.tables.users.shards.map(({ factors, bias, ...span }) =>
      this.#stage.bind(0, {
        queries: this.#queries,
        user_factors: factors,
        user_bias: bias,
        staged: this.#staged,
        ranking: this.ranking,
        shard: buffers.uniform('users of a shard', shardStruct.pack(span)),
      }),
    )
  }

  /**
   * @param maskedItems of any block at most
   * @throws OutOfMemoryError for whatever buffer of the owner's
   */
  static async create(gpu: Gpu, buffers: BufferOwner, common: RankCommon, maskedItems: number): Promise<RankBlock> {
    const block = new RankBlock(gpu, buffers, common, maskedItems, await gpu.pipeline(stageQueries))
    await gpu.settle(buffers)
    block.#bind(buffers)
    return block
  }

  get #blocks(): number {
    return factorBlocks(this.#common.tables.shape.factors)
  }

  /** The buffers of the kernels that score staged queries, for each shard of the items. */
  get scoring() {
    return this.#common.tables.items.shards.map(({ factors, bias }) => ({
      staged: this.#staged,
      item_factors: factors,
      item_bias: bias,
      ranking: this.ranking,
    }))
  }

  /** The buffers of bind group 0 of the kernels that rank, for each shard of the items. */
  get bindings() {
    const { denied, windows } = this.#common
    const own = { queries: this.#queries, masked: this.#masked, denied, range: windows }
    return this.scoring.map(scoring => ({ ...scoring, ...own }))
  }

  /** Uploads queries; `sizes` of what the kernel leaves. */
  load({ queries, masked }: PackedQueries, sizes: { k: number; bins: number }): void {
    const { plan, mean } = this.#common
    const { queue } = this.#gpu.device
    const count = (4 * queries.length) / queryStruct.size
    this.#groups = groupsOf(count, plan.tile)
    writeBuffer(queue, this.#queries, 0, queries)
    writeBuffer(queue, this.#masked, 0, masked)
    writeBuffer(
      queue,
      this.ranking,
      0,
      rankingStruct.pack({
        queries: count,
        groups: this.#groups,
        splits: plan.splits,
        stride: strideOf(count, plan),
        blocks: this.#blocks,
        mean,
        ...sizes,
      }),
    )
  }

  encodeStage(pass: GPUComputePassEncoder): void {
    const slots = this.#groups * workgroupSize * this.#common.plan.tile.users
    const workgroups = Math.ceil(((this.#blocks + 1) * slots) / workgroupSize)
    for (const group of this.#stageGroups) this.#stage.dispatch(pass, [group], workgroups)
  }

  /**
   * Runs a kernel over all ranges, after what `begin` encodes and before what `finish` does.
   * @param dispatch encodes a range of a shard of the items: so many workgroups, with the window at `offset`
   * @throws the signal's reason between two submits
   */
  async run({ begin, dispatch, finish }: RankPasses, signal?: AbortSignal): Promise<void> {
    const { plan, ranges } = this.#common
    await this.#submitter.run(
      'ranking',
      ranges.length,
      (pass, range) => {
        if (range === 0) begin?.(pass)
        dispatch(pass, this.#groups * plan.splits, windowBytes * range, ranges[range]!.shard)
        if (range === ranges.length - 1) finish?.(pass)
      },
      { signal },
    )
  }
}

/** Slots that the turned rows of so many queries take. */
export const strideOf = (queries: number, { tile }: RankPlan): number =>
  groupsOf(queries, tile) * workgroupSize * tile.users

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { Submitter } from '../gpu/submitter.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'
import { stageQueries } from '../kernels/stage_queries.ts'
import { queryStruct, rangeStruct, rankingStruct } from '../kernels/structs.ts'
import { groupsOf, type RankPlan } from './rank-plan.ts'
import type { PackedQueries } from './rank-queries.ts'
import type { FactorTables } from './tables.ts'

/** Bytes of a dispatch's window, and from one to the next: any device allows such offsets. */
export const rangeWindowBytes = 256

/** What all blocks of a ranking share on the GPU. */
export interface RankCommon {
  tables: FactorTables
  mean: number
  plan: RankPlan
  denied: GPUBuffer
  /** The ranges of items, a window each. */
  ranges: GPUBuffer
}

/** The windows of all ranges of a plan. */
export function packRanges({ range, splits }: RankPlan, items: number): ArrayBuffer {
  const count = Math.ceil(items / range)
  const bytes = new ArrayBuffer(rangeWindowBytes * count)
  const view = new DataView(bytes)
  for (let at = 0; at < count; at++) {
    const start = at * range
    const values = { start, end: Math.min(items, start + range), span: range / splits }
    rangeStruct.write(view, rangeWindowBytes * at, values)
  }
  return bytes
}

/** A block of queries on the GPU: their turned rows, their masked items, and the way through the ranges of items. */
export class RankBlock {
  readonly timer: GpuTimer
  readonly #gpu: Gpu
  readonly #common: RankCommon
  readonly #stage: Pipeline<typeof stageQueries.groups>
  readonly #submitter: Submitter
  readonly #queries: GPUBuffer
  readonly #masked: GPUBuffer
  readonly #staged: GPUBuffer
  readonly #ranking: GPUBuffer
  readonly #stageGroup: GPUBindGroup
  /** Of the queries it holds now. */
  #groups = 0

  private constructor(
    gpu: Gpu,
    buffers: BufferOwner,
    common: RankCommon,
    maskedItems: number,
    stage: Pipeline<typeof stageQueries.groups>,
  ) {
    const { tables, plan } = common
    this.#gpu = gpu
    this.#common = common
    this.#stage = stage
    this.timer = new GpuTimer(gpu, buffers)
    this.#submitter = new Submitter(gpu, this.timer)
    this.#queries = buffers.storage('queries', queryStruct.size * plan.queries)
    this.#masked = buffers.storage('masked items', 4 * maskedItems)
    this.#staged = buffers.storage('staged queries', 16 * (this.#blocks + 1) * strideOf(plan.queries, plan))
    this.#ranking = buffers.uniform('ranking', new ArrayBuffer(rankingStruct.size))
    this.#stageGroup = stage.bind(0, {
      queries: this.#queries,
      user_factors: tables.userFactors,
      user_bias: tables.userBias,
      staged: this.#staged,
      ranking: this.#ranking,
    })
  }

  /** @param maskedItems of any block at most */
  static async create(gpu: Gpu, buffers: BufferOwner, common: RankCommon, maskedItems: number): Promise<RankBlock> {
    return new RankBlock(gpu, buffers, common, maskedItems, await gpu.pipeline(stageQueries))
  }

  get #blocks(): number {
    return factorBlocks(this.#common.tables.shape.factors)
  }

  /** The buffers of the kernels that score staged queries. */
  get scoring() {
    const { itemFactors, itemBias } = this.#common.tables
    return { staged: this.#staged, item_factors: itemFactors, item_bias: itemBias, ranking: this.#ranking }
  }

  /** The buffers of bind group 0 of the kernels that rank. */
  get bindings() {
    const { denied, ranges } = this.#common
    return { ...this.scoring, queries: this.#queries, masked: this.#masked, denied, range: ranges }
  }

  /** Uploads queries; `sizes` of what the kernel leaves. */
  load({ queries, masked }: PackedQueries, sizes: { k: number; bins: number }): void {
    const { plan, mean } = this.#common
    const { queue } = this.#gpu.device
    const count = (4 * queries.length) / queryStruct.size
    this.#groups = groupsOf(count, plan.tile)
    queue.writeBuffer(this.#queries, 0, queries)
    queue.writeBuffer(this.#masked, 0, masked)
    queue.writeBuffer(
      this.#ranking,
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
    this.#stage.dispatch(pass, [this.#stageGroup], Math.ceil(((this.#blocks + 1) * slots) / workgroupSize))
  }

  /**
   * Runs a kernel over all ranges, after what `begin` encodes.
   * @param dispatch encodes a range: so many workgroups, with the window at `offset`
   * @throws the signal's reason between two submits
   */
  async run(
    begin: (pass: GPUComputePassEncoder) => void,
    dispatch: (pass: GPUComputePassEncoder, workgroups: number, offset: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const { plan, tables } = this.#common
    await this.#submitter.run(
      'ranking',
      Math.ceil(tables.shape.items / plan.range),
      (pass, range) => {
        if (range === 0) begin(pass)
        dispatch(pass, this.#groups * plan.splits, rangeWindowBytes * range)
      },
      signal,
    )
  }
}

const strideOf = (queries: number, { tile }: RankPlan): number => groupsOf(queries, tile) * workgroupSize * tile.users

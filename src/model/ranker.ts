import type { IdTable } from '../data/ids.ts'
import type { SeenItems } from '../data/seen.ts'
import { InputError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { rankItems } from '../kernels/rank_items.ts'
import { cutRanges, packRanges, type RangeDispatch, RankBlock, type RankCommon, windowBytes } from './rank-block.ts'
import { countPositives, type PositiveRanks } from './rank-counts.ts'
import { HostMerge, type ListMerge } from './rank-lists.ts'
import { GpuMerge } from './rank-merge.ts'
import { planRanking, type RankPlan } from './rank-plan.ts'
import {
  checkOffsets,
  cutQueries,
  itemsAt,
  type Mask,
  mostMasked,
  mostOf,
  packDenied,
  packQueries,
  type QueryBlock,
} from './rank-queries.ts'
import type { FactorTables } from './tables.ts'

export interface RankingMask {
  /** Items that each of the model's users is not ranked against; by default those of its training entries. */
  seen?: SeenItems | undefined
  /** 1 for each item that may not appear. */
  denied?: Uint8Array | undefined
  /** Its reason is thrown between two submits. */
  signal?: AbortSignal | undefined
}

export interface RankOptions extends RankingMask {
  /** Items asked for; fewer come back where fewer are left. */
  k: number
}

/** The best items of a block of users, best first, ties by item. */
export interface RankedBlock {
  /** Dense indices. */
  users: Uint32Array
  /** Items asked for, or all items where that is fewer. */
  k: number
  /** users x k dense indices; UNKNOWN past a user's count. */
  items: Uint32Array
  /** users x k, before the link and unclipped; -infinity past a user's count. */
  scores: Float32Array
  /** Items found for each user. */
  counts: Uint32Array
  /** Time that the GPU was at work on the block, where it tells. */
  gpuSeconds?: number | undefined
}

/** What a ranker knows of a model beside its tables. */
export interface RankedModel {
  mean: number
  userIds: IdTable
  itemIds: IdTable
}

/** Ranks all items for users on the GPU, a block of users at a time; holds nothing there between two rankings. */
export class Ranker {
  readonly #gpu: Gpu
  readonly #tables: FactorTables
  readonly #model: RankedModel

  constructor(gpu: Gpu, tables: FactorTables, model: RankedModel) {
    this.#gpu = gpu
    this.#tables = tables
    this.#model = model
  }

  /**
   * The best items of users, by dense index. While a block is in the caller's hands, the next is under way.
   * @param chosen instead of what `planRanking` makes of the device and the model
   */
  async *rank(
    users: Uint32Array,
    options: RankOptions,
    chosen?: RankPlan,
  ): AsyncGenerator<RankedBlock, void, undefined> {
    const { shape } = this.#tables
    const k = Math.min(options.k, shape.items)
    const masks = this.#masks(users, options)
    const size = { queries: users.length, items: shape.items, factors: shape.factors, listWords: 2 * (k + 1) }
    const plan = chosen ?? planRanking(size, this.#gpu.capabilities)
    const buffers = this.#gpu.buffers()
    const blocks = cutQueries(users.length, plan.queries, masks, mostMasked(buffers))
    if (blocks.length === 0) return
    const left = new AbortController()
    const signal = AbortSignal.any([left.signal, ...(options.signal === undefined ? [] : [options.signal])])
    let lane: Lane | undefined
    let coming: Promise<RankedBlock> | undefined
    try {
      const common = this.#common(buffers, plan, options.denied)
      lane = await this.#lane(
        buffers,
        common,
        k,
        mostOf(blocks, ({ masked }) => masked),
      )
      const input = { lane, users, masks, k, signal }
      for (const [at, block] of blocks.entries()) {
        const ranked = await (coming ?? this.#rankBlock(block, input))
        const next = blocks[at + 1]
        coming = next && this.#rankBlock(next, input)
        coming?.catch(() => {}) // heard when the block is asked for
        yield ranked
      }
    } finally {
      // What is under way still uses the buffers.
      left.abort()
      await coming?.catch(() => {})
      lane?.block.timer.destroy()
      buffers.destroy()
    }
  }

  /** @param positives of each user by its position in `users` */
  async positives(
    users: Uint32Array,
    positives: SeenItems,
    options: RankingMask,
    chosen?: RankPlan,
  ): Promise<PositiveRanks> {
    checkOffsets(positives, users.length, 'positives')
    const own: Mask = { ...positives, what: 'positives', rowOf: place => place }
    const masks = [own, ...this.#masks(users, options)]
    const { shape } = this.#tables
    const most = mostOf(users.keys(), place => itemsAt(own, place).length)
    const size = { queries: users.length, items: shape.items, factors: shape.factors, listWords: 2 * most + 1 }
    const plan = chosen ?? planRanking(size, this.#gpu.capabilities)
    const buffers = this.#gpu.buffers()
    try {
      const common = this.#common(buffers, plan, options.denied)
      const { denied, signal } = options
      return await countPositives(this.#gpu, buffers, {
        common,
        users,
        positives: own,
        masks,
        denied,
        signal,
        failureOf: this.#failureOf,
      })
    } finally {
      buffers.destroy()
    }
  }

  #masks(users: Uint32Array, { seen, denied }: RankingMask): Mask[] {
    const { shape } = this.#tables
    for (const user of users) {
      if (user >= shape.users) throw new InputError(`there is no user ${user}: the model has ${shape.users}`)
    }
    if (denied !== undefined && denied.length !== shape.items) {
      throw new InputError(`${denied.length} items are denied or not; expected ${shape.items}`)
    }
    if (seen === undefined) return []
    checkOffsets(seen, shape.users, 'seen items')
    return [{ ...seen, what: 'seen items', rowOf: place => users[place]! }]
  }

  #common(buffers: BufferOwner, plan: RankPlan, denied: Uint8Array | undefined): RankCommon {
    const { items } = this.#tables
    const ranges = cutRanges(plan, items.shards)
    return {
      tables: this.#tables,
      mean: this.#model.mean,
      plan,
      denied: buffers.upload('denied items', packDenied(denied, items.shape.rows)),
      ranges,
      windows: buffers.uniform('ranges', packRanges(plan, ranges, items.shards)),
    }
  }

  async #lane(buffers: BufferOwner, common: RankCommon, k: number, masked: number): Promise<Lane> {
    const { plan } = common
    const block = await RankBlock.create(this.#gpu, buffers, common, masked)
    const pipeline = await this.#gpu.pipeline(rankItems(plan.tile))
    const merge =
      plan.merge === 'gpu'
        ? await GpuMerge.create(this.#gpu, buffers, k, plan, block.ranking)
        : new HostMerge(this.#gpu, buffers, k, plan)
    await this.#gpu.settle(buffers)
    const tiles = block.bindings.map(bindings => pipeline.bind(0, bindings, windowBytes))
    const lists = pipeline.bind(1, { heaps: merge.heaps })
    return {
      block,
      merge,
      dispatch: (pass, workgroups, offset, shard) =>
        pipeline.dispatch(pass, [tiles[shard]!, lists], workgroups, offset),
    }
  }

  async #rankBlock(block: QueryBlock, { lane, users, masks, k, signal }: RankInput): Promise<RankedBlock> {
    const own = users.slice(block.start, block.end)
    lane.block.load(packQueries(users, block, masks, this.#tables.shape.items), { k, bins: 0 })
    await lane.block.run(
      {
        begin: pass => lane.block.encodeStage(pass),
        dispatch: lane.dispatch,
        finish: pass => lane.merge.encode(pass, own.length),
      },
      signal,
    )
    const [{ failure, ...lists }, gpuSeconds] = await Promise.all([
      lane.merge.read(own.length),
      lane.block.timer.seconds(),
    ])
    if (failure !== undefined) throw this.#failureOf(own[failure.query]!, failure.item)
    return { users: own, k, ...lists, gpuSeconds }
  }

  readonly #failureOf = (user: number, item: number): InputError => {
    const { userIds, itemIds } = this.#model
    const [userId, itemId] = [userIds.at(user), itemIds.at(item)].map(id => JSON.stringify(id))
    return new InputError(`the score of item ${itemId} for user ${userId} is not a number`)
  }
}

/** The buffers that the blocks of a ranking go through, one after another. */
interface Lane {
  block: RankBlock
  merge: ListMerge
  dispatch: RangeDispatch
}

/** What all blocks of a ranking are run with. */
interface RankInput {
  lane: Lane
  users: Uint32Array
  masks: readonly Mask[]
  k: number
  signal: AbortSignal
}

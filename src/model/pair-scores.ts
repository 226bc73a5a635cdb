import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Pipeline } from '../gpu/kernel.ts'
import { type predictions, predictionsSpan } from '../kernels/predictions.ts'
import { scoreWorkgroups } from '../kernels/shared.ts'
import { type GroupedPairs, groupPairs } from './pair-groups.ts'
import { type FactorTables, type ModelScale, packModel } from './tables.ts'

/** The buffers of bind group 0 of the kernels that score, for one shard of either side. */
export function scoringBuffers(
  { users, items }: FactorTables,
  model: GPUBuffer,
  [userShard, itemShard]: readonly [user: number, item: number] = [0, 0],
) {
  const [user, item] = [users.shards[userShard]!, items.shards[itemShard]!]
  return {
    user_factors: user.factors,
    item_factors: item.factors,
    user_bias: user.bias,
    item_bias: item.bias,
    model,
  }
}

type Predictions = Pipeline<typeof predictions.groups>

/** Bind groups of tables, made once for each pair of shards. */
export class ShardGroups {
  readonly #bind: (userShard: number, itemShard: number) => GPUBindGroup
  readonly #groups = new Map<string, GPUBindGroup>()

  constructor(buffers: BufferOwner, tables: FactorTables, scale: ModelScale, pipeline: Predictions) {
    const { users, items, shape } = tables
    this.#bind = (userShard, itemShard) => {
      const rows = { users: users.shards[userShard]!.rows, items: items.shards[itemShard]!.rows }
      const model = buffers.uniform('model', packModel({ ...shape, ...rows }, scale))
      return pipeline.bind(0, scoringBuffers(tables, model, [userShard, itemShard]))
    }
  }

  of(userShard: number, itemShard: number): GPUBindGroup {
    const key = `${userShard} ${itemShard}`
    const group = this.#groups.get(key) ?? this.#bind(userShard, itemShard)
    this.#groups.set(key, group)
    return group
  }
}

export interface PairInput {
  pipeline: Predictions
  tables: FactorTables
  groups: ShardGroups
  lanes: number
  /** Dense indices; those that the tables do not have are unknown. */
  users: Uint32Array
  items: Uint32Array
}

/** Pairs on the GPU and what is predicted of them, a dispatch for each pair of shards that they lie in. */
export class PairScores {
  readonly predicted: GPUBuffer
  /** Place in `predicted` of each pair. */
  readonly places: Uint32Array<ArrayBuffer>
  readonly encode: (pass: GPUComputePassEncoder) => void

  private constructor(
    buffers: BufferOwner,
    { pipeline, groups, lanes }: PairInput,
    grouped: GroupedPairs,
    { pairs, predicted }: Record<'pairs' | 'predicted', GPUBuffer>,
  ) {
    const dispatches = grouped.groups.map(({ userShard, itemShard, start, end }) => {
      const span = buffers.uniform('predictions span', predictionsSpan.pack({ pair_start: start, pair_end: end }))
      return {
        bound: [groups.of(userShard, itemShard), pipeline.bind(1, { pairs, predicted, span })],
        workgroups: scoreWorkgroups(end - start, lanes),
      }
    })
    this.predicted = predicted
    this.places = grouped.places
    this.encode = pass => {
      for (const { bound, workgroups } of dispatches) pipeline.dispatch(pass, bound, workgroups)
    }
  }

  /** @throws OutOfMemoryError for whatever buffer of the owner's */
  static async create(gpu: Gpu, buffers: BufferOwner, input: PairInput): Promise<PairScores> {
    const { tables, users, items } = input
    const grouped = groupPairs(users, items, tables.users.shards, tables.items.shards)
    const own = {
      pairs: buffers.upload('pairs', grouped.pairs),
      predicted: buffers.storage('predicted', 4 * users.length),
    }
    await gpu.settle(buffers)
    return new PairScores(buffers, input, grouped, own)
  }
}

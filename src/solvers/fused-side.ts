import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { publishingStruct, publishRows } from '../kernels/publish_rows.ts'
import { workgroupSize } from '../kernels/shared.ts'
import { stageRows, stagingStruct } from '../kernels/stage_rows.ts'
import { bindMerge, type EncodeMerge, type Merge } from './fused-merge.ts'
import { listMoves } from './fused-moves.ts'
import type { FusedSideInput, SlotShard } from './fused-slots.ts'

/** One side (the users or the items) as the fused solver works on it: slots in the order of their blocks. */
export class FusedSide {
  readonly label: 'users' | 'items'
  readonly shards: readonly SlotShard[]
  /** Replicas beyond the first of each row. */
  readonly extraReplicas: number
  /** Encodes the way from the model's tables to the slots. */
  readonly encodeStage: (pass: GPUComputePassEncoder) => void
  /** Encodes the way back. */
  readonly encodePublish: (pass: GPUComputePassEncoder) => void
  /** Undefined where no row has replicas. */
  readonly encodeMerge: EncodeMerge | undefined

  private constructor(
    label: 'users' | 'items',
    shards: readonly SlotShard[],
    { extraReplicas, encode }: Merge,
    { encodeStage, encodePublish }: Pick<FusedSide, 'encodeStage' | 'encodePublish'>,
  ) {
    this.label = label
    this.shards = shards
    this.extraReplicas = extraReplicas
    this.encodeStage = encodeStage
    this.encodePublish = encodePublish
    this.encodeMerge = encode
  }

  static async create(gpu: Gpu, buffers: BufferOwner, input: FusedSideInput): Promise<FusedSide> {
    const { label, spans, precision, blocksPerRow } = input
    const shards = spans.map((span, at) => {
      const name = (part: string) => `${label}-${part}${spans.length === 1 ? '' : ` ${at + 1} of ${spans.length}`}`
      return {
        ...span,
        factors: buffers.storage(name('slots'), span.rows * blocksPerRow * (precision === 'f16' ? 8 : 16)),
        state: buffers.storage(name('state'), 16 * span.rows),
      }
    })
    await gpu.settle(buffers)
    const moves = await bindMoves(gpu, buffers, input, shards)
    return new FusedSide(label, shards, await bindMerge(gpu, buffers, input, shards), moves)
  }

  /** The buffers of the slots, by name. */
  get buffers(): Record<string, GPUBuffer> {
    return Object.fromEntries(
      this.shards.flatMap(({ factors, state }) => [factors, state].map(one => [one.label, one])),
    )
  }
}

/** The ways between the model's table and the slots, from shard to shard. */
async function bindMoves(
  gpu: Gpu,
  buffers: BufferOwner,
  { label, blocks, precision, blocksPerRow, table, weights, squares }: FusedSideInput,
  shards: readonly SlotShard[],
): Promise<Pick<FusedSide, 'encodeStage' | 'encodePublish'>> {
  const constants = { FACTOR_BLOCKS: blocksPerRow }
  const stage = await gpu.pipeline(stageRows[precision], constants)
  const publish = await gpu.pipeline(publishRows[precision], constants)
  const workgroups = (count: number) => Math.ceil((count * (blocksPerRow + 1)) / workgroupSize)
  const lists = listMoves(blocks, table.shards, shards).map(list => ({
    ...list,
    uploaded: buffers.upload(`${label}-moves`, list.moves),
  }))
  await gpu.settle(buffers)
  const ways = lists.map(({ tableShard, slotShard, moves, published, uploaded }) => {
    const { first, factors, bias } = table.shards[tableShard]!
    const { factors: staged, state } = shards[slotShard]!
    const count = moves.length / 2
    const staging = stagingStruct.pack({
      moves: count,
      first_row: first,
      factor_squares: squares.factors,
      bias_squares: squares.bias,
    })
    return {
      staged: workgroups(count),
      stageGroup: stage.bind(0, {
        factors,
        bias,
        weights: weights[tableShard]!,
        moves: uploaded,
        staged,
        state,
        staging: buffers.uniform(`${label} staging`, staging),
      }),
      published: workgroups(published),
      publishGroup: publish.bind(0, {
        staged,
        state,
        moves: uploaded,
        factors,
        bias,
        publishing: buffers.uniform(`${label} publishing`, publishingStruct.pack({ moves: published })),
      }),
    }
  })
  return {
    encodeStage(pass) {
      for (const { stageGroup, staged } of ways) stage.dispatch(pass, [stageGroup], staged)
    },
    encodePublish(pass) {
      for (const { publishGroup, published } of ways) publish.dispatch(pass, [publishGroup], published)
    },
  }
}

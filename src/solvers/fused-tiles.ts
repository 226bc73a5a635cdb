import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { fusedSgd, fusedStruct, type SliceVariant } from '../kernels/fused_sgd.ts'
import { factorBlocks } from '../kernels/shared.ts'
import type { BlockSpan } from '../layout/shards.ts'
import { gridOf } from '../layout/tile-grid.ts'
import type { TileCut } from '../layout/tiles.ts'
import type { PairSums } from '../model/sums.ts'
import { type ModelScale, packModel, type Shape } from '../model/tables.ts'
import type { EntryStore, StepPlaces } from './entry-store.ts'
import type { ErrorScale } from './error-scale.ts'
import type { FusedOptions } from './fused-options.ts'
import type { FusedSide } from './fused-side.ts'
import { type StratumTable, type StratumWindows, windowBytes } from './stratum-windows.ts'

export interface TileInput {
  variant: SliceVariant
  layout: TileCut
  scale: ModelScale
  shape: Shape
  options: FusedOptions
  units: Pick<ErrorScale, 'score'>
  sides: readonly FusedSide[]
  loss: PairSums
  windows: StratumWindows
  store: EntryStore<StratumTable>
}

/** Encodes the tiles of a stratum, whose entries lie where the epoch has its places. */
export type EncodeStratum = (
  pass: GPUComputePassEncoder,
  stratum: number,
  places: Pick<StepPlaces<StratumTable>, 'slot'>,
) => void

/** Binds `fused_sgd` to the entries, slot by slot. */
export async function bindTiles(gpu: Gpu, buffers: BufferOwner, input: TileInput): Promise<EncodeStratum> {
  const { variant, layout, scale, shape, options, units, loss, windows, store } = input
  const { workgroups, heldBlocks: heldBlockCount } = gridOf(layout.shape)
  const { slices, strata, nested } = layout.shape
  const [users, items] = input.sides as [FusedSide, FusedSide]
  const heldUsers = layout.held === 'users'
  const [held, streamed] = heldUsers ? [users, items] : [items, users]
  const [heldBlocks, streamedBlocks] = heldUsers ? [layout.users, layout.items] : [layout.items, layout.users]
  const sharded = held.shards.length * streamed.shards.length > 1
  const pipeline = await gpu.pipeline(fusedSgd({ ...variant, sharded }), {
    FACTOR_BLOCKS: factorBlocks(options.factors),
    SLICES: slices,
    BOUNDED: Number(scale.link === 'bounded'),
    ADAGRAD: Number(options.optimizer === 'adagrad'),
    BIASES: Number(options.biases),
  })
  const model = buffers.uniform('model', packModel(shape, scale))
  const tableGroups = held.shards.map(({ factors: heldFactors, state: heldState }) =>
    streamed.shards.map(({ factors, state }) =>
      pipeline.bind(0, {
        held_factors: heldFactors,
        streamed_factors: factors,
        held_state: heldState,
        streamed_state: state,
        model,
        partials: loss.pairs,
      }),
    ),
  )
  const [userRate, itemRate] = [options.userLearningRate, options.itemLearningRate].map(
    rate => rate * Math.sqrt(units.score),
  ) as [number, number]
  const [userPenalty, itemPenalty] = [options.userRegularization, options.itemRegularization]
  const common = {
    blocks: buffers.upload(
      'blocks',
      blockTable(held.shards, heldBlocks.blockStart, streamed.shards, streamedBlocks.blockStart, heldBlockCount),
    ),
    batch: windows.buffer,
    options: buffers.uniform(
      'fused options',
      fusedStruct.pack({
        workgroups,
        strata,
        held_rate: heldUsers ? userRate : itemRate,
        streamed_rate: heldUsers ? itemRate : userRate,
        bias_rate: options.biasLearningRate * units.score,
        held_penalty: heldUsers ? userPenalty : itemPenalty,
        streamed_penalty: heldUsers ? itemPenalty : userPenalty,
        bias_penalty: options.biasRegularization,
        component: 1 / options.factors,
      }),
    ),
  }
  await gpu.settle(buffers)
  const slotGroups = store.slots.map(slot => pipeline.bind(1, { ...slot, ...common }, windowBytes))
  const workers = nested ? 1 : slices
  return (pass, stratum, { slot }) => {
    for (const { held: h, streamed: s, from, to, offset } of windows.parts[stratum]!) {
      const groups = [tableGroups[h]![s]!, slotGroups[slot[stratum]!]!]
      pipeline.dispatch(pass, groups, Math.ceil(to / workers) - Math.floor(from / workers), offset)
    }
  }
}

/**
 * First slot of each held block in its shard, those of slices without a tile included (they have no entries), then of each
 * streamed block.
 */
function blockTable(
  heldShards: readonly BlockSpan[],
  heldStart: Uint32Array,
  streamedShards: readonly BlockSpan[],
  streamedStart: Uint32Array,
  heldBlocks: number,
): Uint32Array<ArrayBuffer> {
  const table = new Uint32Array(heldBlocks + streamedStart.length - 1)
  const fill = (shards: readonly BlockSpan[], start: Uint32Array, at: number) => {
    for (const { first, blocks } of shards) {
      for (let block = blocks[0]; block < blocks[1]; block++) table[at + block] = start[block]! - first
    }
  }
  fill(heldShards, heldStart, 0)
  fill(streamedShards, streamedStart, heldBlocks)
  return table
}

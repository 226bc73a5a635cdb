import { LimitExceededError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { bprItems } from '../kernels/bpr_items.ts'
import { bprRowStruct, bprWalkStruct } from '../kernels/bpr_structs.ts'
import { bprUsers } from '../kernels/bpr_users.ts'
import { factorBlocks } from '../kernels/shared.ts'
import type { Negatives } from '../layout/negatives.ts'
import type { Positives } from '../layout/positives.ts'
import { RowMover } from '../model/row-moves.ts'
import type { SideTable } from '../model/side-table.ts'
import { PairSums } from '../model/sums.ts'
import type { FactorTables } from '../model/tables.ts'
import { type DrawTables, prepareItemDraws, prepareUserDraws } from './bpr-draws.ts'
import type { BprOptions } from './bpr-options.ts'
import { type BprPlan, mostSamples } from './bpr-plan.ts'
import { type BprBlock, cutBprRows, packBprBlock, spansOf } from './bpr-rows.ts'
import { SampleRows } from './bpr-stage.ts'
import { BprWindows, windowBytes } from './bpr-windows.ts'

export interface BprInputs {
  positives: Positives
  negatives: Negatives
  tables: FactorTables
  /** Round r reads table r % 2, and its items' phase writes the other one; the first is the model's. */
  itemTables: readonly [SideTable, SideTable]
  draws: DrawTables
  options: BprOptions
  plan: BprPlan
}

/**
 * One side's phase. For each block of rows: draws of its samples; where the rows that samples name lie in several shards,
 * their way side by side; then a walk over the samples.
 */
export interface BprSide {
  /** Of each row: sum of -ln sigmoid(x) over its positives in an epoch, and their number. */
  loss: PairSums
  windows: BprWindows
  blocks: number
  encodeBlock(pass: GPUComputePassEncoder, round: number, block: number): void
}

const isCut = ({ shards }: SideTable) => shards.length > 1

const constantsOf = ({ options, plan }: BprInputs) => ({
  FACTOR_BLOCKS: factorBlocks(options.factors),
  SLICES: plan.slices,
})

/**
 * What both sides have alike: blocks of rows and their room for samples, windows, sums.
 * @param staged whether rows of samples are staged, two for each at most
 */
async function prepareSide(
  gpu: Gpu,
  buffers: BufferOwner,
  side: 'users' | 'items',
  { positives, negatives, tables, draws, options, plan }: BprInputs,
  staged: boolean,
) {
  const ofUsers = side === 'users'
  const room = mostSamples(options.factors, staged, gpu.capabilities.limits)
  const most = { rows: buffers.mostRows('rows', bprRowStruct.size), slots: room.samples }
  const input = {
    start: ofUsers ? positives.userStart : positives.itemStart,
    expected: ofUsers ? undefined : negatives.expected,
    rounds: plan.rounds,
    only: options.rows,
    spans: spansOf(tables[side].shards, draws[side]),
    most,
  }
  const { blocks, count } = cutBprRows(input)
  const slots = blocks.reduce((largest, block) => Math.max(largest, block.slots), 0)
  if (slots > most.slots) {
    const label = `samples of one of the ${side} in a round`
    const needed = slots * Math.floor(room.bytes / room.samples)
    throw new LimitExceededError(label, room.limit, needed, room.bytes, 'take fewer factors')
  }
  const rates = {
    slices: plan.slices,
    factor_rate: ofUsers ? options.userLearningRate : options.itemLearningRate,
    bias_rate: options.biasLearningRate,
    factor_penalty: ofUsers ? options.userRegularization : options.itemRegularization,
    bias_penalty: options.biasRegularization,
  }
  const samples = buffers.storage(`${side}-samples`, 8 * slots)
  const uploadBlock = (block: BprBlock) => {
    const packed = packBprBlock(input, block, draws[side][block.span.buffer]!.entries[0])
    return {
      rows: buffers.upload(`${side}-rows`, new Uint8Array(packed.rows)),
      slots: buffers.upload(`${side}-slots`, packed.slots),
    }
  }
  return {
    blocks,
    slots,
    samples,
    windows: new BprWindows(gpu, buffers, side, { rounds: plan.rounds, seed: options.seed }),
    loss: await PairSums.create(gpu, buffers, `${side} loss`, count),
    upload: (block: BprBlock, stagedStart = 0) => ({
      drawn: { ...uploadBlock(block), samples },
      walk: buffers.uniform(
        `${side} walk`,
        bprWalkStruct.pack({
          rows: block.rows.length,
          first_row: tables[side].shards[block.span.shard]!.first,
          staged_start: stagedStart,
          ...rates,
        }),
      ),
      walkGroups: Math.ceil(block.rows.length / plan.slices),
    }),
  }
}

export async function createUsers(gpu: Gpu, buffers: BufferOwner, inputs: BprInputs): Promise<BprSide> {
  const { tables, itemTables, draws, plan } = inputs
  const staged = isCut(tables.items)
  const { blocks, slots, samples, windows, loss, upload } = await prepareSide(gpu, buffers, 'users', inputs, staged)
  const batch = windows.buffer
  const constants = constantsOf(inputs)
  const bindDraws = await prepareUserDraws(gpu, buffers, draws, batch)
  const walking = await gpu.pipeline(bprUsers(plan.variant, staged), constants)
  const rows = staged ? await SampleRows.create(gpu, buffers, 'items', 2 * slots, constants.FACTOR_BLOCKS) : undefined
  const encoders = blocks.map(block => {
    const { drawn, walk, walkGroups } = upload(block)
    const draw = bindDraws(block, drawn)
    const ways = itemTables.map(items => {
      const { factors, bias } = rows?.table ?? items.shards[0]!
      const group = walking.bind(
        0,
        {
          rows: drawn.rows,
          batch,
          walk,
          samples,
          item_factors: factors,
          item_bias: bias,
          user_factors: tables.users.shards[block.span.shard]!.factors,
          partials: loss.pairs,
        },
        windowBytes,
      )
      const positives = rows?.bind(items, samples, block.slots, 0, { start: 0, stride: 2 })
      const negatives = rows?.bind(items, samples, block.slots, 1, { start: 1, stride: 2 })
      return { group, stages: [positives, negatives] }
    })
    return (pass: GPUComputePassEncoder, round: number) => {
      const { group, stages } = ways[round % 2]!
      draw(pass, windows.offset(round))
      for (const stage of stages) stage?.(pass)
      walking.dispatch(pass, [group], walkGroups, windows.offset(round))
    }
  })
  return { loss, windows, blocks: blocks.length, encodeBlock: (pass, round, block) => encoders[block]!(pass, round) }
}

export async function createItems(gpu: Gpu, buffers: BufferOwner, inputs: BprInputs): Promise<BprSide> {
  const { tables, itemTables, draws, options, plan } = inputs
  const staged = { users: isCut(tables.users), items: isCut(tables.items) }
  const side = await prepareSide(gpu, buffers, 'items', inputs, staged.users || staged.items)
  const { blocks, slots, samples, windows, loss, upload } = side
  const batch = windows.buffer
  const constants = constantsOf(inputs)
  const blocksPerRow = constants.FACTOR_BLOCKS
  const bindDraws = await prepareItemDraws(gpu, buffers, draws, batch)
  const walking = await gpu.pipeline(bprItems(plan.variant, staged), { ...constants, BIASES: Number(options.biases) })
  const users = staged.users ? await SampleRows.create(gpu, buffers, 'users', slots, blocksPerRow) : undefined
  // The rows that walk, then the others that samples name.
  const items = staged.items ? await SampleRows.create(gpu, buffers, 'items', 2 * slots, blocksPerRow) : undefined
  const mover = staged.items ? await RowMover.create(gpu, buffers, 'items', 'model', blocksPerRow) : undefined
  const encoders = blocks.map(block => {
    const { drawn, walk, walkGroups } = upload(block, block.rows.length)
    const draw = bindDraws(block, drawn)
    const stageUsers = users?.bind(tables.users, samples, block.slots, 0, { start: 0, stride: 1 })
    const ways = itemTables.map((from, parity) => {
      const { factors, bias } = items?.table ?? from.shards[0]!
      const to = itemTables[1 - parity]!.shards[block.span.shard]!
      const group = walking.bind(
        0,
        {
          rows: drawn.rows,
          batch,
          walk,
          samples,
          user_factors: (users?.table ?? tables.users.shards[0]!).factors,
          item_factors: factors,
          item_bias: bias,
          new_factors: to.factors,
          new_bias: to.bias,
          partials: loss.pairs,
        },
        windowBytes,
      )
      const shards = from.shards.map(({ bias: beside, ...shard }) => ({ ...shard, beside }))
      const own = mover?.moves(shards, { factors, beside: bias }, block.rows)
      const others = items?.bind(from, samples, block.slots, 1, { start: block.rows.length, stride: 1 })
      return { group, stages: [stageUsers, own?.encodeGather, others] }
    })
    return (pass: GPUComputePassEncoder, round: number) => {
      const { group, stages } = ways[round % 2]!
      draw(pass, windows.offset(round))
      for (const stage of stages) stage?.(pass)
      walking.dispatch(pass, [group], walkGroups, windows.offset(round))
    }
  })
  return { loss, windows, blocks: blocks.length, encodeBlock: (pass, round, block) => encoders[block]!(pass, round) }
}

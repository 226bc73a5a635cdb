import { LimitExceededError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'
import { bprItems } from '../kernels/bpr_items.ts'
import { bprRowStruct, bprWalkStruct } from '../kernels/bpr_structs.ts'
import { bprUsers } from '../kernels/bpr_users.ts'
import { factorBlocks } from '../kernels/shared.ts'
import type { Negatives } from '../layout/negatives.ts'
import type { Positives } from '../layout/positives.ts'
import { listRowMoves, RowMover } from '../model/row-moves.ts'
import type { SideTable } from '../model/side-table.ts'
import { PairSums } from '../model/sums.ts'
import type { FactorTables } from '../model/tables.ts'
import { type DrawTables, type EncodeDraws, prepareItemDraws, prepareUserDraws } from './bpr-draws.ts'
import type { EntryPlaces, EntrySpans, EntryStep } from './bpr-entries.ts'
import type { BprOptions } from './bpr-options.ts'
import { type BprPlan, mostSamples } from './bpr-plan.ts'
import { type BprBlock, type BprRowsInput, cutBprRows, packBprBlock, spansOf } from './bpr-rows.ts'
import { SampleRows } from './bpr-stage.ts'
import { BprWindows, windowBytes } from './bpr-windows.ts'

export interface BprInputs {
  positives: Positives
  negatives: Negatives
  tables: FactorTables
  /** Round r reads table r % 2, and its items' phase writes the other one; the first is the model's. */
  itemTables: readonly [SideTable, SideTable]
  spans: EntrySpans
  draws: DrawTables
  entries: EntryPlaces
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
  /** Those of a round, in the order of `stepsOf`; `slot` is where the entries of the step lie. */
  steps: readonly ((pass: GPUComputePassEncoder, round: number, slot: number) => void)[]
}

/** The rows of a side in blocks. */
export interface SideRows {
  input: BprRowsInput
  blocks: readonly BprBlock[]
  count: number
}

/** What the steps of a round look at: a block's draws for each span of the users that they hang on. */
export function stepsOf(side: 'users' | 'items', { blocks }: SideRows, spans: EntrySpans): EntryStep[] {
  if (side === 'users') return blocks.map(({ span }) => ({ users: span.buffer }))
  return blocks.flatMap(({ span }) => spans.users.map((_, users) => ({ users, items: span.buffer })))
}

const isCut = ({ shards }: SideTable) => shards.length > 1

const constantsOf = ({ options, plan }: BprInputs) => ({
  FACTOR_BLOCKS: factorBlocks(options.factors),
  SLICES: plan.slices,
})

/** Whether a side's phase stages rows of samples, two for each at most. */
const isStaged = (side: 'users' | 'items', { users, items }: FactorTables) =>
  isCut(items) || (side === 'items' && isCut(users))

/** @throws LimitExceededError where there is no room for a round's samples of one row */
export function cutSide(
  gpu: Gpu,
  buffers: BufferOwner,
  side: 'users' | 'items',
  { positives, negatives, tables, spans, options, plan }: Omit<BprInputs, 'draws' | 'entries' | 'itemTables'>,
): SideRows {
  const ofUsers = side === 'users'
  const room = mostSamples(options.factors, isStaged(side, tables), gpu.capabilities.limits)
  const input = {
    start: ofUsers ? positives.userStart : positives.itemStart,
    expected: ofUsers ? undefined : negatives.expected,
    rounds: plan.rounds,
    only: options.rows,
    spans: spansOf(tables[side].shards, spans[side]),
    most: { rows: buffers.mostRows('rows', bprRowStruct.size), slots: room.samples },
  }
  const cut = cutBprRows(input)
  const slots = mostSlots(cut.blocks)
  if (slots > room.samples) {
    const label = `samples of one of the ${side} in a round`
    const needed = slots * Math.floor(room.bytes / room.samples)
    throw new LimitExceededError(label, room.limit, needed, room.bytes, 'take fewer factors')
  }
  return { input, ...cut }
}

const mostSlots = (blocks: readonly BprBlock[]) => blocks.reduce((most, block) => Math.max(most, block.slots), 0)

/** What both sides have alike: their blocks' way to the GPU, room for samples, windows, sums. */
async function prepareSide(
  gpu: Gpu,
  buffers: BufferOwner,
  side: 'users' | 'items',
  { input, blocks, count }: SideRows,
  { tables, spans, options, plan }: BprInputs,
) {
  const ofUsers = side === 'users'
  const slots = mostSlots(blocks)
  const rates = {
    slices: plan.slices,
    factor_rate: ofUsers ? options.userLearningRate : options.itemLearningRate,
    bias_rate: options.biasLearningRate,
    factor_penalty: ofUsers ? options.userRegularization : options.itemRegularization,
    bias_penalty: options.biasRegularization,
  }
  const samples = buffers.storage(`${side}-samples`, 8 * slots)
  const made = blocks.map(block => ({
    block,
    rows: buffers.storage(`${side}-rows`, bprRowStruct.size * block.rows.length),
    slots: buffers.storage(`${side}-slots`, 4 * block.slots),
  }))
  // A buffer that there was no memory for is not to be written.
  await gpu.settle(buffers)
  const { queue } = gpu.device
  return {
    slots,
    samples,
    windows: new BprWindows(gpu, buffers, side, { rounds: plan.rounds, seed: options.seed }),
    loss: await PairSums.create(gpu, buffers, `${side} loss`, count),
    blocks: made.map(({ block, ...drawn }) => {
      const packed = packBprBlock(input, block, spans[side][block.span.buffer]!.entries[0])
      writeBuffer(queue, drawn.rows, 0, packed.rows)
      writeBuffer(queue, drawn.slots, 0, packed.slots)
      return {
        block,
        drawn: { ...drawn, samples },
        walk: buffers.uniform(
          `${side} walk`,
          bprWalkStruct.pack({
            rows: block.rows.length,
            first_row: tables[side].shards[block.span.shard]!.first,
            staged_start: ofUsers ? 0 : block.rows.length,
            ...rates,
          }),
        ),
        walkGroups: Math.ceil(block.rows.length / plan.slices),
      }
    }),
  }
}

export async function createUsers(gpu: Gpu, buffers: BufferOwner, own: SideRows, inputs: BprInputs): Promise<BprSide> {
  const { tables, itemTables, draws, entries, plan } = inputs
  const staged = isStaged('users', tables)
  const { slots, samples, windows, loss, blocks } = await prepareSide(gpu, buffers, 'users', own, inputs)
  const batch = windows.buffer
  const constants = constantsOf(inputs)
  const bindDraws = await prepareUserDraws(gpu, buffers, draws, entries, batch)
  const walking = await gpu.pipeline(bprUsers(plan.variant, staged), constants)
  const rows = staged ? await SampleRows.create(gpu, buffers, 'items', 2 * slots, constants.FACTOR_BLOCKS) : undefined
  await gpu.settle(buffers)
  const steps = blocks.flatMap(({ block, drawn, walk, walkGroups }) => {
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
    return drawThenWalk(bindDraws(block, drawn), windows, (pass, round) => {
      const { group, stages } = ways[round % 2]!
      for (const stage of stages) stage?.(pass)
      walking.dispatch(pass, [group], walkGroups, windows.offset(round))
    })
  })
  return { loss, windows, steps }
}

export async function createItems(gpu: Gpu, buffers: BufferOwner, own: SideRows, inputs: BprInputs): Promise<BprSide> {
  const { tables, itemTables, draws, entries, options, plan } = inputs
  const staged = { users: isCut(tables.users), items: isCut(tables.items) }
  const { slots, samples, windows, loss, blocks } = await prepareSide(gpu, buffers, 'items', own, inputs)
  const batch = windows.buffer
  const constants = constantsOf(inputs)
  const blocksPerRow = constants.FACTOR_BLOCKS
  const bindDraws = await prepareItemDraws(gpu, buffers, draws, entries, batch)
  const walking = await gpu.pipeline(bprItems(plan.variant, staged), { ...constants, BIASES: Number(options.biases) })
  const users = staged.users ? await SampleRows.create(gpu, buffers, 'users', slots, blocksPerRow) : undefined
  // The rows that walk, then the others that samples name.
  const items = staged.items ? await SampleRows.create(gpu, buffers, 'items', 2 * slots, blocksPerRow) : undefined
  const mover = staged.items ? await RowMover.create(gpu, buffers, 'items', 'model', blocksPerRow) : undefined
  // Both tables are cut alike.
  const moves = blocks.map(({ block }) => {
    if (mover === undefined) return undefined
    const list = listRowMoves(tables.items.shards, block.rows)
    return { list, uploaded: buffers.upload('items-moves', list.moves) }
  })
  await gpu.settle(buffers)
  const steps = blocks.flatMap(({ block, drawn, walk, walkGroups }, at) => {
    const listed = moves[at]
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
      const walkingRows = listed && mover?.bind(shards, { factors, beside: bias }, listed.list, listed.uploaded)
      const others = items?.bind(from, samples, block.slots, 1, { start: block.rows.length, stride: 1 })
      return { group, stages: [stageUsers, walkingRows?.encodeGather, others] }
    })
    return drawThenWalk(bindDraws(block, drawn), windows, (pass, round) => {
      const { group, stages } = ways[round % 2]!
      for (const stage of stages) stage?.(pass)
      walking.dispatch(pass, [group], walkGroups, windows.offset(round))
    })
  })
  return { loss, windows, steps }
}

/** The steps of a block: the walk goes with the last draws. */
function drawThenWalk(
  draws: readonly EncodeDraws[],
  windows: BprWindows,
  walk: (pass: GPUComputePassEncoder, round: number) => void,
): BprSide['steps'] {
  return draws.map((draw, at) => (pass, round, slot) => {
    draw(pass, windows.offset(round), slot)
    if (at === draws.length - 1) walk(pass, round)
  })
}

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { bprItemDraws } from '../kernels/bpr_item_draws.ts'
import { bprItems } from '../kernels/bpr_items.ts'
import { bprDrawsStruct, bprWalkStruct } from '../kernels/bpr_structs.ts'
import { bprUserDraws } from '../kernels/bpr_user_draws.ts'
import { bprUsers } from '../kernels/bpr_users.ts'
import { factorBlocks, workgroupSize } from '../kernels/shared.ts'
import type { Negatives } from '../layout/negatives.ts'
import type { Positives } from '../layout/positives.ts'
import { PairSums } from '../model/sums.ts'
import type { FactorTables } from '../model/tables.ts'
import type { BprOptions } from './bpr-options.ts'
import type { BprPlan } from './bpr-plan.ts'
import { packBprRows } from './bpr-rows.ts'
import { BprWindows, windowBytes } from './bpr-windows.ts'

/** The items' rows and biases on the GPU. */
export interface ItemTable {
  factors: GPUBuffer
  bias: GPUBuffer
}

export interface BprInputs {
  positives: Positives
  negatives: Negatives
  tables: FactorTables
  /** Round r reads table r % 2, and its items' phase writes the other one; the first is the model's. */
  itemTables: readonly [ItemTable, ItemTable]
  options: BprOptions
  plan: BprPlan
}

/** What both sides' draws of negatives read. */
export interface DrawTables {
  seen: GPUBuffer
  item_columns: GPUBuffer
}

/** One side's phase: draws of its samples, then a walk over them. */
export interface BprSide {
  /** Of each row: sum of -ln sigmoid(x) over its positives in an epoch, and their number. */
  loss: PairSums
  windows: BprWindows
  encodeRound(pass: GPUComputePassEncoder, round: number): void
}

/** The tables that draws read, uploaded. */
export function uploadDraws(buffers: BufferOwner, { positives, negatives }: BprInputs): DrawTables {
  return {
    seen: buffers.upload('seen', positives.itemsOf),
    item_columns: buffers.upload('item-columns', negatives.itemColumns ?? new Uint32Array(2)),
  }
}

const constantsOf = ({ options, plan }: BprInputs) => ({
  FACTOR_BLOCKS: factorBlocks(options.factors),
  SLICES: plan.slices,
})

/** What both sides have alike: rows, slots, samples, windows, sums. */
async function prepareSide(gpu: Gpu, buffers: BufferOwner, side: 'users' | 'items', inputs: BprInputs) {
  const { positives, negatives, options, plan } = inputs
  const ofUsers = side === 'users'
  const packed = packBprRows({
    start: ofUsers ? positives.userStart : positives.itemStart,
    expected: ofUsers ? undefined : negatives.expected,
    rounds: plan.rounds,
    only: options.rows,
  })
  const windows = new BprWindows(gpu, buffers, side, { rounds: plan.rounds, seed: options.seed })
  const { users, items } = inputs.tables.shape
  return {
    windows,
    loss: await PairSums.create(gpu, buffers, `${side} loss`, packed.count),
    rows: buffers.upload(`${side}-rows`, new Uint8Array(packed.rows)),
    slots: buffers.upload(`${side}-slots`, packed.slots),
    samples: buffers.storage(`${side}-samples`, 8 * packed.slots.length),
    draws: buffers.uniform(`${side} draws`, bprDrawsStruct.pack({ slots: packed.slots.length, users, items })),
    walk: buffers.uniform(
      `${side} walk`,
      bprWalkStruct.pack({
        rows: packed.count,
        slices: plan.slices,
        factor_rate: ofUsers ? options.userLearningRate : options.itemLearningRate,
        bias_rate: options.biasLearningRate,
        factor_penalty: ofUsers ? options.userRegularization : options.itemRegularization,
        bias_penalty: options.biasRegularization,
      }),
    ),
    drawGroups: Math.ceil(packed.slots.length / workgroupSize),
    walkGroups: Math.ceil(packed.count / plan.slices),
  }
}

export async function createUsers(
  gpu: Gpu,
  buffers: BufferOwner,
  inputs: BprInputs,
  drawTables: DrawTables,
): Promise<BprSide> {
  const { negatives, tables, itemTables, plan } = inputs
  const side = await prepareSide(gpu, buffers, 'users', inputs)
  const { rows, slots, samples, windows, loss } = side
  const batch = windows.buffer
  const draw = await gpu.pipeline(bprUserDraws[negatives.itemColumns === undefined ? 'uniform' : 'powered'])
  const drawGroup = draw.bind(0, { rows, batch, slots, ...drawTables, draws: side.draws, samples }, windowBytes)
  const walk = await gpu.pipeline(bprUsers(plan.variant), constantsOf(inputs))
  const walkGroups = itemTables.map(items =>
    walk.bind(
      0,
      {
        rows,
        batch,
        walk: side.walk,
        samples,
        item_factors: items.factors,
        item_bias: items.bias,
        user_factors: tables.userFactors,
        partials: loss.pairs,
      },
      windowBytes,
    ),
  )
  return {
    loss,
    windows,
    encodeRound(pass, round) {
      draw.dispatch(pass, [drawGroup], side.drawGroups, windows.offset(round))
      walk.dispatch(pass, [walkGroups[round % 2]!], side.walkGroups, windows.offset(round))
    },
  }
}

export async function createItems(
  gpu: Gpu,
  buffers: BufferOwner,
  inputs: BprInputs,
  drawTables: DrawTables,
): Promise<BprSide> {
  const { positives, negatives, tables, itemTables, options, plan } = inputs
  const side = await prepareSide(gpu, buffers, 'items', inputs)
  const { rows, slots, samples, windows, loss } = side
  const batch = windows.buffer
  const draw = await gpu.pipeline(bprItemDraws[negatives.itemColumns === undefined ? 'uniform' : 'powered'])
  const drawGroup = draw.bind(
    0,
    {
      rows,
      batch,
      slots,
      ...drawTables,
      draws: side.draws,
      samples,
      raters: buffers.upload('raters', positives.usersOf),
      user_start: buffers.upload('user-start', positives.userStart),
      user_columns: buffers.upload('user-columns', negatives.userColumns ?? new Uint32Array(2)),
    },
    windowBytes,
  )
  const walk = await gpu.pipeline(bprItems(plan.variant), {
    ...constantsOf(inputs),
    BIASES: Number(options.biases),
  })
  const walkGroups = itemTables.map((from, parity) => {
    const to = itemTables[1 - parity]!
    return walk.bind(
      0,
      {
        rows,
        batch,
        walk: side.walk,
        samples,
        user_factors: tables.userFactors,
        item_factors: from.factors,
        item_bias: from.bias,
        new_factors: to.factors,
        new_bias: to.bias,
        partials: loss.pairs,
      },
      windowBytes,
    )
  })
  return {
    loss,
    windows,
    encodeRound(pass, round) {
      draw.dispatch(pass, [drawGroup], side.drawGroups, windows.offset(round))
      walk.dispatch(pass, [walkGroups[round % 2]!], side.walkGroups, windows.offset(round))
    },
  }
}

/** A second table of the items; the rows that no phase works on stand in both. */
export function copyItems(gpu: Gpu, buffers: BufferOwner, items: ItemTable): ItemTable {
  const second = {
    factors: buffers.storage('second item-factors', items.factors.size),
    bias: buffers.storage('second item-bias', items.bias.size),
  }
  const encoder = gpu.device.createCommandEncoder({ label: 'second item table' })
  encodeItems(encoder, items, second)
  gpu.device.queue.submit([encoder.finish()])
  return second
}

/** Encodes a copy of one table of the items into the other. */
export function encodeItems(encoder: GPUCommandEncoder, from: ItemTable, to: ItemTable): void {
  encoder.copyBufferToBuffer(from.factors, 0, to.factors, 0, from.factors.size)
  encoder.copyBufferToBuffer(from.bias, 0, to.bias, 0, from.bias.size)
}

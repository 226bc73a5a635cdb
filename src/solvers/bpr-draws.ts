import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { bprItemDraws } from '../kernels/bpr_item_draws.ts'
import { bprDrawsStruct } from '../kernels/bpr_structs.ts'
import { bprUserDraws } from '../kernels/bpr_user_draws.ts'
import { workgroupSize } from '../kernels/shared.ts'
import type { Negatives } from '../layout/negatives.ts'
import type { Positives } from '../layout/positives.ts'
import type { RowSpan } from '../layout/shards.ts'
import { type BprBlock, cutEntries, type EntrySpan } from './bpr-rows.ts'
import { windowBytes } from './bpr-windows.ts'

/** Entries of some neighbouring rows, by row: the other side's rows, ascending in each. */
interface EntryBuffer extends EntrySpan {
  others: GPUBuffer
}

/** What draws read, uploaded: entries from both sides, each in as many buffers as they take. */
export interface DrawTables {
  users: readonly (EntryBuffer & { start: GPUBuffer })[]
  items: readonly EntryBuffer[]
  itemColumns: GPUBuffer
  userColumns: GPUBuffer
  powered: boolean
  shape: { users: number; items: number }
}

/** @throws LimitExceededError where the entries of a single row do not fit a buffer */
export function uploadDraws(buffers: BufferOwner, positives: Positives, negatives: Negatives): DrawTables {
  const { userStart, itemsOf, itemStart, usersOf } = positives
  const most = buffers.mostRows('entries', 4)
  const list = (label: string, start: Uint32Array, others: Uint32Array<ArrayBuffer>) =>
    cutEntries(start, most).map(span => ({ ...span, others: buffers.upload(label, others.subarray(...span.entries)) }))
  const users = list('seen', userStart, itemsOf).map(span => {
    const own = userStart.subarray(span.first, span.first + span.rows + 1)
    const [first] = span.entries
    const start = first === 0 ? own : own.map(entry => entry - first)
    return { ...span, start: buffers.upload('user-start', start) }
  })
  return {
    users,
    items: list('raters', itemStart, usersOf),
    itemColumns: buffers.upload('item-columns', negatives.itemColumns ?? new Uint32Array(2)),
    userColumns: buffers.upload('user-columns', negatives.userColumns ?? new Uint32Array(2)),
    powered: negatives.itemColumns !== undefined,
    shape: { users: userStart.length - 1, items: itemStart.length - 1 },
  }
}

/** A block on the GPU, as its draws see it. */
export interface DrawnBlock {
  rows: GPUBuffer
  slots: GPUBuffer
  samples: GPUBuffer
}

/** Encodes the draws of a block in the round whose window is at `offset`. */
type EncodeDraws = (pass: GPUComputePassEncoder, offset: number) => void

export type BindDraws = (block: BprBlock, drawn: DrawnBlock) => EncodeDraws

export async function prepareUserDraws(
  gpu: Gpu,
  buffers: BufferOwner,
  { users, itemColumns, powered, shape }: DrawTables,
  batch: GPUBuffer,
): Promise<BindDraws> {
  const pipeline = await gpu.pipeline(bprUserDraws[powered ? 'powered' : 'uniform'])
  return ({ span, slots }, drawn) => {
    const { others, first, rows } = users[span.buffer]!
    const draws = packDraws(buffers, slots, shape, { first, rows })
    const group = pipeline.bind(0, { ...drawn, batch, seen: others, item_columns: itemColumns, draws }, windowBytes)
    return (pass, offset) => pipeline.dispatch(pass, [group], Math.ceil(slots / workgroupSize), offset)
  }
}

/** A dispatch for each buffer of users' entries. */
export async function prepareItemDraws(
  gpu: Gpu,
  buffers: BufferOwner,
  { users, items, itemColumns, userColumns, powered, shape }: DrawTables,
  batch: GPUBuffer,
): Promise<BindDraws> {
  const variants = users.length === 1 ? ['uniform', 'powered'] : ['uniformSharded', 'poweredSharded']
  const pipeline = await gpu.pipeline(bprItemDraws[variants[Number(powered)] as keyof typeof bprItemDraws])
  return ({ span, slots }, drawn) => {
    const common = { ...drawn, batch, item_columns: itemColumns, user_columns: userColumns }
    const raters = items[span.buffer]!.others
    const groups = users.map(({ others, start, ...here }) => {
      const draws = packDraws(buffers, slots, shape, here)
      return pipeline.bind(0, { ...common, raters, seen: others, user_start: start, draws }, windowBytes)
    })
    return (pass, offset) => {
      for (const group of groups) pipeline.dispatch(pass, [group], Math.ceil(slots / workgroupSize), offset)
    }
  }
}

function packDraws(buffers: BufferOwner, slots: number, shape: DrawTables['shape'], here: RowSpan): GPUBuffer {
  const { first: first_user, rows: users_here } = here
  return buffers.uniform('draws', bprDrawsStruct.pack({ slots, ...shape, first_user, users_here }))
}

import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { bprItemDraws } from '../kernels/bpr_item_draws.ts'
import { bprDrawsStruct, bprSlotsStruct } from '../kernels/bpr_structs.ts'
import { bprUserDraws } from '../kernels/bpr_user_draws.ts'
import { workgroupSize } from '../kernels/shared.ts'
import type { Negatives } from '../layout/negatives.ts'
import type { Positives } from '../layout/positives.ts'
import type { EntryPlaces, EntrySpans } from './bpr-entries.ts'
import type { BprBlock } from './bpr-rows.ts'
import { windowBytes } from './bpr-windows.ts'

/** What draws read beside entries and rows, uploaded. */
export interface DrawTables {
  /** Of each span of users: first entry of each of them, and the end; the `BprDraws` uniform. */
  users: readonly { start: GPUBuffer; draws: GPUBuffer }[]
  itemColumns: GPUBuffer
  userColumns: GPUBuffer
  powered: boolean
}

export function uploadDraws(
  buffers: BufferOwner,
  { userStart, itemStart }: Positives,
  negatives: Negatives,
  spans: EntrySpans,
): DrawTables {
  const shape = { users: userStart.length - 1, items: itemStart.length - 1 }
  return {
    users: spans.users.map(({ first: first_user, rows: users_here, entries: [entry] }) => {
      const own = userStart.subarray(first_user, first_user + users_here + 1)
      return {
        start: buffers.upload('user-start', entry === 0 ? own : own.map(start => start - entry)),
        draws: buffers.uniform('draws', bprDrawsStruct.pack({ ...shape, first_user, users_here })),
      }
    }),
    itemColumns: buffers.upload('item-columns', negatives.itemColumns ?? new Uint32Array(2)),
    userColumns: buffers.upload('user-columns', negatives.userColumns ?? new Uint32Array(2)),
    powered: negatives.itemColumns !== undefined,
  }
}

/** A block on the GPU, as its draws see it. */
export interface DrawnBlock {
  rows: GPUBuffer
  slots: GPUBuffer
  samples: GPUBuffer
}

/** Encodes the draws of a block that hang on one span of users, in the round whose window is at `offset`. */
export type EncodeDraws = (pass: GPUComputePassEncoder, offset: number, slot: number) => void

/** The draws of a block, span by span of the users that they look at. */
export type BindDraws = (block: BprBlock, drawn: DrawnBlock) => readonly EncodeDraws[]

export async function prepareUserDraws(
  gpu: Gpu,
  buffers: BufferOwner,
  { users, itemColumns, powered }: DrawTables,
  entries: EntryPlaces,
  batch: GPUBuffer,
): Promise<BindDraws> {
  const pipeline = await gpu.pipeline(bprUserDraws[powered ? 'powered' : 'uniform'])
  return ({ span, slots }, drawn) => {
    const room = buffers.uniform('slots', bprSlotsStruct.pack({ count: slots }))
    const { draws } = users[span.buffer]!
    const groups = entries
      .buffersOf({ users: span.buffer })
      .map(({ seen }) =>
        pipeline.bind(0, { ...drawn, batch, seen, item_columns: itemColumns, draws, room }, windowBytes),
      )
    return [(pass, offset, slot) => pipeline.dispatch(pass, [groups[slot]!], Math.ceil(slots / workgroupSize), offset)]
  }
}

export async function prepareItemDraws(
  gpu: Gpu,
  buffers: BufferOwner,
  { users, itemColumns, userColumns, powered }: DrawTables,
  entries: EntryPlaces,
  batch: GPUBuffer,
): Promise<BindDraws> {
  const variants = users.length === 1 ? ['uniform', 'powered'] : ['uniformSharded', 'poweredSharded']
  const pipeline = await gpu.pipeline(bprItemDraws[variants[Number(powered)] as keyof typeof bprItemDraws])
  return ({ span, slots }, drawn) => {
    const room = buffers.uniform('slots', bprSlotsStruct.pack({ count: slots }))
    const common = { ...drawn, batch, item_columns: itemColumns, user_columns: userColumns, room }
    return users.map(({ start, draws }, at): EncodeDraws => {
      const groups = entries
        .buffersOf({ users: at, items: span.buffer })
        .map(({ seen, raters }) =>
          pipeline.bind(0, { ...common, seen, raters: raters!, user_start: start, draws }, windowBytes),
        )
      return (pass, offset, slot) => {
        pipeline.dispatch(pass, [groups[slot]!], Math.ceil(slots / workgroupSize), offset)
      }
    })
  }
}

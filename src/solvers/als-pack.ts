import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Load } from '../gpu/submitter.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { cutRows, packRowBlocks, type RowEntries } from '../layout/row-blocks.ts'
import type { SideTable } from '../model/side-table.ts'
import type { BlockBuffers, PackedRows } from './als-blocks.ts'
import type { AlsPlan } from './als-plan.ts'
import { localBlock } from './als-shards.ts'
import { EntryStore, type Residency, type Room, type StepTables } from './entry-store.ts'

interface PackInput {
  label: string
  entries: RowEntries
  /** The rows that are solved, and the other side's. */
  solved: SideTable
  fixed: SideTable
  factors: number
  plan: AlsPlan
}

/**
 * The bounds of blocks: where a side has several shards, the rows that a block's entries name are to fit one buffer.
 * @param isWhole whether either side has one shard
 * @param most rows of a buffer
 */
export const boundsFor = ({ bounds }: AlsPlan, isWhole: boolean, most: number): AlsPlan['bounds'] =>
  isWhole ? bounds : { ...bounds, entries: Math.min(bounds.entries, most) }

/** @throws LimitExceededError where a single row of factors does not fit a buffer */
export function packRows(
  buffers: BufferOwner,
  { label, entries, solved, fixed, factors, plan }: PackInput,
): PackedRows {
  const isWhole = solved.shards.length * fixed.shards.length === 1
  const most = buffers.mostRows(`${label}-factors`, 16 * factorBlocks(factors))
  const bounds = boundsFor(plan, isWhole, most)
  const { rows, cuts } = cutRows(entries.counts, bounds, plan.exact?.heavy)
  const blocks = packRowBlocks(entries, cuts, bounds.segment)
  if (isWhole) return { rows, blocks, locals: undefined }
  const own = blocks.map(block => localBlock(block, { solved: solved.shards, fixed: fixed.shards }, most))
  return { rows, blocks: own.map(({ block }) => block), locals: own.map(({ local }) => local) }
}

/** Where the entries of blocks lie that are worked on in their order. */
export interface StoredBlocks {
  /** By block. */
  buffers: readonly BlockBuffers[]
  /** One a block where they are streamed, else none. */
  loads: readonly Pick<Load, 'write'>[]
  residency: Residency
}

/**
 * A block has buffers to itself, or each second one has the same.
 * @param sides whose blocks follow one another
 * @throws LimitExceededError where a block does not fit a binding, or two of the largest the room; OutOfMemoryError
 */
export async function storeBlocks(
  gpu: Gpu,
  buffers: BufferOwner,
  sides: readonly PackedRows[],
  room?: Room,
): Promise<StoredBlocks> {
  const blocks = sides.flatMap(side => side.blocks)
  const locals = sides.flatMap(side => side.locals ?? [])
  const entries = (block: number) => [blocks[block]!.entries]
  const moves = (block: number) => [locals[block]!.moves]
  const create = <Name extends 'entries' | 'moves'>(tables: StepTables<Name>) =>
    EntryStore.create(gpu, buffers, blocks.length, tables, { ...room, alone: true })
  const store = locals.length === 0 ? await create({ entries }) : await create({ entries, moves })
  const { slot, loads } = store.place(Uint32Array.from(blocks, (_, block) => block))
  return { buffers: blocks.map((_, block) => store.slots[slot[block]!]!), loads, residency: store.residency }
}

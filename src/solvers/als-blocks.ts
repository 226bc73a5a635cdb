import type { BufferOwner } from '../gpu/buffers.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { alsBlockStruct, alsOptionsStruct } from '../kernels/structs.ts'
import type { RowBlock } from '../layout/row-blocks.ts'
import type { SideTable } from '../model/side-table.ts'
import type { PairSums } from '../model/sums.ts'
import type { AlsPlan } from './als-plan.ts'
import type { GramTable } from './gram-table.ts'

export type Encode = (pass: GPUComputePassEncoder) => void

/** One side's factors and biases on the GPU. */
export interface SideTables {
  factors: GPUBuffer
  bias: GPUBuffer
}

/** A side's rows with entries, cut into blocks. */
export interface PackedRows {
  /** Most entries first. */
  rows: Uint32Array
  blocks: readonly RowBlock[]
  /** Where a side of the model lies in several shards: the rows of each block's own tables, by which the block numbers them. */
  locals: readonly LocalRows[] | undefined
}

/** The rows of a block's own tables. */
export interface LocalRows {
  /** The ways of the rows of the slots, then of those that each part names. */
  moves: Uint32Array<ArrayBuffer>
  /** The first way of each shard of the solved side, and the end. */
  solved: readonly number[]
  /** The block's segments, or some of them and of its entries that name no more rows than fit; their ways by shard. */
  parts: { segments: Uint32Array<ArrayBuffer>; fixed: readonly number[] }[]
}

export interface AlsSideInput {
  label: 'users' | 'items'
  packed: PackedRows
  /** Where each block's entries lie. */
  stored: readonly BlockBuffers[]
  /** The rows that are solved, and the other side's. */
  solved: SideTable
  fixed: SideTable
  /** The fixed side's Gram matrix and its weight w0; undefined in explicit models. */
  gram: { table: GramTable; weight: number } | undefined
  factors: number
  biases: boolean
  regularization: number
  biasRegularization: number
  plan: AlsPlan
  /** Where the objectives of the rows go: a pair for each row with entries. */
  sums: PairSums
}

/** The same with tables that the kernels see: those of the model, or of the rows of a block alone. */
export type BlockInput = Omit<AlsSideInput, 'solved' | 'fixed'> & { solved: SideTables; fixed: SideTables }

/** Bytes of the tables of a `Scratch`. */
export function scratchBytes(
  { factors, implicit, plan }: { factors: number; implicit: boolean; plan: AlsPlan },
  slots: number,
  segments: number,
) {
  const row = 16 * (factorBlocks(factors) + 1)
  const { exact } = plan
  const tiles = exact === undefined ? 0 : (exact.tiles.rowBlocks * (exact.tiles.rowBlocks + 1)) / 2
  const iterative = Number(exact === undefined)
  return {
    directions: slots * row,
    residuals: iterative * slots * row,
    products: Number(implicit) * iterative * slots * row,
    partials: iterative * segments * row,
    normalParts: segments * tiles * 64,
  }
}

/** What a block's slots need beside the tables: as large as the largest block's, used by one block after another. */
export class Scratch {
  readonly directions: GPUBuffer
  readonly residuals: GPUBuffer
  readonly products: GPUBuffer
  readonly partials: GPUBuffer
  readonly normalParts: GPUBuffer

  constructor(
    buffers: BufferOwner,
    { label, factors, gram, plan }: Omit<AlsSideInput, 'solved' | 'fixed'>,
    blocks: readonly RowBlock[],
  ) {
    const slots = Math.max(0, ...blocks.map(block => block.slots))
    const segments = Math.max(0, ...blocks.map(block => block.segments.length / 4))
    const bytes = scratchBytes({ factors, implicit: gram !== undefined, plan }, slots, segments)
    this.directions = buffers.storage(`${label}-directions`, bytes.directions)
    this.residuals = buffers.storage(`${label}-residuals`, bytes.residuals)
    this.products = buffers.storage(`${label}-products`, bytes.products)
    this.partials = buffers.storage(`${label}-partials`, bytes.partials)
    this.normalParts = buffers.storage(`${label}-normal parts`, bytes.normalParts)
  }
}

/** The `AlsOptions` uniform. */
export function packOptions({ factors, regularization, biasRegularization, gram, plan }: BlockInput): ArrayBuffer {
  return alsOptionsStruct.pack({
    factors,
    factor_penalty: regularization,
    bias_penalty: biasRegularization,
    unobserved: gram?.weight ?? 0,
    tolerance: plan.tolerance,
    blocks: factorBlocks(factors),
  })
}

/** Some segments of a block, and what is to be done before they are worked on. */
export interface SegmentPart {
  segments: Uint32Array<ArrayBuffer>
  bring?: Encode
}

/** What grows with a block's entries. */
export interface BlockBuffers {
  entries: GPUBuffer
  /** Ways of the rows of its own tables, where it has such. */
  moves?: GPUBuffer
}

/** What a block is bound to, and the pairs from `pairStart` on for its rows' objectives. */
export interface BlockPlaces extends BlockBuffers {
  pairStart: number
}

/**
 * Encodes the dispatches that solve a block.
 * @param parts all segments of the block, where not all at once
 */
export type BlockEncoder = (block: RowBlock, places: BlockPlaces, parts?: readonly SegmentPart[]) => Encode[]

interface UploadedBlock {
  rows: GPUBuffer
  /** Of a block: its slots, and all its segments. */
  shape: GPUBuffer
  parts: { segments: GPUBuffer; shape: GPUBuffer; count: number; bring: Encode | undefined }[]
}

export function uploadBlock(
  buffers: BufferOwner,
  label: string,
  block: RowBlock,
  pairStart: number,
  parts: readonly SegmentPart[] = [{ segments: block.segments }],
): UploadedBlock {
  const shapeOf = (segments: number) =>
    buffers.uniform(`${label}-block`, alsBlockStruct.pack({ slots: block.slots, segments, pair_start: pairStart }))
  const shape = shapeOf(block.segments.length / 4)
  return {
    rows: buffers.upload(`${label}-rows`, block.rows),
    shape,
    parts: parts.map(({ segments, bring }) => {
      const count = segments.length / 4
      return {
        segments: buffers.upload(`${label}-segments`, segments),
        shape: parts.length === 1 ? shape : shapeOf(count),
        count,
        bring,
      }
    }),
  }
}

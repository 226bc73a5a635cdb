import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { mergeReplicas, mergeStruct } from '../kernels/merge_replicas.ts'
import { publishingStruct, publishRows } from '../kernels/publish_rows.ts'
import { workgroupSize } from '../kernels/shared.ts'
import { stageRows, stagingStruct } from '../kernels/stage_rows.ts'
import type { BlockLayout } from '../layout/blocks.ts'

const NO_SLOT = 0xffffffff

export interface FusedSideInput {
  label: 'users' | 'items'
  blocks: BlockLayout
  /** Entries of each slot. */
  slotCounts: Uint32Array
  precision: 'f32' | 'f16'
  /** vec4s in a row. */
  blocksPerRow: number
  /** This side's tables of the model. */
  factors: GPUBuffer
  bias: GPUBuffer
  /** count^(nu - 1), count^nu a row. */
  weights: GPUBuffer
  /** What the sums of squares start from. */
  squares: { factors: number; bias: number }
  /** The uniform buffer of the strata, and the bytes of one window. */
  strata: GPUBuffer
  windowBytes: number
}

/** One side (the users or the items) as the fused solver works on it: slots in the order of their blocks. */
export class FusedSide {
  readonly factors: GPUBuffer
  readonly state: GPUBuffer
  /** Replicas beyond the first of each row. */
  readonly extraReplicas: number
  /** Encodes the way from the model's tables to the slots. */
  readonly encodeStage: (pass: GPUComputePassEncoder) => void
  /** Encodes the way back. */
  readonly encodePublish: (pass: GPUComputePassEncoder) => void
  /** Encodes that heavy rows' replicas meet; `offset` of the stratum's window. Undefined where no row has any. */
  readonly encodeMerge: ((pass: GPUComputePassEncoder, offset: number) => void) | undefined

  private constructor(
    tables: Pick<FusedSide, 'factors' | 'state' | 'extraReplicas'>,
    encode: Pick<FusedSide, 'encodeStage' | 'encodePublish' | 'encodeMerge'>,
  ) {
    this.factors = tables.factors
    this.state = tables.state
    this.extraReplicas = tables.extraReplicas
    this.encodeStage = encode.encodeStage
    this.encodePublish = encode.encodePublish
    this.encodeMerge = encode.encodeMerge
  }

  static async create(gpu: Gpu, buffers: BufferOwner, input: FusedSideInput): Promise<FusedSide> {
    const { label, blocks, precision, blocksPerRow, bias, weights } = input
    const slots = blocks.rowOf.length
    const rows = blocks.slotStart.length - 1
    const constants = { FACTOR_BLOCKS: blocksPerRow }
    const workgroups = (count: number) => Math.ceil((count * (blocksPerRow + 1)) / workgroupSize)
    const staged = buffers.storage(`${label}-slots`, slots * blocksPerRow * (precision === 'f16' ? 8 : 16))
    const state = buffers.storage(`${label}-state`, 16 * slots)

    const stage = await gpu.pipeline(stageRows[precision], constants)
    const stageGroup = stage.bind(0, {
      factors: input.factors,
      bias,
      weights,
      rows: buffers.upload(`${label}-slot-rows`, blocks.rowOf),
      staged,
      state,
      staging: buffers.uniform(
        `${label} staging`,
        stagingStruct.pack({ slots, factor_squares: input.squares.factors, bias_squares: input.squares.bias }),
      ),
    })
    const publish = await gpu.pipeline(publishRows[precision], constants)
    const publishGroup = publish.bind(0, {
      staged,
      state,
      slots: buffers.upload(`${label}-row-slots`, firstSlots(blocks)),
      factors: input.factors,
      bias,
      publishing: buffers.uniform(`${label} publishing`, publishingStruct.pack({ rows })),
    })

    const { heavy, replicas } = listReplicas(blocks, input.slotCounts)
    const heavyRows = heavy.length - 1
    let encodeMerge: FusedSide['encodeMerge']
    if (heavyRows > 0) {
      const merge = await gpu.pipeline(mergeReplicas[precision], constants)
      const mergeGroup = merge.bind(
        0,
        {
          factors: staged,
          state,
          heavy: buffers.upload(`${label}-heavy`, heavy),
          replicas: buffers.upload(`${label}-replicas`, replicas),
          batch: input.strata,
          merge: buffers.uniform(`${label} merge`, mergeStruct.pack({ heavy_rows: heavyRows })),
        },
        input.windowBytes,
      )
      encodeMerge = (pass, offset) => merge.dispatch(pass, [mergeGroup], workgroups(heavyRows), offset)
    }
    return new FusedSide(
      { factors: staged, state, extraReplicas: replicas.length / 2 - heavyRows },
      {
        encodeStage: pass => stage.dispatch(pass, [stageGroup], workgroups(slots)),
        encodePublish: pass => publish.dispatch(pass, [publishGroup], workgroups(rows)),
        encodeMerge,
      },
    )
  }
}

/** The first slot of each row, or NO_SLOT. */
function firstSlots({ slotStart, slots }: BlockLayout): Uint32Array<ArrayBuffer> {
  const first = new Uint32Array(slotStart.length - 1)
  for (let row = 0; row < first.length; row++) {
    first[row] = slotStart[row] === slotStart[row + 1] ? NO_SLOT : slots[slotStart[row]!]!
  }
  return first
}

/** Rows with several slots: first replica of each and the end; (slot, bits of its share of the entries) of each replica. */
function listReplicas({ slotStart, slots }: BlockLayout, slotCounts: Uint32Array) {
  const heavy = [0]
  const replicas: number[] = []
  const bits = new DataView(new ArrayBuffer(4))
  for (let row = 0; row + 1 < slotStart.length; row++) {
    const own = slots.subarray(slotStart[row]!, slotStart[row + 1]!)
    if (own.length < 2) continue
    const total = own.reduce((sum, slot) => sum + slotCounts[slot]!, 0)
    for (const slot of own) {
      bits.setFloat32(0, slotCounts[slot]! / total)
      replicas.push(slot, bits.getUint32(0))
    }
    heavy.push(replicas.length / 2)
  }
  return { heavy: Uint32Array.from(heavy), replicas: Uint32Array.from(replicas) }
}

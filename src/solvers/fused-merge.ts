import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { mergeReplicas, mergeStruct } from '../kernels/merge_replicas.ts'
import { workgroupSize } from '../kernels/shared.ts'
import type { BlockLayout } from '../layout/blocks.ts'
import { listRowMoves, RowMover } from '../model/row-moves.ts'
import type { FusedSideInput, SlotShard } from './fused-slots.ts'

/** Encodes that heavy rows' replicas meet; `offset` of the stratum's window. */
export type EncodeMerge = (pass: GPUComputePassEncoder, offset: number) => void

export interface Merge {
  /** Replicas beyond the first of each row. */
  extraReplicas: number
  /** Undefined where no row has any. */
  encode: EncodeMerge | undefined
}

/** How heavy rows' replicas meet: in the slots where those are one shard, else in a table of replicas. */
export async function bindMerge(
  gpu: Gpu,
  buffers: BufferOwner,
  { label, blocks, slotCounts, precision, blocksPerRow, strata, windowBytes }: FusedSideInput,
  shards: readonly SlotShard[],
): Promise<Merge> {
  const { heavy, replicas } = listReplicas(blocks, slotCounts)
  const heavyRows = heavy.length - 1
  const count = replicas.length / 2
  if (heavyRows === 0) return { extraReplicas: 0, encode: undefined }
  const moving =
    shards.length > 1 ? await bindMoves(gpu, buffers, { label, precision, blocksPerRow }, shards, replicas) : undefined
  const { factors, state } = moving?.table ?? shards[0]!
  const merge = await gpu.pipeline(mergeReplicas[precision], { FACTOR_BLOCKS: blocksPerRow })
  const lists = {
    heavy: buffers.upload(`${label}-heavy`, heavy),
    replicas: buffers.upload(`${label}-replicas`, moving === undefined ? replicas : numbered(replicas)),
  }
  await gpu.settle(buffers)
  const group = merge.bind(
    0,
    {
      factors,
      state,
      ...lists,
      batch: strata,
      merge: buffers.uniform(`${label} merge`, mergeStruct.pack({ heavy_rows: heavyRows })),
    },
    windowBytes,
  )
  const workgroups = Math.ceil((heavyRows * (blocksPerRow + 1)) / workgroupSize)
  return {
    extraReplicas: count - heavyRows,
    encode(pass, offset) {
      moving?.encodeGather(pass)
      merge.dispatch(pass, [group], workgroups, offset)
      moving?.encodeScatter(pass)
    },
  }
}

/** The way from the shards to a table of replicas, and back. */
async function bindMoves(
  gpu: Gpu,
  buffers: BufferOwner,
  { label, precision, blocksPerRow }: Pick<FusedSideInput, 'label' | 'precision' | 'blocksPerRow'>,
  shards: readonly SlotShard[],
  replicas: Uint32Array,
) {
  const slots = replicas.filter((_, at) => at % 2 === 0)
  const table = {
    factors: buffers.storage(`${label}-replica-slots`, slots.length * blocksPerRow * (precision === 'f16' ? 8 : 16)),
    beside: buffers.storage(`${label}-replica-state`, 16 * slots.length),
  }
  const mover = await RowMover.create(gpu, buffers, `${label}-replicas`, precision, blocksPerRow)
  const list = listRowMoves(shards, slots)
  const moves = buffers.upload(`${label}-replicas-moves`, list.moves)
  await gpu.settle(buffers)
  const from = shards.map(({ state, ...shard }) => ({ ...shard, beside: state }))
  return { table: { factors: table.factors, state: table.beside }, ...mover.bind(from, table, list, moves) }
}

/** Replicas by their number instead of their slot. */
const numbered = (replicas: Uint32Array) => Uint32Array.from(replicas, (word, at) => (at % 2 === 0 ? at / 2 : word))

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

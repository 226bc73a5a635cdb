import type { BufferOwner } from '../gpu/buffers.ts'
import type { DeviceLimits } from '../gpu/capabilities.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'
import { stratumStruct } from '../kernels/structs.ts'
import { type BlockSpan, cutBlocks, type StratumPart, stratumParts } from '../layout/shards.ts'
import { gridOf, type TileShape } from '../layout/tile-grid.ts'
import type { PackedTiles, TileCut } from '../layout/tiles.ts'
import type { StepPlaces, StepTables } from './entry-store.ts'

/** Bytes that a window of the strata's uniform buffer shows. */
export const windowBytes = 16 * Math.ceil(stratumStruct.size / 16)

/** How the slots of either side are cut into shards: neighbouring blocks that share a workgroup stay together. */
export interface SlotSpans {
  held: readonly BlockSpan[]
  streamed: readonly BlockSpan[]
}

/** @param most slots of a shard */
export function cutSlots(layout: Pick<TileCut, 'held' | 'shape' | 'users' | 'items'>, most: number): SlotSpans {
  const { held, shape } = layout
  const [heldBlocks, streamedBlocks] = held === 'users' ? [layout.users, layout.items] : [layout.items, layout.users]
  return {
    held: cutBlocks(heldBlocks.blockStart, shape.slices, most),
    streamed: cutBlocks(streamedBlocks.blockStart, gridOf(shape).subStrata, most),
  }
}

/** The parts of each stratum: one, unless a side's slots lie in several shards. */
export function cutStrata(shape: TileShape, spans: SlotSpans): StratumPart[][] {
  const { heldBlocks, subStrata } = gridOf(shape)
  // The last workers of all may be slices without a tile, which no block is of.
  const workers = spans.held.map(({ blocks: [from, to] }, at) => {
    const end = at === spans.held.length - 1 ? heldBlocks : to
    return shape.nested ? ([from / shape.slices, end / shape.slices] as const) : ([from, end] as const)
  })
  const groups = spans.streamed.map(({ blocks: [from, to] }) => [from / subStrata, to / subStrata] as const)
  return Array.from({ length: shape.strata }, (_, stratum) => stratumParts(stratum, shape.strata, workers, groups))
}

/** Bytes from one window to the next. */
export const windowStride = ({ minUniformBufferOffsetAlignment: alignment }: DeviceLimits): number =>
  alignment * Math.ceil(windowBytes / alignment)

/** What a stratum reads of the entries. */
export type StratumTable = 'entries' | 'tiles'

export function stratumTables({ shape, parts, tiles }: PackedTiles): StepTables<StratumTable> {
  const words = tiles.length / shape.strata
  return {
    entries: stratum =>
      parts.map(({ entries, stratumStart }) =>
        entries.subarray(2 * stratumStart[stratum]!, 2 * stratumStart[stratum + 1]!),
      ),
    tiles: stratum => [tiles.subarray(stratum * words, (stratum + 1) * words)],
  }
}

/** A part of a stratum, and where its window lies. */
export interface PartWindow extends StratumPart {
  offset: number
}

/** One uniform buffer with a window for each part of each stratum, written once an epoch. */
export class StratumWindows {
  readonly buffer: GPUBuffer
  readonly strata: number
  /** As `cutStrata` gives them. */
  readonly parts: readonly (readonly PartWindow[])[]
  readonly #gpu: Gpu
  readonly #bytes: ArrayBuffer
  readonly #layout: Pick<TileCut, 'shape' | 'stratumStart'>
  readonly #spans: SlotSpans
  readonly #seed: number

  constructor(gpu: Gpu, buffers: BufferOwner, { shape, stratumStart }: TileCut, spans: SlotSpans, seed: number) {
    const stride = windowStride(gpu.capabilities.limits)
    let windows = 0
    this.strata = shape.strata
    this.parts = cutStrata(shape, spans).map(parts => parts.map(part => ({ ...part, offset: stride * windows++ })))
    this.#gpu = gpu
    this.#bytes = new ArrayBuffer(windows * stride)
    this.#layout = { shape, stratumStart }
    this.#spans = spans
    this.#seed = seed
    this.buffer = buffers.uniform('strata', this.#bytes)
  }

  /** @param places of the strata in this epoch */
  write(rate: number, epoch: number, { start }: Pick<StepPlaces<StratumTable>, 'start'>): void {
    const view = new DataView(this.#bytes)
    const { shape, stratumStart } = this.#layout
    const { heldBlocks } = gridOf(shape)
    const { held, streamed } = this.#spans
    for (let stratum = 0; stratum < shape.strata; stratum++) {
      const entryPlace = start.entries[stratum]! / 2
      for (const part of this.parts[stratum]!) {
        stratumStruct.write(view, part.offset, {
          stratum,
          tile_start: start.tiles[stratum]! / (shape.slices + 2),
          partial_start: stratum * heldBlocks,
          rate,
          noise: Math.imul(this.#seed + 1, 0x9e3779b1) + Math.imul(epoch * shape.strata + stratum + 1, 0x85ebca6b),
          entry_place: entryPlace,
          entry_start: stratumStart[stratum]! - entryPlace,
          worker_start: part.from,
          worker_end: part.to,
          held_start: held[part.held]!.first,
          streamed_start: streamed[part.streamed]!.first,
        })
      }
    }
    writeBuffer(this.#gpu.device.queue, this.buffer, 0, this.#bytes)
  }
}

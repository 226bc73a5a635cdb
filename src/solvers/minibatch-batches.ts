import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { itemGradients, userGradients } from '../kernels/gradients.ts'
import { residuals } from '../kernels/residuals.ts'
import { scoreWorkgroups, workgroupSize } from '../kernels/shared.ts'
import type { BatchLayout } from '../layout/batches.ts'
import { predictionConstants } from '../model/scorer.ts'
import type { PairSums } from '../model/sums.ts'
import { type ModelScale, packModel, type Shape } from '../model/tables.ts'
import { type BatchWindows, windowBytes } from './batch-windows.ts'
import type { EncodeBatch, MinibatchSide, SideConstants } from './minibatch-side.ts'

/** What the entries of all batches bring about, whichever their chunk. */
interface BatchInput {
  shape: Shape
  scale: ModelScale
  chunks: readonly BatchLayout[]
  constants: SideConstants
  lanes: number
  windows: BatchWindows
  loss: PairSums
  users: MinibatchSide
  items: MinibatchSide
}

/** A chunk's tables on the GPU. */
type ChunkTables = Record<'entries' | 'order' | `${'user' | 'item'}${'Runs' | 'Segments'}`, GPUBuffer>

/** First pair of each batch in the table of partial sums, and the end. */
export function partialStarts(chunks: readonly BatchLayout[], lanes: number): number[] {
  const starts = [0]
  for (const { batchCount, entryStart } of chunks) {
    for (let place = 0; place < batchCount; place++) {
      starts.push(starts.at(-1)! + scoreWorkgroups(entryStart[place + 1]! - entryStart[place]!, lanes))
    }
  }
  return starts
}

/** The dispatches of every batch: its rows where they lie apart, errors, gradients of both sides, steps of both sides. */
export async function bindBatches(
  gpu: Gpu,
  buffers: BufferOwner,
  { shape, scale, chunks, constants, lanes, windows, loss, users, items }: BatchInput,
): Promise<(pass: GPUComputePassEncoder, batch: number) => void> {
  const [errors, ofUsers, ofItems] = await Promise.all([
    gpu.pipeline(residuals, predictionConstants(shape.factors, lanes, scale.link)),
    gpu.pipeline(userGradients, constants),
    gpu.pipeline(itemGradients, constants),
  ])
  const most = Math.max(...chunks.map(({ entryStart }) => entryStart[1]!))
  const residual = buffers.storage('residuals', 4 * most)
  const seen = { ...shape, users: users.rows.count, items: items.rows.count }
  const modelGroup = errors.bind(0, {
    user_factors: users.rows.factors,
    item_factors: items.rows.factors,
    user_bias: users.rows.bias,
    item_bias: items.rows.bias,
    model: buffers.uniform('model', packModel(seen, scale)),
  })

  const bind = (layout: BatchLayout): EncodeBatch => {
    const { entries, order, userRuns, userSegments, itemRuns, itemSegments } = uploadChunk(buffers, layout)
    const common = { entries, residual, batch: windows.buffer }
    const errorGroups = [modelGroup, errors.bind(1, { ...common, partials: loss.pairs }, windowBytes)]
    const userGroup = ofUsers.bind(
      0,
      { ...common, segments: userSegments, factors: items.rows.factors, gradient: users.gradient },
      windowBytes,
    )
    const itemGroup = ofItems.bind(
      0,
      { ...common, segments: itemSegments, factors: users.rows.factors, gradient: items.gradient, order },
      windowBytes,
    )
    const sides = [users.bind(layout, userRuns, userSegments), items.bind(layout, itemRuns, itemSegments)]
    const gradientGroups = (name: 'users' | 'items', place: number) => {
      const { segmentStart } = layout[name]
      return Math.ceil(((segmentStart[place + 1]! - segmentStart[place]!) * constants.PARAMETER_BLOCKS) / workgroupSize)
    }
    return (pass, place, batch) => {
      for (const { gather } of sides) gather(pass, place, batch)
      const entryCount = layout.entryStart[place + 1]! - layout.entryStart[place]!
      errors.dispatch(pass, errorGroups, scoreWorkgroups(entryCount, lanes), windows.residuals(batch))
      ofUsers.dispatch(pass, [userGroup], gradientGroups('users', place), windows.side(batch, 'users'))
      ofItems.dispatch(pass, [itemGroup], gradientGroups('items', place), windows.side(batch, 'items'))
      for (const { step } of sides) step(pass, place, batch)
    }
  }
  const encoders = chunks.map(bind)
  const perChunk = chunks[0]!.batchCount
  return (pass, batch) => {
    const chunk = Math.floor(batch / perChunk)
    encoders[chunk]!(pass, batch - chunk * perChunk, batch)
  }
}

function uploadChunk(buffers: BufferOwner, { entries, itemOrder, users, items }: BatchLayout): ChunkTables {
  return {
    entries: buffers.upload('entries', entries),
    order: buffers.upload('item-order', itemOrder),
    userRuns: buffers.upload('users-runs', users.runs),
    userSegments: buffers.upload('users-segments', users.segments),
    itemRuns: buffers.upload('items-runs', items.runs),
    itemSegments: buffers.upload('items-segments', items.segments),
  }
}

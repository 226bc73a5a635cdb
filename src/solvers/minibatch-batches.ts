import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { itemGradients, userGradients } from '../kernels/gradients.ts'
import { residuals } from '../kernels/residuals.ts'
import { scoreWorkgroups, workgroupSize } from '../kernels/shared.ts'
import { type BatchLayout, segmentCount } from '../layout/batches.ts'
import { predictionConstants } from '../model/scorer.ts'
import type { PairSums } from '../model/sums.ts'
import { type ModelScale, packModel, type Shape } from '../model/tables.ts'
import type { BatchTable } from './batch-tables.ts'
import { type BatchWindows, windowBytes } from './batch-windows.ts'
import type { EntryStore, StepPlaces } from './entry-store.ts'
import type { MinibatchSide, SideConstants } from './minibatch-side.ts'

/** What batches are made of. */
interface BatchInput {
  shape: Shape
  scale: ModelScale
  layout: BatchLayout
  constants: SideConstants
  lanes: number
  windows: BatchWindows
  store: EntryStore<BatchTable>
  loss: PairSums
  users: MinibatchSide
  items: MinibatchSide
}

/** First pair of each batch in the table of partial sums, and the end. */
export function partialStarts({ batchCount, entryStart }: BatchLayout, lanes: number): number[] {
  const starts = [0]
  for (let batch = 0; batch < batchCount; batch++) {
    starts.push(starts[batch]! + scoreWorkgroups(entryStart[batch + 1]! - entryStart[batch]!, lanes))
  }
  return starts
}

/** Encodes a batch, whose entries lie where the epoch has its places. */
export type EncodeBatch = (
  pass: GPUComputePassEncoder,
  batch: number,
  places: Pick<StepPlaces<BatchTable>, 'slot'>,
) => void

/** The dispatches of every batch: its rows where they lie apart, errors, gradients of both sides, steps of both sides. */
export async function bindBatches(
  gpu: Gpu,
  buffers: BufferOwner,
  { shape, scale, layout, constants, lanes, windows, store, loss, users, items }: BatchInput,
): Promise<EncodeBatch> {
  const [errors, ofUsers, ofItems] = await Promise.all([
    gpu.pipeline(residuals, predictionConstants(shape.factors, lanes, scale.link)),
    gpu.pipeline(userGradients, constants),
    gpu.pipeline(itemGradients, constants),
  ])
  const residual = buffers.storage('residuals', 4 * layout.entryStart[1]!)
  await gpu.settle(buffers)
  const seen = { ...shape, users: users.rows.count, items: items.rows.count }
  const modelGroup = errors.bind(0, {
    user_factors: users.rows.factors,
    item_factors: items.rows.factors,
    user_bias: users.rows.bias,
    item_bias: items.rows.bias,
    model: buffers.uniform('model', packModel(seen, scale)),
  })

  const bind = (slot: Readonly<Record<BatchTable, GPUBuffer>>) => {
    const common = { entries: slot.entries, residual, batch: windows.buffer }
    return {
      errors: [modelGroup, errors.bind(1, { ...common, partials: loss.pairs }, windowBytes)],
      users: ofUsers.bind(
        0,
        { ...common, segments: slot['users-segments'], factors: items.rows.factors, gradient: users.gradient },
        windowBytes,
      ),
      items: ofItems.bind(
        0,
        {
          ...common,
          segments: slot['items-segments'],
          factors: users.rows.factors,
          gradient: items.gradient,
          order: slot.order,
        },
        windowBytes,
      ),
      sides: [
        users.bind(slot['users-runs'], slot['users-segments']),
        items.bind(slot['items-runs'], slot['items-segments']),
      ],
    }
  }
  const groups = store.slots.map(bind)
  const segmentGroups = (name: 'users' | 'items', batch: number) =>
    Math.ceil((segmentCount(layout[name], batch) * constants.PARAMETER_BLOCKS) / workgroupSize)
  return (pass, batch, { slot }) => {
    const bound = groups[slot[batch]!]!
    for (const { gather } of bound.sides) gather(pass, batch)
    const entryCount = layout.entryStart[batch + 1]! - layout.entryStart[batch]!
    errors.dispatch(pass, bound.errors, scoreWorkgroups(entryCount, lanes), windows.residuals(batch))
    ofUsers.dispatch(pass, [bound.users], segmentGroups('users', batch), windows.side(batch, 'users'))
    ofItems.dispatch(pass, [bound.items], segmentGroups('items', batch), windows.side(batch, 'items'))
    for (const { step } of bound.sides) step(pass, batch)
  }
}

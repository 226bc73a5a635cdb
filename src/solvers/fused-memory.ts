import type { Capabilities } from '../gpu/capabilities.ts'
import { timerBytes } from '../gpu/timer.ts'
import { fusedStruct } from '../kernels/fused_sgd.ts'
import { mergeStruct } from '../kernels/merge_replicas.ts'
import { movingStruct } from '../kernels/move_rows.ts'
import { publishingStruct } from '../kernels/publish_rows.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { stagingStruct } from '../kernels/stage_rows.ts'
import { modelStruct } from '../kernels/structs.ts'
import { replicasOf } from '../layout/blocks.ts'
import { mostInStratum } from '../layout/stratum-loads.ts'
import { type Dealing, dealRows, planDealing } from '../layout/tile-dealing.ts'
import { gridOf, type TileShape, tilesPerStratum } from '../layout/tile-grid.ts'
import type { BufferPlan } from '../model/buffer-plan.ts'
import { planSums } from '../model/sums.ts'
import { planTables } from '../model/tables.ts'
import type { FusedOptions } from './fused-options.ts'
import { type FusedPlan, planFusedRows } from './fused-plan.ts'
import { slotBytes } from './fused-slots.ts'
import { planPenalty } from './penalty-meter.ts'
import type { SolverFigures, SolverShape } from './solver-memory.ts'
import { cutSlots, cutStrata, windowStride } from './stratum-windows.ts'

const sides = ['users', 'items'] as const

/**
 * The buffers of a `FusedSolver`, from the entries of each row alone.
 * @throws OptionError, LimitExceededError as the solver would
 */
export function planFusedBuffers(
  plan: BufferPlan,
  { counts, entries }: SolverShape,
  options: Pick<FusedOptions, 'factors' | 'biases' | 'seed' | 'precision' | 'workers' | 'strata'>,
  capabilities: Capabilities,
): SolverFigures {
  const { factors, biases, precision } = options
  const cut = planFusedRows(counts, entries, options, capabilities)
  const { shape } = cut
  const dealing = planDealing(counts, shape, entries)
  const blocks = factorBlocks(factors)
  const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: blocks + Number(biases) }
  const replicas = { users: countReplicas(counts, dealing, 'users'), items: countReplicas(counts, dealing, 'items') }
  const most = plan.mostRows('slots', slotBytes(blocks, precision))
  const cutIn = cutSides(counts, { dealing, cut, replicas, most, seed: options.seed })

  const tables = planTables(plan, 'factors', { users: counts.users.length, items: counts.items.length, factors })
  let dispatches = cutIn.parts
  let snapshotBytes = 0
  for (const side of sides) {
    const { slots, heavyRows, heavyReplicas } = replicas[side]
    const shards = cutIn.rows[side].length
    for (const rows of cutIn.rows[side]) {
      const bytes = [rows * blocks * (precision === 'f16' ? 8 : 16), 16 * rows] as const
      for (const part of bytes) plan.storage('state', `${side}-slots`, part)
      snapshotBytes += bytes[0] + bytes[1]
    }
    for (const { rows } of tables[side]) planPenalty(plan, rows, constants)
    const ways = tables[side].length * shards
    plan.add('scratch', 8 * slots)
    plan.uniform('scratch', `${side} staging`, stagingStruct.size, ways)
    plan.uniform('scratch', `${side} publishing`, publishingStruct.size, ways)
    dispatches += ways + 2 * tables[side].length
    if (heavyRows === 0) continue
    plan.storage('scratch', `${side}-heavy`, 4 * (heavyRows + 1))
    plan.storage('scratch', `${side}-replicas`, 8 * heavyReplicas)
    plan.uniform('scratch', `${side} merge`, mergeStruct.size)
    dispatches += shape.strata * (shards === 1 ? 1 : 1 + 2 * shards)
    if (shards === 1) continue
    plan.storage('scratch', `${side}-replica-slots`, heavyReplicas * blocks * (precision === 'f16' ? 8 : 16))
    plan.storage('scratch', `${side}-replica-state`, 16 * heavyReplicas)
    plan.add('scratch', 8 * heavyReplicas)
    plan.uniform('scratch', `${side}-replicas moving`, movingStruct.size, shards)
  }
  const { heldBlocks, streamedBlocks } = gridOf(shape)
  plan.uniform('scratch', 'strata', cutIn.parts * windowStride(capabilities.limits))
  plan.storage('scratch', 'blocks', 4 * (heldBlocks + streamedBlocks))
  plan.uniform('scratch', 'model', modelStruct.size)
  plan.uniform('scratch', 'fused options', fusedStruct.size)
  planSums(plan, 'scratch', 'loss', shape.strata * heldBlocks)
  plan.add('scratch', timerBytes(capabilities))
  const tileBytes = stratumTileBytes(shape)
  const inStratum = mostInStratum({ counts, entries, shape, replicas }, dealing, options.seed, cut.blockSlots)
  plan.add('entries', 8 * entries + shape.strata * tileBytes)
  return {
    shards: { users: cutIn.rows.users.length, items: cutIn.rows.items.length },
    steps: { kind: 'strata', count: shape.strata },
    passes: 1,
    dispatches: dispatches + 1,
    snapshotBytes,
    packingBytes: 8 * entries + 2 * shape.strata * tileBytes,
    stepBytes: 8 * inStratum + tileBytes,
  }
}

/** Bytes of the bounds of one stratum's tiles. */
const stratumTileBytes = (shape: TileShape): number =>
  (4 * tilesPerStratum(gridOf(shape), shape.slices) * (shape.slices + 2)) / shape.slices

interface Replicas {
  slots: number
  heavyRows: number
  heavyReplicas: number
}

function countReplicas(counts: SolverShape['counts'], { blocks, caps }: Dealing, side: 'users' | 'items'): Replicas {
  const own: Replicas = { slots: 0, heavyRows: 0, heavyReplicas: 0 }
  for (let row = 0; row < counts[side].length; row++) {
    const replicas = replicasOf(counts[side][row]!, blocks[side], caps[side])
    own.slots += replicas
    if (replicas < 2) continue
    own.heavyRows++
    own.heavyReplicas += replicas
  }
  return own
}

interface SideCut {
  dealing: Dealing
  cut: FusedPlan
  replicas: Record<'users' | 'items', Replicas>
  most: number
  seed: number
}

/** Slots of each shard, and parts of all strata; rows are dealt only where there is more than one shard. */
function cutSides(counts: SolverShape['counts'], { dealing, cut, replicas, most, seed }: SideCut) {
  const { users, items } = replicas
  const { shape, blockSlots } = cut
  if (users.slots <= most && items.slots <= most) {
    return { rows: { users: [users.slots], items: [items.slots] }, parts: shape.strata }
  }
  const { held } = dealing
  const spans = cutSlots({ held, shape, ...dealRows(counts, dealing, seed, blockSlots) }, most)
  const rowsOf = (side: 'users' | 'items') => spans[side === held ? 'held' : 'streamed'].map(({ rows }) => rows)
  const parts = cutStrata(shape, spans).reduce((sum, stratum) => sum + stratum.length, 0)
  return { rows: { users: rowsOf('users'), items: rowsOf('items') }, parts }
}

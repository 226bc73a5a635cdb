import { rowCounts } from '../data/row-counts.ts'
import type { Capabilities } from '../gpu/capabilities.ts'
import { planStaging } from '../gpu/readback.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { type BufferKind, BufferPlan } from '../model/buffer-plan.ts'
import { planRanker } from '../model/ranker-memory.ts'
import { entryBytes, pieceLength } from '../model/scorer.ts'
import { planErrors } from '../model/scorer-memory.ts'
import { planTables } from '../model/tables.ts'
import { planAlsBuffers } from '../solvers/als-memory.ts'
import { planBprBuffers } from '../solvers/bpr-memory.ts'
import { planFusedBuffers } from '../solvers/fused-memory.ts'
import { planMinibatchBuffers } from '../solvers/minibatch-memory.ts'
import type { SolverFigures, SolverShape } from '../solvers/solver-memory.ts'
import { implicitOptions, type ResolvedOptions } from './options.ts'
import { trainerOf } from './options-schema.ts'
import type { TrainingSetup } from './training-setup.ts'
import { type RankedEntries, validatedAt } from './validation.ts'

/** What a training takes on the GPU. */
export interface TrainingMemory extends SolverFigures {
  /**
   * Bytes by what they are for: the model's tables; the solver's own (slots, states of the optimizer, second tables); its
   * entries; the kept copy; the snapshot of a training that can go back; validation; scratch, staging of what is read
   * back included.
   */
  bytes: Record<BufferKind, number>
  /** All of them, with all entries on the GPU. */
  total: number
  /** Of `bytes.validation`, where no more than a piece of many entries lies there at once. */
  validationPiece: number
  /** What is left of `total` where entries are streamed through two slots of the largest step, those for validation too. */
  least: number
}

/** What a training's buffers follow from, beside its options. */
export interface TrainingShape extends SolverShape {
  /** Entries whose error is measured after each epoch. */
  validation: number
  /** What a model that ranks is validated on. */
  ranked: RankedEntries | undefined
}

/** Linear in the entries, whose rows are counted, once for each set of ratings. */
export function shapeOf({ train, validation, ranked }: TrainingSetup): TrainingShape {
  return {
    counts: rowCounts(train),
    entries: train.length,
    validation: ranked === undefined ? (validation?.length ?? 0) : 0,
    ranked,
  }
}

/**
 * What a training takes on a device, from its shape: exact where buffers follow from the entries of each row, in the mean
 * where they depend on how entries meet.
 * @param resumable whether the solver's tables are kept a second time whatever the options say
 * @throws OptionError, LimitExceededError as the training would
 */
export function memoryOf(
  shape: TrainingShape,
  options: ResolvedOptions,
  capabilities: Capabilities,
  { resumable = false }: { resumable?: boolean | undefined } = {},
): TrainingMemory {
  const plan = new BufferPlan(capabilities.limits)
  const figures = planSolver(plan, shape, options, capabilities)
  const { users, items } = shape.counts
  const { factors } = options
  const shards = planTables(plan, 'kept', { users: users.length, items: items.length, factors }, figures.rowBytes)
  if (resumable || options.onDivergence === 'halve-rate') plan.add('snapshot', figures.snapshotBytes)
  const ownReadings: number[] = []
  const piece = new BufferPlan(capabilities.limits)
  if (shape.validation > 0) {
    const counts = { users: shards.users.length, items: shards.items.length }
    const own = { factors, shards: counts }
    planErrors(plan, { entries: shape.validation, ...own }, capabilities)
    planErrors(
      piece,
      { entries: Math.min(shape.validation, piece.mostRows('entries', entryBytes), pieceLength), ...own },
      capabilities,
    )
  }
  if (shape.ranked !== undefined) {
    const ranking = { ...shape.ranked, users: usersOf(shape.ranked), items: items.length, factors, k: validatedAt }
    const ranked = { ...ranking, itemShards: shards.items, userShards: shards.users.length }
    ownReadings.push(planRanker(plan, ranked, capabilities))
    piece.bytes.validation = plan.bytes.validation
  }
  const sideReadings = [shards.users, shards.items].map(([first]) => 16 * factorBlocks(factors) * first!.rows)
  // The loss, times and each shard's penalty beside one another, lists, then the tables, a side beside the other.
  const sums = Array.from({ length: 2 + shards.users.length + shards.items.length }, () => 1)
  plan.add('scratch', planStaging([sums, ownReadings, sideReadings]))
  const { bytes } = plan
  const total = Object.values(bytes).reduce((sum, part) => sum + part, 0)
  const validationPiece = piece.bytes.validation
  const streamed = Math.min(bytes.entries, 2 * figures.stepBytes)
  const least = total - bytes.entries + streamed - bytes.validation + validationPiece
  return { ...figures, bytes, total, validationPiece, least }
}

function planSolver(
  plan: BufferPlan,
  shape: SolverShape,
  options: ResolvedOptions,
  capabilities: Capabilities,
): SolverFigures {
  const { rowSolver, cgSteps, cgTolerance, negativePower = 0 } = options
  const trainer = trainerOf(options)
  if (trainer === 'sgd') return planFusedBuffers(plan, shape, options, capabilities)
  if (trainer === 'minibatch') return planMinibatchBuffers(plan, shape, options, capabilities)
  if (trainer === 'bpr') return planBprBuffers(plan, shape, { ...options, negativePower }, capabilities)
  const own = { rowSolver: rowSolver!, cgSteps: cgSteps!, cgTolerance: cgTolerance! }
  return planAlsBuffers(plan, shape, { ...options, ...own, implicit: implicitOptions(options) }, capabilities)
}

/** The users that have entries, ascending. */
function usersOf({ entries }: RankedEntries): Uint32Array {
  const { users } = rowCounts(entries)
  return Uint32Array.from(users.keys()).filter(user => users[user]! > 0)
}

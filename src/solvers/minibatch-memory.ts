import type { Capabilities } from '../gpu/capabilities.ts'
import { timerBytes } from '../gpu/timer.ts'
import { factorBlocks, lanesFor, scoreWorkgroups } from '../kernels/shared.ts'
import { modelStruct } from '../kernels/structs.ts'
import { segmentLength } from '../layout/batches.ts'
import type { BufferPlan } from '../model/buffer-plan.ts'
import { planSums } from '../model/sums.ts'
import { planTables } from '../model/tables.ts'
import { windowsBytes } from './batch-windows.ts'
import type { MinibatchOptions } from './minibatch.ts'
import { optimizers } from './optimizers.ts'
import { planPenalty } from './penalty-meter.ts'
import type { SolverFigures, SolverShape } from './solver-memory.ts'

const sides = ['users', 'items'] as const

/**
 * The buffers of a `MinibatchSolver`, from the entries of each row alone: what depends on the draw of the batches, in the
 * mean.
 * @throws LimitExceededError as the solver would
 */
export function planMinibatchBuffers(
  plan: BufferPlan,
  { counts, entries }: SolverShape,
  options: Pick<MinibatchOptions, 'optimizer' | 'factors' | 'biases' | 'batchSize'>,
  capabilities: Capabilities,
): SolverFigures {
  const { factors } = options
  const { kernel } = optimizers[options.optimizer]
  const batchSize = Math.min(options.batchSize, entries)
  const batches = Math.ceil(entries / batchSize)
  const blocks = factorBlocks(factors)
  const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: blocks + Number(options.biases) }
  const rowBytes = 16 * constants.PARAMETER_BLOCKS
  const shape = { users: counts.users.length, items: counts.items.length, factors }

  const shards = planTables(plan, 'factors', shape, rowBytes)
  const shardCounts = { users: shards.users.length, items: shards.items.length }
  plan.add('entries', 16 * entries)
  plan.storage('scratch', 'residuals', 4 * batchSize)
  const lanes = lanesFor(factors, capabilities.adapter)
  const last = entries - (batches - 1) * batchSize
  planSums(plan, 'scratch', 'loss', (batches - 1) * scoreWorkgroups(batchSize, lanes) + scoreWorkgroups(last, lanes))
  plan.uniform('scratch', 'batches', windowsBytes(batches, shardCounts, capabilities.limits))
  plan.uniform('scratch', 'model', modelStruct.size)
  plan.add('scratch', timerBytes(capabilities))
  const inBatches = entries / batchSize
  let stepBytes = 16 * batchSize
  let dispatches = 3 * batches + 1
  for (const side of sides) {
    const { runs, segments, deviation } = batchSegments(counts[side], entries, batchSize)
    // What closes each batch's tables, and a margin: too little room would mean streaming.
    plan.add('entries', 8 * runs + 4 * segments + 12 * (batches + 3 * deviation * Math.sqrt(batches)))
    // The expected maximum of so many normal variables is about sqrt(2 ln n) deviations above their mean.
    const above = Math.sqrt(2 * Math.log(batches)) * deviation
    const [mostRuns, mostSegments] = [runs / inBatches + above, segments / inBatches + above]
    plan.storage('scratch', `${side}-gradient`, mostSegments * rowBytes)
    plan.add('state', Object.keys(kernel.groups[1]).length * shape[side] * rowBytes)
    for (const { rows } of shards[side]) planPenalty(plan, rows, constants)
    const isCut = shardCounts[side] > 1
    if (isCut) {
      plan.storage('scratch', `${side}-rows of a batch`, mostRuns * 16 * blocks)
      plan.storage('scratch', `${side}-biases of a batch`, mostRuns * 4)
    }
    dispatches += shardCounts[side] * ((isCut ? 2 : 1) * batches + 2)
    stepBytes += 8 * mostRuns + 4 * mostSegments + 12 * (1 + 3 * deviation)
  }
  return {
    shards: shardCounts,
    steps: { kind: 'batches', count: batches },
    passes: 1,
    dispatches,
    // Orders and places of the entries that are needed at the same time, beside the packed entries.
    packingBytes: plan.bytes.entries + 12 * entries,
    snapshotBytes: plan.bytes.factors + plan.bytes.state,
    stepBytes: Math.ceil(stepBytes),
    rowBytes,
  }
}

interface BatchSegments {
  /** Pairs of a batch and a row that has entries in it. */
  runs: number
  segments: number
  /** Standard deviation of the runs of a batch, and about that of its segments. */
  deviation: number
}

/**
 * In the mean over all draws of batches. The entries of a row in a batch are a sample without replacement, whose
 * upper tail is taken as that of the normal distribution of the same mean and variance.
 */
function batchSegments(counts: Uint32Array, entries: number, batchSize: number): BatchSegments {
  const alike = new Map<number, number>()
  for (let row = 0; row < counts.length; row++) alike.set(counts[row]!, (alike.get(counts[row]!) ?? 0) + 1)
  const share = batchSize / entries
  const inBatches = entries / batchSize
  let runs = 0
  let segments = 0
  let variance = 0
  for (const [count, rows] of alike) {
    const mean = count * share
    const deviation = Math.sqrt(mean * (1 - share) * (1 - (count - 1) / Math.max(1, entries - 1)))
    const present = share === 1 ? Number(count > 0) : 1 - (1 - share) ** count
    let own = present
    for (let full = segmentLength; full < count; full += segmentLength) {
      const more = upperTail((full + 0.5 - mean) / Math.max(1e-9, deviation))
      if (more < 1e-9 && full > mean) break
      own += more
    }
    runs += rows * present * inBatches
    segments += rows * own * inBatches
    variance += rows * present * (1 - present)
  }
  return { runs, segments, deviation: Math.sqrt(variance) }
}

/** The share of a normal distribution beyond z (Abramowitz and Stegun, 26.2.17: to 8e-8). */
function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z)
  const t = 1 / (1 + 0.2316419 * z)
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series
}

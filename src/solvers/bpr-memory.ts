import type { RowCounts } from '../data/row-counts.ts'
import type { Capabilities } from '../gpu/capabilities.ts'
import { timerBytes } from '../gpu/timer.ts'
import { bprDrawsStruct, bprRowStruct, bprWalkStruct } from '../kernels/bpr_structs.ts'
import { factorBlocks } from '../kernels/shared.ts'
import type { BufferPlan } from '../model/buffer-plan.ts'
import { planSums } from '../model/sums.ts'
import { planTables } from '../model/tables.ts'
import type { BprOptions } from './bpr-options.ts'
import { type BprPlan, planBpr } from './bpr-plan.ts'
import { windowStride } from './bpr-windows.ts'
import { planPenalty } from './penalty-meter.ts'
import type { SolverFigures, SolverShape } from './solver-memory.ts'

const sides = ['users', 'items'] as const

/**
 * The buffers of a `BprSolver` that trains both sides, from the entries of each row alone: how often an item is drawn as a
 * negative is taken as if entries of users were independent of those of items.
 * @throws LimitExceededError as the solver would
 */
export function planBprBuffers(
  plan: BufferPlan,
  shape: SolverShape,
  { factors, biases, negativePower }: Pick<BprOptions, 'factors' | 'biases' | 'negativePower'>,
  capabilities: Capabilities,
): SolverFigures {
  const { counts, entries } = shape
  const rows = { users: counts.users.length, items: counts.items.length }
  const { rounds } = planBprRows(counts, entries, factors, capabilities)

  const shards = planTables(plan, 'factors', { ...rows, factors })
  const snapshotBytes = plan.bytes.factors
  const blocks = factorBlocks(factors)
  plan.add('state', (16 * blocks + 4) * rows.items)
  // The items of each user, and the users of each item.
  plan.add('entries', 8 * entries)
  plan.add('scratch', 4 * (rows.users + 1) + 8 * rows.users + (negativePower === 0 ? 16 : 8 * rows.items))
  plan.add('scratch', timerBytes(capabilities))
  const negatives = expectedNegatives(shape, negativePower)
  for (const side of sides) {
    let slots = 0
    let trained = 0
    for (let row = 0; row < rows[side]; row++) {
      const drawn = side === 'users' ? 0 : negatives(counts.items[row]!)
      const own = Math.ceil(counts[side][row]! / rounds) + Math.ceil(drawn / rounds)
      slots += own
      trained += Number(own > 0)
    }
    plan.add('scratch', bprRowStruct.size * trained + 12 * slots)
    plan.uniform('scratch', `${side} rounds`, rounds * windowStride(capabilities.limits))
    plan.uniform('scratch', `${side} draws`, bprDrawsStruct.size)
    plan.uniform('scratch', `${side} walk`, bprWalkStruct.size)
    planSums(plan, 'scratch', `${side} loss`, trained)
    const parameters = blocks + Number(biases && side === 'items')
    const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: parameters }
    for (const shard of shards[side]) planPenalty(plan, shard.rows, constants)
  }
  return {
    shards: { users: shards.users.length, items: shards.items.length },
    steps: { kind: 'rounds', count: rounds },
    passes: 3,
    dispatches: 4 * rounds + 5,
    snapshotBytes,
    packingBytes: 12 * entries + plan.bytes.scratch,
    stepBytes: Math.ceil((8 * entries) / rounds),
  }
}

/** `planBpr` of a matrix with so many entries in its rows. */
export function planBprRows(
  { users, items }: RowCounts,
  entries: number,
  factors: number,
  capabilities: Capabilities,
): BprPlan {
  return planBpr({ entries, heaviest: Math.max(mostOf(users), mostOf(items)), factors }, capabilities)
}

function mostOf(counts: Uint32Array): number {
  let most = 0
  for (let row = 0; row < counts.length; row++) most = Math.max(most, counts[row]!)
  return most
}

/** In how many samples of an epoch an item of so many entries is the negative: see `weighNegatives`. */
function expectedNegatives({ counts, entries }: SolverShape, power: number): (count: number) => number {
  const { users, items } = counts
  let total = 0
  let perEntry = 0
  for (let item = 0; item < items.length; item++) {
    const weight = items[item]! ** power
    total += weight
    perEntry += (items[item]! * weight) / entries
  }
  let allPull = 0
  let pullOfEntries = 0
  for (let user = 0; user < users.length; user++) {
    const count = users[user]!
    const left = total - Math.min(count, items.length) * perEntry
    if (left <= 1e-12 * total) continue
    allPull += count / left
    pullOfEntries += (count * count) / left
  }
  return count => Math.max(0, count ** power * (allPull - (count * pullOfEntries) / entries))
}

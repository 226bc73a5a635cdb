import type { Capabilities } from '../gpu/capabilities.ts'
import { timerBytes } from '../gpu/timer.ts'
import { bprDrawsStruct, bprRowStruct, bprSlotsStruct, bprWalkStruct } from '../kernels/bpr_structs.ts'
import { movingStruct } from '../kernels/move_rows.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { sampleStagingStruct } from '../kernels/stage_samples.ts'
import type { BufferPlan } from '../model/buffer-plan.ts'
import { planSums } from '../model/sums.ts'
import { planTables } from '../model/tables.ts'
import { leastStepBytes } from './bpr-entries.ts'
import type { BprOptions } from './bpr-options.ts'
import { type BprPlan, mostSamples, planBpr } from './bpr-plan.ts'
import { cutBprRows, cutEntries, spansOf } from './bpr-rows.ts'
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
  const negatives = expectedNegatives(shape, negativePower)
  const { rounds } = planFor(shape, factors, negatives, capabilities)

  const shards = planTables(plan, 'factors', { ...rows, factors })
  const snapshotBytes = plan.bytes.factors
  const blocks = factorBlocks(factors)
  plan.add('state', (16 * blocks + 4) * rows.items)
  const starts = { users: startsOf(counts.users), items: startsOf(counts.items) }
  const mostEntries = plan.mostRows('entries', 4)
  const buffers = { users: cutEntries(starts.users, mostEntries), items: cutEntries(starts.items, mostEntries) }
  // The items of each user, and the users of each item.
  plan.add('entries', 8 * entries)
  plan.add('scratch', 4 * (rows.users + buffers.users.length))
  plan.add('scratch', 8 * rows.users + (negativePower === 0 ? 16 : 8 * rows.items))
  plan.add('scratch', timerBytes(capabilities))
  plan.uniform('scratch', 'draws', bprDrawsStruct.size, buffers.users.length)
  const isCut = { users: shards.users.length > 1, items: shards.items.length > 1 }
  let perRound = 0
  for (const side of sides) {
    const ofUsers = side === 'users'
    const staged = isCut.items || (isCut.users && !ofUsers)
    const room = mostSamples(factors, staged, capabilities.limits)
    const cut = cutBprRows({
      start: starts[side],
      expected: ofUsers ? undefined : negatives,
      rounds,
      spans: spansOf(shards[side], buffers[side]),
      most: { rows: plan.mostRows('rows', bprRowStruct.size), slots: room.samples },
    })
    const slots = cut.blocks.reduce((sum, block) => sum + block.slots, 0)
    const mostSlots = cut.blocks.reduce((most, block) => Math.max(most, block.slots), 0)
    plan.add('scratch', bprRowStruct.size * cut.count + 4 * slots)
    plan.storage('scratch', `${side}-samples`, 8 * mostSlots)
    const draws = ofUsers ? 1 : buffers.users.length
    plan.uniform('scratch', `${side} rounds`, rounds * windowStride(capabilities.limits))
    plan.uniform('scratch', 'slots', bprSlotsStruct.size, cut.blocks.length)
    plan.uniform('scratch', `${side} walk`, bprWalkStruct.size, cut.blocks.length)
    planSums(plan, 'scratch', `${side} loss`, cut.count)
    // Ways of rows that samples name: for both tables that rounds read where they differ, items' rows of samples' two.
    const ofItems = isCut.items ? shards.items.length : 0
    const ways = ofUsers ? 2 * ofItems : ofItems
    const userWays = !ofUsers && isCut.users ? shards.users.length : 0
    const stagedRows = ofUsers ? (isCut.items ? 2 : 0) : Number(isCut.users) + (isCut.items ? 2 : 0)
    plan.add('scratch', stagedRows * mostSlots * (16 * blocks + 4))
    plan.uniform('scratch', 'sample staging', sampleStagingStruct.size, (2 * ways + userWays) * cut.blocks.length)
    if (isCut.items && !ofUsers) {
      plan.add('scratch', 8 * cut.count)
      plan.uniform('scratch', 'items moving', movingStruct.size, 2 * cut.blocks.length)
    }
    perRound += cut.blocks.length * (1 + draws + ways + userWays + Number(isCut.items && !ofUsers))
    const parameters = blocks + Number(biases && side === 'items')
    const constants = { FACTOR_BLOCKS: blocks, PARAMETER_BLOCKS: parameters }
    for (const shard of shards[side]) planPenalty(plan, shard.rows, constants)
  }
  return {
    shards: { users: shards.users.length, items: shards.items.length },
    steps: { kind: 'rounds', count: rounds },
    passes: 3,
    dispatches: perRound * rounds + 1 + 2 * (shards.users.length + shards.items.length),
    snapshotBytes,
    packingBytes: 12 * entries + plan.bytes.scratch,
    stepBytes: leastStepBytes(entries, { users: mostOf(counts.users), items: mostOf(counts.items) }),
  }
}

/** `planBpr` of a matrix with so many entries in its rows. */
export function planBprRows(
  shape: SolverShape,
  { factors, negativePower }: Pick<BprOptions, 'factors' | 'negativePower'>,
  capabilities: Capabilities,
): BprPlan {
  return planFor(shape, factors, expectedNegatives(shape, negativePower), capabilities)
}

function planFor(
  { counts: { users, items }, entries }: SolverShape,
  factors: number,
  negatives: Float64Array,
  capabilities: Capabilities,
): BprPlan {
  const heaviest = Math.max(mostOf(users), mostOf(items))
  let samples = mostOf(users)
  for (let item = 0; item < items.length; item++) samples = Math.max(samples, items[item]! + negatives[item]!)
  const shape = { users: users.length, items: items.length, entries }
  return planBpr({ ...shape, heaviest, samples, factors }, capabilities)
}

function startsOf(counts: Uint32Array): Uint32Array {
  const start = new Uint32Array(counts.length + 1)
  for (let row = 0; row < counts.length; row++) start[row + 1] = start[row]! + counts[row]!
  return start
}

function mostOf(counts: Uint32Array): number {
  let most = 0
  for (let row = 0; row < counts.length; row++) most = Math.max(most, counts[row]!)
  return most
}

/** In how many samples of an epoch each item is the negative: see `weighNegatives`. */
function expectedNegatives({ counts, entries }: SolverShape, power: number): Float64Array {
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
  return Float64Array.from(items, count => Math.max(0, count ** power * (allPull - (count * pullOfEntries) / entries)))
}

import type { Capabilities } from '../gpu/capabilities.ts'
import { timerBytes } from '../gpu/timer.ts'
import { movingStruct } from '../kernels/move_rows.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { alsBlockStruct, alsOptionsStruct } from '../kernels/structs.ts'
import { cutRows } from '../layout/row-blocks.ts'
import { occupiedRows } from '../layout/rows.ts'
import type { RowSpan } from '../layout/shards.ts'
import type { BufferPlan } from '../model/buffer-plan.ts'
import { planSums } from '../model/sums.ts'
import { planTables } from '../model/tables.ts'
import { scratchBytes } from './als-blocks.ts'
import type { AlsOptions } from './als-options.ts'
import { boundsFor } from './als-pack.ts'
import { type AlsPlan, planAls } from './als-plan.ts'
import { planGram } from './gram-table.ts'
import { planPenalty } from './penalty-meter.ts'
import type { SolverFigures, SolverShape } from './solver-memory.ts'

const sides = ['users', 'items'] as const
type SideName = (typeof sides)[number]

const other = { users: 'items', items: 'users' } as const

/** Bytes of an entry, a slot and a segment of a block. */
const bytesOf = { entry: 12, slot: 16, segment: 16 }

/**
 * The buffers of an `AlsSolver`, from the entries of each row alone.
 * @throws LimitExceededError as the solver would
 */
export function planAlsBuffers(
  plan: BufferPlan,
  shape: SolverShape,
  options: Pick<AlsOptions, 'factors' | 'biases' | 'rowSolver' | 'cgSteps' | 'cgTolerance' | 'implicit'>,
  capabilities: Capabilities,
): SolverFigures {
  const { users, items } = shape.counts
  const cut = planAls(options, capabilities)
  const before = plan.bytes.factors
  const shards = planTables(plan, 'factors', { users: users.length, items: items.length, factors: options.factors })
  const snapshotBytes = plan.bytes.factors - before
  plan.add('scratch', 2 * timerBytes(capabilities))
  const halves = sides.map(side => planHalf(plan, side, { shape, options, cut, shards }))
  const sum = (of: (half: HalfFigures) => number) => halves.reduce((total, half) => total + of(half), 0)
  return {
    shards: { users: shards.users.length, items: shards.items.length },
    steps: { kind: 'blocks', count: sum(({ blocks }) => blocks) },
    passes: 2 * (cut.exact === undefined ? cut.steps + 1 : 1),
    dispatches: sum(({ dispatches }) => dispatches),
    snapshotBytes,
    // Blocks of both sides; targets and perhaps weights.
    packingBytes: shape.entries * (2 * bytesOf.entry + 4 + (hasWeights(options) ? 4 : 0)),
    stepBytes: Math.max(...halves.map(({ stepBytes }) => stepBytes)),
  }
}

const hasWeights = ({ implicit }: Pick<AlsOptions, 'implicit'>) => implicit !== undefined && 'alpha' in implicit

interface HalfInput {
  shape: SolverShape
  options: Pick<AlsOptions, 'factors' | 'biases' | 'implicit'>
  cut: AlsPlan
  shards: Record<SideName, readonly RowSpan[]>
}

interface HalfFigures {
  blocks: number
  dispatches: number
  stepBytes: number
}

function planHalf(plan: BufferPlan, side: SideName, { shape, options, cut, shards }: HalfInput): HalfFigures {
  const { factors, biases } = options
  const counts = shape.counts[side]
  const fixedCounts = shape.counts[other[side]]
  const blocksPerRow = factorBlocks(factors)
  const implicit = options.implicit !== undefined
  const isWhole = shards.users.length * shards.items.length === 1
  const most = plan.mostRows(`${side}-factors`, 16 * blocksPerRow)
  const blocks = cutHalf(counts, cut, boundsFor(cut, isWhole, most))

  const scratch = scratchBytes({ factors, implicit, plan: cut }, mostOf(blocks, 'slots'), mostOf(blocks, 'segments'))
  for (const [table, bytes] of Object.entries(scratch)) plan.storage('scratch', `${side}-${table}`, bytes)
  for (const { slots, entries, segments } of blocks) {
    plan.storage('scratch', `${side}-rows`, bytesOf.slot * slots)
    plan.storage('entries', `${side}-entries`, bytesOf.entry * entries)
    plan.storage('scratch', `${side}-segments`, bytesOf.segment * segments)
  }
  plan.uniform('scratch', `${side}-block`, alsBlockStruct.size, blocks.length)
  plan.uniform('scratch', `${side}-options`, alsOptionsStruct.size)
  planSums(plan, 'scratch', `${side} objective`, occupiedRows(counts))
  const constants = { FACTOR_BLOCKS: blocksPerRow, PARAMETER_BLOCKS: blocksPerRow + Number(biases) }
  for (const { rows } of shards[side]) planPenalty(plan, rows, constants)
  const table = { shape: { rows: fixedCounts.length, factors }, shards: shards[other[side]] }
  const gram = implicit ? planGram(plan, { table, work: cut.work }) : 0
  const moves = isWhole ? noMoves : planBlockTables(plan, side, { blocks, fixedCounts, most, blocksPerRow, shards })
  const shared = blocks.filter(({ segments }) => segments > 0).length
  const solving =
    cut.exact === undefined
      ? blocks.length * (1 + (cut.steps + 1) * (2 + Number(implicit)))
      : 2 * blocks.length + shared
  return {
    blocks: blocks.length,
    dispatches: gram + moves.dispatches + solving + 1 + 2 * shards[side].length,
    stepBytes: bytesOf.entry * mostOf(blocks, 'entries') + moves.moveBytes,
  }
}

/** Where each side has one shard. */
const noMoves = { dispatches: 0, moveBytes: 0 }

/** A block of rows by its sizes. */
interface BlockSize {
  slots: number
  entries: number
  /** 0 where each row is the work of one workgroup. */
  segments: number
  /** Entries that are worked on together at least: those of a segment, or of a row. */
  together: number
}

/** The blocks of a half, as `AlsSide` cuts them. */
function cutHalf(counts: Uint32Array, { exact }: AlsPlan, bounds: AlsPlan['bounds']): BlockSize[] {
  return cutRows(counts, bounds, exact?.heavy).cuts.map(({ rows, length, whole }) => {
    let segments = 0
    if (!whole) for (let at = 0; at < rows.length; at++) segments += Math.ceil(counts[rows[at]!]! / bounds.segment)
    // Rows come by descending length.
    const heaviest = counts[rows[0]!]!
    const together = whole ? heaviest : Math.min(heaviest, bounds.segment)
    return { slots: rows.length, entries: length, segments, together }
  })
}

function mostOf(blocks: readonly BlockSize[], what: keyof BlockSize): number {
  return blocks.reduce((most, block) => Math.max(most, block[what]), 0)
}

/** The tables of a block's own rows, and of the rows that its entries name: their number is known in the mean only. */
function planBlockTables(
  plan: BufferPlan,
  side: SideName,
  { blocks, fixedCounts, most, blocksPerRow, shards }: BlockTablesInput,
): { dispatches: number; moveBytes: number } {
  const named = namedRows(fixedCounts)
  let mostNamed = Math.min(occupiedRows(fixedCounts), mostOf(blocks, 'together'))
  let mostMoves = 0
  for (const block of blocks) {
    const fixed = named(block)
    mostNamed = Math.max(mostNamed, Math.min(most, fixed))
    const bytes = 8 * (block.slots + fixed)
    plan.add('entries', bytes)
    // Known in the mean only.
    mostMoves = Math.max(mostMoves, 1.1 * bytes)
  }
  const moves = blocks.length * (shards.users.length + shards.items.length)
  plan.uniform('scratch', `${side}-rows moving`, movingStruct.size, moves)
  for (const rows of [mostOf(blocks, 'slots'), Math.floor(mostNamed)]) {
    plan.storage('scratch', `${side}-rows of a block`, 16 * blocksPerRow * rows)
    plan.storage('scratch', `${side}-biases of a block`, 4 * rows)
  }
  return { dispatches: moves + blocks.length * shards[side].length, moveBytes: Math.ceil(mostMoves) }
}

interface BlockTablesInput {
  blocks: readonly BlockSize[]
  fixedCounts: Uint32Array
  most: number
  blocksPerRow: number
  shards: Record<SideName, readonly RowSpan[]>
}

/**
 * The rows that a block's entries name, in the mean. A row of the block names each of them once at most, the heavier ones
 * rather: with probability 1 - exp(-pull * count), where `pull` makes the sum of them its number of entries.
 */
function namedRows(counts: Uint32Array): (block: BlockSize) => number {
  const alike = new Map<number, number>()
  for (let row = 0; row < counts.length; row++) alike.set(counts[row]!, (alike.get(counts[row]!) ?? 0) + 1)
  alike.delete(0)
  const named = (pull: number) => {
    let sum = 0
    for (const [count, rows] of alike) sum += rows * (1 - Math.exp(-pull * count))
    return sum
  }
  const most = occupiedRows(counts)
  return ({ slots, entries }) => {
    const mean = entries / slots
    if (mean >= most) return most
    let pull = 0
    for (let step = 2 ** 8; step > 2 ** -40; step /= 2) if (named(pull + step) < mean) pull += step
    return named(pull * slots)
  }
}

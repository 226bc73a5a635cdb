import type { RowCounts } from '../data/row-counts.ts'
import { LimitExceededError, OptionError } from '../errors.ts'
import { mostBytesOf, mostRows } from '../gpu/buffers.ts'
import type { Capabilities, DeviceLimits } from '../gpu/capabilities.ts'
import type { SliceVariant } from '../kernels/fused_sgd.ts'
import { factorBlocks } from '../kernels/shared.ts'
import { maxBlockSlots } from '../layout/blocks.ts'
import { occupiedRows } from '../layout/rows.ts'
import { gridOf, type TileShape, tilesPerStratum } from '../layout/tile-grid.ts'
import type { WholeMatrix } from '../layout/tiles.ts'
import { slotBytes } from './fused-slots.ts'

export interface FusedInput {
  entries: number
  /** Rows with entries. */
  users: number
  items: number
  factors: number
  precision: 'f32' | 'f16'
  /** W, where the caller chooses it. */
  workers?: number | undefined
  /** T, likewise. */
  strata?: number | undefined
}

export interface FusedPlan {
  variant: SliceVariant
  shape: TileShape
  /** Slots of a block at most: where it is not given, as many as a place in a block can tell apart. */
  blockSlots?: number
  /** The matrix that the ratings are a part of, where they are. */
  whole?: WholeMatrix
}

/** Entries of a small tile in the mean: with fewer, the longest of those that run side by side is much longer. */
const tileEntries = 16

/** Invocations that keep any of today's GPUs busy: about 130 cores of 2,048. */
const mostInvocations = 2 ** 18

/** Workgroups to have before one gets more slices: about as many as large GPUs have cores. */
const fewWorkgroups = 128

/** A workgroup is a whole subgroup at least, and small enough to have several on a core. */
const workgroupInvocations = { least: 32, most: 256 }

/** Tiles of a grid at most: a word each on the host while they are packed. */
const mostTiles = 2 ** 26

/** Of the sums that a held block's entries leave in each stratum. */
const lossBytes = 8

/** Blocks of a side at most, where the caller does not choose. */
const mostBlocks = Math.sqrt(mostTiles)

/**
 * What one dispatch may do at most, so that no watchdog (about 2 s) ends it: factors updated on a slow GPU in a second, and
 * entries that a slice works on one after another.
 */
const dispatchBound = { factors: 2e9, steps: 1.5e6 }

/** vec4s of a row up to which an invocation's registers hold those of four entries at once, of both sides. */
const mostVecsAhead = 4

const entryBytes = 8

/** How much larger than the mean a stratum may be. */
const stratumMargin = 1.25

/** On a CPU: factors updated in about 70 ms on two cores, the length of a stratum at most. */
const stratumFactors = 40e6

/** Workers on a CPU: enough to go round among its threads; more only shorten the runs. */
const leastSoftwareWorkers = 8

const powerOfTwoFrom = (number: number) => 2 ** Math.ceil(Math.log2(number))
const powerOfTwoTo = (number: number) => 2 ** Math.floor(Math.log2(Math.max(1, number)))

/**
 * How the fused solver cuts its work on a device: a pure function, so the same data on the same adapter gives the same
 * grid, and the same bits.
 * @throws OptionError where workers or strata that the caller chose do not fit the data; LimitExceededError where rows do
 *   not fit the device's buffers
 */
export function planFused(input: FusedInput, capabilities: Capabilities): FusedPlan {
  const { adapter } = capabilities
  const { lanes, slices } = adapter.software ? softwareSlices(input, capabilities) : hardwareSlices(input, capabilities)
  const { shape, blockSlots } = cutGrid(input, capabilities, lanes, slices)
  const vecs = Math.ceil(factorBlocks(input.factors) / lanes)
  return {
    variant: {
      lanes,
      vecs,
      nested: shape.nested,
      subgroups: capabilities.features.subgroups && lanes > 1,
      prefetch: !adapter.software && vecs <= mostVecsAhead,
      f16: input.precision === 'f16',
    },
    shape,
    blockSlots,
  }
}

/** `planFused` of a matrix with so many entries in its rows. */
export function planFusedRows(
  { users, items }: RowCounts,
  entries: number,
  options: Pick<FusedInput, 'factors' | 'precision' | 'workers' | 'strata'>,
  capabilities: Capabilities,
): FusedPlan {
  return planFused({ ...options, entries, users: occupiedRows(users), items: occupiedRows(items) }, capabilities)
}

function cutGrid(
  input: FusedInput,
  capabilities: Capabilities,
  lanes: number,
  slices: number,
): { shape: TileShape; blockSlots: number } {
  const { software } = capabilities.adapter
  const nested = !software && slices > 1
  const slicesPerTile = nested ? slices : 1
  const rows = Math.max(input.users, input.items)
  const blockSlots = slotsOfBlock(input, rows, slices, capabilities.limits)
  // Replicas add at most one slot a block.
  const least = Math.ceil(rows / (blockSlots - 1) / slicesPerTile)
  const chosen = software ? softwareWorkers(input) : hardwareWorkers(input, lanes, slicesPerTile)
  const inBindings = strataInBindings(input, capabilities.limits)
  const most = Math.min(mostWorkers(input, slicesPerTile), workersInBinding(input, slices, nested, capabilities.limits))
  const workers = input.workers ?? Math.max(least, Math.min(chosen, most))
  const leastStrata = Math.max(least, strataInTime(input, workers * slicesPerTile), Math.ceil(inBindings))
  const strata = input.strata ?? Math.max(workers, leastStrata, Math.ceil(stratumMargin * inBindings))
  if (workers < least) {
    throw new OptionError('workers', `"workers" must be at least ${least} for ${rows} rows, not ${workers}`)
  }
  if (strata < leastStrata) {
    const what = `${rows} rows and ${input.entries} entries with ${workers} workers`
    throw new OptionError('strata', `"strata" must be at least ${leastStrata} for ${what}, not ${strata}`)
  }
  const shape: TileShape = { workers, strata, slices, nested }
  const tiles = tilesPerStratum(gridOf(shape), slices) * strata
  if (tiles <= mostTiles) return { shape, blockSlots }
  // Where shards ask for small blocks, with fewer slices there are fewer of them.
  if (nested && input.workers === undefined && input.strata === undefined) {
    return cutGrid(input, capabilities, lanes, slices / 2)
  }
  const option = input.workers === undefined ? 'strata' : 'workers'
  throw new OptionError(
    option,
    `"${option}" cuts the ratings into ${tiles} tiles, more than ${mostTiles}; take fewer workers or strata`,
  )
}

/**
 * A place in a block is a 16-bit number. Where the rows of a side do not fit one binding, those of a workgroup's blocks must.
 * @throws LimitExceededError where a single row a block is too much
 */
function slotsOfBlock({ factors, precision }: FusedInput, rows: number, slices: number, limits: DeviceLimits): number {
  const most = mostBytesOf(limits)
  const rowBytes = slotBytes(factorBlocks(factors), precision)
  const slots = mostRows(most, 'slots', rowBytes)
  if (rows + mostBlocks <= slots) return maxBlockSlots
  const blockSlots = Math.min(maxBlockSlots, Math.floor(slots / slices))
  if (blockSlots < 2) {
    throw new LimitExceededError(
      "a workgroup's rows",
      most.limit,
      2 * slices * rowBytes,
      most.bytes,
      'take fewer factors',
    )
  }
  return blockSlots
}

/** The same without subgroups: for a device whose subgroups do not hold whole slices. */
export function withoutSubgroups(plan: FusedPlan): FusedPlan {
  return { ...plan, variant: { ...plan.variant, subgroups: false } }
}

/** Workgroups of one subgroup, which is one CPU vector: a slice of few lanes shares its instructions with others. */
function softwareSlices({ factors }: FusedInput, { features, subgroupMinSize }: Capabilities) {
  const width = features.subgroups ? Math.min(8, subgroupMinSize) : 8
  const blocks = factorBlocks(factors)
  const lanes = Math.min(width, powerOfTwoFrom(blocks), blocks >= 16 ? 8 : 4)
  return { lanes, slices: width / lanes }
}

/** A vec4 a lane where a subgroup is wide enough; as many slices as the data has tiles for. */
function hardwareSlices(input: FusedInput, { features, subgroupMinSize, limits }: Capabilities) {
  const width = features.subgroups ? Math.min(32, powerOfTwoTo(subgroupMinSize)) : 8
  const lanes = Math.min(width, powerOfTwoFrom(factorBlocks(input.factors)))
  const least = Math.max(1, workgroupInvocations.least / lanes)
  const most = Math.min(workgroupInvocations.most, powerOfTwoTo(limits.maxComputeInvocationsPerWorkgroup)) / lanes
  return { lanes, slices: Math.max(least, Math.min(most, powerOfTwoTo(blocksFor(input) / fewWorkgroups))) }
}

/** Strata that keep each dispatch within its bound. */
function strataInTime({ entries, factors }: FusedInput, slices: number): number {
  const byFactors = (entries * factors) / dispatchBound.factors
  return Math.ceil(Math.max(byFactors, entries / slices / dispatchBound.steps))
}

/** Strata whose entries fit a buffer each in the mean. */
const strataInBindings = ({ entries }: FusedInput, limits: DeviceLimits): number =>
  (entryBytes * entries) / mostBytesOf(limits).bytes

/** W with tiles of `tileEntries` in the mean. */
const blocksFor = ({ entries }: FusedInput) => Math.floor(Math.min(mostBlocks, Math.sqrt(entries / tileEntries)))

function hardwareWorkers(input: FusedInput, lanes: number, slices: number): number {
  return Math.floor(Math.min(blocksFor(input), mostInvocations / lanes) / slices)
}

function softwareWorkers({ entries, factors }: FusedInput): number {
  return Math.min(mostBlocks, Math.max(leastSoftwareWorkers, Math.ceil((entries * factors) / stratumFactors)))
}

/** More blocks than rows would leave blocks empty; and where many strata are needed, there is room for fewer workers. */
function mostWorkers(input: FusedInput, slices: number): number {
  const byRows = Math.min(input.users, input.items) / slices
  const byTiles = mostTiles / slices ** 2 / strataInTime(input, mostBlocks)
  return Math.max(1, Math.floor(Math.min(byRows, byTiles)))
}

/** W for which the sums of losses fit one binding. */
function workersInBinding(input: FusedInput, slices: number, nested: boolean, limits: DeviceLimits): number {
  const sums = mostBytesOf(limits).bytes / lossBytes / (nested ? slices : 1)
  const strata = Math.max(strataInTime(input, mostBlocks), stratumMargin * strataInBindings(input, limits))
  // Slices without a tile have sums, too.
  const idle = nested ? 0 : slices - 1
  return Math.max(1, Math.floor(Math.min(Math.sqrt(sums), sums / Math.ceil(strata))) - idle)
}

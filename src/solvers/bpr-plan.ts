import { OptionError } from '../errors.ts'
import { type MostBytes, mostBytesOf } from '../gpu/buffers.ts'
import type { Capabilities, DeviceLimits } from '../gpu/capabilities.ts'
import type { WalkVariant } from '../kernels/bpr_structs.ts'
import { factorBlocks } from '../kernels/shared.ts'

export interface BprInput {
  users: number
  items: number
  entries: number
  /** Entries of the heaviest row of either side. */
  heaviest: number
  /** Samples in an epoch of the row that has most, of those that are trained. */
  samples: number
  factors: number
  /** The one side that is trained, where the other is frozen. */
  only?: 'users' | 'items' | undefined
}

export interface BprPlan {
  variant: WalkVariant
  /** Rows that a workgroup works on side by side. */
  slices: number
  /** Rounds of an epoch; even where items are trained, whose table changes places with another one each round. */
  rounds: number
}

/**
 * Rounds of an epoch where nothing else is in the way: the other side stands still for one. On MovieLens 100K 2, 8 and 64
 * rank alike, at rates from 0.01 to 0.1, but for the first epochs; more of them read and write more rows.
 */
const freshRounds = 8

/** Numbers that a round may update, so that a dispatch takes about 70 ms on two CPU cores, 1 s on a slow GPU. */
const roundFactors = { software: 40e6, hardware: 2e9 }

/** Samples of one row that a round may have, one after another, likewise. */
const roundSteps = 1e6

/** Bytes of rows at most that samples find side by side: enough samples at a time for any GPU. */
const stagedBytes = 2 ** 28

/** Samples of a block of rows that a device has room for: two words each or, `staged`, two rows. */
export function mostSamples(factors: number, staged: boolean, limits: DeviceLimits): MostBytes & { samples: number } {
  const { bytes, limit } = mostBytesOf(limits)
  const room = staged ? Math.min(bytes, stagedBytes) : bytes
  return { bytes: room, limit, samples: Math.floor(room / (staged ? 2 * 16 * factorBlocks(factors) : 8)) }
}

const powerOfTwoFrom = (number: number) => 2 ** Math.ceil(Math.log2(number))
const powerOfTwoTo = (number: number) => 2 ** Math.floor(Math.log2(Math.max(1, number)))

/** Invocations of a workgroup on a GPU: whole subgroups, and few slices that wait for the longest of them. */
const workgroupInvocations = 64

/** How BPR cuts its work on a device: a pure function, so the same data on the same adapter gives the same bits. */
export function planBpr(input: BprInput, capabilities: Capabilities): BprPlan {
  const { adapter, features, limits } = capabilities
  const { lanes, slices } = adapter.software ? softwareSlices(input, capabilities) : hardwareSlices(input, capabilities)
  return {
    variant: {
      lanes,
      vecs: Math.ceil(factorBlocks(input.factors) / lanes),
      subgroups: features.subgroups && lanes > 1,
      prefetch: !adapter.software,
    },
    slices,
    rounds: roundsFor(input, adapter.software ? roundFactors.software : roundFactors.hardware, limits),
  }
}

/** Workgroups of one subgroup, which is one CPU vector: short rows share it, long ones have it whole. */
function softwareSlices({ factors }: BprInput, { features, subgroupMinSize }: Capabilities) {
  const width = features.subgroups ? Math.min(8, subgroupMinSize) : 8
  const blocks = factorBlocks(factors)
  const most = blocks >= 16 ? 8 : blocks >= 8 ? 4 : 1
  const lanes = Math.min(width, most)
  return { lanes, slices: width / lanes }
}

/** A vec4 a lane where a subgroup is wide enough. */
function hardwareSlices({ factors }: BprInput, { features, subgroupMinSize }: Capabilities) {
  const width = features.subgroups ? Math.min(32, powerOfTwoTo(subgroupMinSize)) : 8
  const lanes = Math.min(width, powerOfTwoFrom(factorBlocks(factors)))
  return { lanes, slices: workgroupInvocations / lanes }
}

function roundsFor(input: BprInput, factorsOfRound: number, limits: DeviceLimits): number {
  const { entries, heaviest, factors, only } = input
  // A sample of the users' phase, and one as the positive and one as the negative in the items'.
  const inTime = Math.ceil(Math.max((2 * entries * factors) / factorsOfRound, (2 * heaviest) / roundSteps))
  const least = Math.max(inTime, roundsInRoom(input, limits))
  // Where all that is read is frozen, nothing gets old.
  if (only === 'users') return least
  return 2 * Math.ceil(Math.max(least, freshRounds) / 2)
}

/** Rounds so many that one row's samples fit side by side, where the rows that they name lie in several shards. */
function roundsInRoom({ users, items, factors, samples, only }: BprInput, limits: DeviceLimits): number {
  const named = only === 'users' ? items : Math.max(users, items)
  if (16 * factorBlocks(factors) * named <= mostBytesOf(limits).bytes) return 1
  // Positives and negatives are rounded up.
  return Math.ceil(samples / Math.max(1, mostSamples(factors, true, limits).samples - 2))
}

/** @throws OptionError where a plan that the caller chose cannot be. */
export function checkBprPlan({ rounds }: BprPlan, only: 'users' | 'items' | undefined): void {
  const even = only !== 'users'
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 0xffff || (even && rounds % 2 === 1)) {
    throw new OptionError('rounds', `"rounds" must be a positive${even ? ' even' : ''} integer, not ${rounds}`)
  }
}

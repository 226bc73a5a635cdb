import { OptionError } from '../errors.ts'
import type { Capabilities } from '../gpu/capabilities.ts'
import type { WalkVariant } from '../kernels/bpr_structs.ts'
import { factorBlocks } from '../kernels/shared.ts'

export interface BprInput {
  entries: number
  /** Entries of the heaviest row of either side. */
  heaviest: number
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

/** Samples that a row passes in a round, about: the other side stands still for so long. */
const rowSamples = 64

/** Rounds of an epoch where nothing else is in the way: fewer train on old rows, more read and write rows for little. */
const roundBounds = { least: 8, most: 32 }

/** Numbers that a round may update, so that a dispatch takes about 70 ms on two CPU cores, 1 s on a slow GPU. */
const roundFactors = { software: 40e6, hardware: 2e9 }

/** Samples of one row that a round may have, one after another, likewise. */
const roundSteps = 1e6

const powerOfTwoFrom = (number: number) => 2 ** Math.ceil(Math.log2(number))
const powerOfTwoTo = (number: number) => 2 ** Math.floor(Math.log2(Math.max(1, number)))

/** Invocations of a workgroup on a GPU: whole subgroups, and few slices that wait for the longest of them. */
const workgroupInvocations = 64

/** How BPR cuts its work on a device: a pure function, so the same data on the same adapter gives the same bits. */
export function planBpr(input: BprInput, { adapter, features, subgroupMinSize }: Capabilities): BprPlan {
  const blocks = factorBlocks(input.factors)
  const widest = features.subgroups ? Math.min(adapter.software ? 8 : 32, powerOfTwoTo(subgroupMinSize)) : 8
  const lanes = Math.min(widest, powerOfTwoFrom(blocks))
  return {
    variant: {
      lanes,
      vecs: Math.ceil(blocks / lanes),
      subgroups: features.subgroups && lanes > 1,
      prefetch: !adapter.software,
    },
    slices: adapter.software ? 1 : workgroupInvocations / lanes,
    rounds: roundsFor(input, adapter.software ? roundFactors.software : roundFactors.hardware),
  }
}

function roundsFor({ entries, heaviest, factors, only }: BprInput, factorsOfRound: number): number {
  // A sample of the users' phase, and one as the positive and one as the negative in the items'.
  const inTime = Math.ceil(Math.max((2 * entries * factors) / factorsOfRound, (2 * heaviest) / roundSteps))
  // Where all that is read is frozen, nothing gets old.
  if (only === 'users') return inTime
  const { least, most } = roundBounds
  const fresh = Math.min(most, Math.max(least, Math.ceil(heaviest / rowSamples)))
  return 2 * Math.ceil(Math.max(inTime, fresh) / 2)
}

/** @throws OptionError where a plan that the caller chose cannot be. */
export function checkBprPlan({ rounds }: BprPlan, only: 'users' | 'items' | undefined): void {
  const even = only !== 'users'
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 0xffff || (even && rounds % 2 === 1)) {
    throw new OptionError('rounds', `"rounds" must be a positive${even ? ' even' : ''} integer, not ${rounds}`)
  }
}

import { Random } from '../data/random.ts'
import type { Ratings } from '../data/ratings.ts'
import type { Capabilities } from '../gpu/capabilities.ts'
import { rowsByLength } from '../layout/rows.ts'
import { entriesOfStrata } from '../layout/tile-sample.ts'
import { planBprRows } from '../solvers/bpr-memory.ts'
import { planFusedRows } from '../solvers/fused-plan.ts'
import type { SolverShape } from '../solvers/solver-memory.ts'
import type { ChosenPlan } from './create-solver.ts'
import type { ResolvedOptions } from './options.ts'
import { trainerOf } from './options-schema.ts'

/** A part of the entries whose epoch takes as long as that part of the whole one's, but for what all epochs have alike. */
export interface Sample {
  entries: Ratings
  chosen?: ChosenPlan
  units: number
}

/** How samples of an epoch's work are drawn. */
export interface Sampling {
  /** Strata, batches, rounds or entries of the whole. */
  units: number
  /** Of the smallest sample. */
  least: number
  /** The half of an epoch that it samples, where it has halves. */
  phase?: 'users' | 'items' | undefined
  /** A sample of about so many units. */
  take(units: number): Sample
}

/** What samples are drawn from. */
export interface Sampled extends SolverShape {
  train: Ratings
  options: ResolvedOptions
}

/** Entries of a sample of rows at least. */
const leastEntries = 20_000

/** The parts of an epoch that are sampled, one after another. */
export function samplingsOf(whole: Sampled, capabilities: Capabilities): Sampling[] {
  switch (trainerOf(whole.options)) {
    case 'sgd':
      return [strataOf(whole, capabilities)]
    case 'minibatch':
      return [batchesOf(whole)]
    case 'bpr':
      return [roundsOf(whole, capabilities)]
    case 'als':
      return [rowsOf(whole, 'users'), rowsOf(whole, 'items')]
  }
}

/** Whole strata, in the blocks of the whole matrix. */
function strataOf({ train, counts, entries, options }: Sampled, capabilities: Capabilities): Sampling {
  const plan = planFusedRows(counts, entries, options, capabilities)
  const { shape, blockSlots } = plan
  return {
    units: shape.strata,
    least: 1,
    take(strata) {
      if (strata >= shape.strata) return { entries: train, units: shape.strata }
      const own = entriesOfStrata(train, counts, shape, { seed: options.seed, blockSlots, strata })
      return { entries: train.select(own), chosen: { fused: { ...plan, whole: { counts, entries } } }, units: strata }
    },
  }
}

/** Whole batches, drawn from all entries. */
function batchesOf({ train, entries, options }: Sampled): Sampling {
  const batchSize = Math.min(options.batchSize, entries)
  const units = entries / batchSize
  return {
    units,
    least: Math.min(4, units),
    take(batches) {
      if (batches >= units) return { entries: train, units }
      const whole = Math.round(batches)
      return { entries: drawn(train, whole * batchSize, options.seed), units: whole }
    },
  }
}

/** Some rounds, with as many entries of each row in each of them as the whole has. */
function roundsOf({ train, counts, entries, options }: Sampled, capabilities: Capabilities): Sampling {
  const plan = planBprRows({ counts, entries }, { ...options, negativePower: options.negativePower ?? 0 }, capabilities)
  const { rounds: units } = plan
  return {
    units,
    least: 2,
    take(wanted) {
      const rounds = 2 * Math.round(wanted / 2)
      if (rounds >= units) return { entries: train, units }
      const own = Math.max(1, Math.round((entries * rounds) / units))
      return { entries: drawn(train, own, options.seed), chosen: { bpr: { ...plan, rounds } }, units: rounds }
    },
  }
}

/** Rows of one side with all their entries, evenly from the longest to the shortest. */
function rowsOf({ train, counts, entries }: Sampled, side: 'users' | 'items'): Sampling {
  const ordered = rowsByLength(counts[side])
  return {
    units: entries,
    least: Math.min(entries, leastEntries),
    phase: side,
    take(wanted) {
      if (wanted >= entries) return { entries: train, units: entries }
      const chosen = new Uint8Array(counts[side].length)
      const step = entries / wanted
      for (let at = step / 2; at < ordered.length; at += step) chosen[ordered[Math.floor(at)]!] = 1
      const own = positionsOf(train[side], chosen)
      return { entries: train.select(own), units: own.length }
    },
  }
}

function positionsOf(rows: Uint32Array, chosen: Uint8Array): Uint32Array {
  const positions = new Uint32Array(rows.length)
  let length = 0
  for (let entry = 0; entry < rows.length; entry++) if (chosen[rows[entry]!] === 1) positions[length++] = entry
  return positions.slice(0, length)
}

/** So many entries: one at random of each stretch of equal length. */
export function drawn(ratings: Ratings, count: number, seed: number): Ratings {
  const random = new Random(seed, stream)
  const stretch = ratings.length / count
  return ratings.select(Uint32Array.from({ length: count }, (_, at) => Math.floor((at + random.uniform()) * stretch)))
}

/** Random stream of the samples, apart from those of a training. */
const stream = 0x706c616e

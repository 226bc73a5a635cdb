import type { Random } from '../../src/data/random.ts'
import {
  bprDrawsStruct,
  bprRoundStruct,
  bprRowStruct,
  bprSlotsStruct,
  bprWalkStruct,
} from '../../src/kernels/bpr_structs.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { type Negatives, weighNegatives } from '../../src/layout/negatives.ts'
import { padRows } from '../../src/layout/padding.ts'
import { type Positives, packPositives } from '../../src/layout/positives.ts'
import type { RowSpan } from '../../src/layout/shards.ts'
import { type BprBlock, type BprRowsInput, cutBprRows, packBprBlock } from '../../src/solvers/bpr-rows.ts'
import type { ReferenceBprRow, ReferenceRound, ReferenceSample } from '../reference/bpr_draw.ts'
import type { ReferenceBpr, ReferenceBprSteps } from '../reference/bpr_users.ts'
import { skewedRatings } from './fused.ts'
import { normals } from './scoring.ts'

export const noItem = 0xffffffff
export const negativeBit = 0x80000000

export interface BprShape {
  users: number
  items: number
  entries: number
  rounds: number
  power?: number
}

/** A set whose rows are of very different length, and what both sides' kernels read of it. */
export interface BprProblem {
  positives: Positives
  negatives: Negatives
  users: PackedRows
  items: PackedRows
  powered: boolean
  rounds: number
}

export function bprProblem(random: Random, { users, items, entries, rounds, power = 0 }: BprShape): BprProblem {
  return problemOf(packPositives(skewedRatings(random, entries, users, items)), rounds, power)
}

export function problemOf(positives: Positives, rounds: number, power: number): BprProblem {
  const negatives = weighNegatives(positives, power)
  return {
    positives,
    negatives,
    users: packWhole({ start: positives.userStart, rounds }),
    items: packWhole({ start: positives.itemStart, expected: negatives.expected, rounds }),
    powered: power !== 0,
    rounds,
  }
}

/** All rows of a side in one block, as the kernels read it. */
export interface PackedRows extends BprBlock {
  words: ArrayBuffer
  slotRows: Uint32Array<ArrayBuffer>
}

export function packWhole(given: Omit<BprRowsInput, 'spans' | 'most'>): PackedRows {
  const span = { first: 0, rows: given.start.length - 1, shard: 0, buffer: 0 }
  const input = { ...given, spans: [span], most: { rows: Number.POSITIVE_INFINITY, slots: Number.POSITIVE_INFINITY } }
  const none = { span, rows: new Uint32Array(0), places: new Uint32Array(0), slots: 0 }
  const [block = none] = cutBprRows(input).blocks
  const { rows, slots } = packBprBlock(input, block, 0)
  return { ...block, words: rows, slotRows: slots }
}

/** A round with keys of its own. */
export const roundOf = (random: Random, round: number, rounds: number): ReferenceRound => ({
  orderKey: random.uint32(),
  drawKey: random.uint32(),
  round,
  rounds,
})

export const packRound = ({ orderKey, drawKey, round, rounds }: ReferenceRound, rate = 1) =>
  bprRoundStruct.pack({ order_key: orderKey, draw_key: drawKey, round, rounds, rate })

/** The table of rows, read back. */
export function listRows(packed: Pick<PackedRows, 'words'>): ReferenceBprRow[] {
  const words = new Uint32Array(packed.words)
  const width = bprRowStruct.size / 4
  return Array.from({ length: words.length / width }, (_, at) => {
    const [row, place, first, entries, slot, negatives, chance] = words.subarray(at * width)
    return {
      row: row!,
      place: place!,
      first: first!,
      entries: entries!,
      slot: slot!,
      negatives: negatives!,
      chance: chance!,
    }
  })
}

/** The draws' options where the entries of some users alone are there. */
export function packDraws({ positives }: BprProblem, { first, rows }: RowSpan): ArrayBuffer {
  const users = positives.userStart.length - 1
  const items = positives.itemStart.length - 1
  return bprDrawsStruct.pack({ users, items, first_user: first, users_here: rows })
}

/** What the draws of either side bind. */
export function drawBuffers(problem: BprProblem, { words, slotRows }: PackedRows, at: ReferenceRound) {
  const { positives, negatives } = problem
  return {
    rows: words,
    batch: packRound(at),
    slots: slotRows,
    seen: positives.itemsOf,
    item_columns: negatives.itemColumns ?? new Uint32Array(2),
    draws: packDraws(problem, { first: 0, rows: positives.userStart.length - 1 }),
    samples: { words: 2 * slotRows.length },
    raters: positives.usersOf,
    user_start: positives.userStart,
    user_columns: negatives.userColumns ?? new Uint32Array(2),
    room: bprSlotsStruct.pack({ count: slotRows.length }),
  }
}

/** A sample in the two words that the kernels know it by. */
export const wordsOfSample = ({ partner, other, asNegative }: ReferenceSample): [number, number] => [
  asNegative ? (partner | negativeBit) >>> 0 : partner,
  other ?? noItem,
]

export function sampleOfWords(partner: number, other: number): ReferenceSample {
  return {
    partner: (partner & ~negativeBit) >>> 0,
    other: other === noItem ? undefined : other,
    asNegative: (partner & negativeBit) !== 0,
  }
}

/** Parameters of the size of a training's. */
export function randomBpr(random: Random, users: number, items: number, factors: number): ReferenceBpr {
  const sd = factors ** -0.25
  return {
    factors,
    userFactors: Float64Array.from(normals(random, users * factors, sd)),
    itemFactors: Float64Array.from(normals(random, items * factors, sd)),
    itemBias: Float64Array.from(normals(random, items, 0.5)),
  }
}

export const bprSteps = (biases = true): ReferenceBprSteps => ({
  factorRate: Math.fround(0.05),
  factorPenalty: Math.fround(0.1),
  biasRate: Math.fround(0.03),
  biasPenalty: Math.fround(0.15),
  biases,
})

/** Half the rate stands in the options, double in the round. */
export const walkRate = 2

export const packWalk = (rows: number, slices: number, steps: ReferenceBprSteps, stagedStart = 0) =>
  bprWalkStruct.pack({
    rows,
    slices,
    first_row: 0,
    staged_start: stagedStart,
    factor_rate: steps.factorRate / walkRate,
    bias_rate: steps.biasRate / walkRate,
    factor_penalty: steps.factorPenalty,
    bias_penalty: steps.biasPenalty,
  })

export function packBpr({ factors: k, userFactors, itemFactors, itemBias }: ReferenceBpr) {
  return {
    user_factors: padRows(Float32Array.from(userFactors), userFactors.length / k, k),
    item_factors: padRows(Float32Array.from(itemFactors), itemBias.length, k),
    item_bias: Float32Array.from(itemBias),
  }
}

/** Chosen rows of a table of `count`, in their order. */
export function pickRows(table: Float32Array, count: number, rows: readonly number[]): Float32Array<ArrayBuffer> {
  const width = table.length / count
  return Float32Array.from(rows.flatMap(row => [...table.subarray(row * width, (row + 1) * width)]))
}

/** Without the padding of rows to whole vec4s. */
export const tight = (padded: Float32Array, k: number) => padded.filter((_, at) => at % (4 * factorBlocks(k)) < k)

/** Roundings on the way of one sample: k products and differences, a sigmoid, the step. */
export const sampleLength = (factors: number): number => 2 * factors + 60

/** Walks as they are cut for CPUs and GPUs: every rank, lanes from one to a whole subgroup, with and without read-ahead. */
export const walkCases = [
  { factors: 1, lanes: 1, slices: 4, subgroups: false, prefetch: false },
  { factors: 3, lanes: 1, slices: 1, subgroups: false, prefetch: true },
  { factors: 4, lanes: 1, slices: 8, subgroups: false, prefetch: true },
  { factors: 10, lanes: 4, slices: 2, subgroups: true, prefetch: false },
  { factors: 17, lanes: 4, slices: 4, subgroups: false, prefetch: true },
  { factors: 17, lanes: 8, slices: 1, subgroups: true, prefetch: false },
  { factors: 32, lanes: 8, slices: 4, subgroups: true, prefetch: true },
  { factors: 64, lanes: 8, slices: 1, subgroups: false, prefetch: false },
  { factors: 24, lanes: 2, slices: 8, subgroups: true, prefetch: true },
  { factors: 100, lanes: 8, slices: 2, subgroups: true, prefetch: false },
  { factors: 128, lanes: 8, slices: 1, subgroups: true, prefetch: false },
  { factors: 200, lanes: 8, slices: 2, subgroups: false, prefetch: false },
] as const

export const walkVariant = ({ factors, lanes, subgroups, prefetch }: (typeof walkCases)[number]) => ({
  lanes,
  vecs: Math.ceil(factorBlocks(factors) / lanes),
  subgroups,
  prefetch,
})

/** Chi-square of counts against what is expected; cells that expect nothing must count nothing. */
export function chiSquare(counts: ArrayLike<number>, expected: ArrayLike<number>): { value: number; bound: number } {
  let value = 0
  let cells = 0
  for (let cell = 0; cell < expected.length; cell++) {
    if (expected[cell] === 0 && counts[cell] === 0) continue
    value += (counts[cell]! - expected[cell]!) ** 2 / expected[cell]!
    cells++
  }
  // Its mean is cells - 1, its deviation sqrt(2 (cells - 1)); six of those.
  return { value, bound: cells - 1 + 6 * Math.sqrt(2 * (cells - 1)) }
}

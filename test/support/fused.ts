import { IdTable } from '../../src/data/ids.ts'
import type { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { type fusedSgd, fusedStruct } from '../../src/kernels/fused_sgd.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { modelStruct, stratumStruct } from '../../src/kernels/structs.ts'
import { padRows } from '../../src/layout/padding.ts'
import { gridOf, type TileShape } from '../../src/layout/tile-grid.ts'
import { packTiles, type TileLayout } from '../../src/layout/tiles.ts'
import { type FusedReferenceOptions, fusedSgd as fusedTwin, type ReferenceSlots } from '../reference/fused_sgd.ts'
import type { KernelResult } from './run-kernel.ts'
import { normals } from './scoring.ts'
import { stepsOf } from './tiles.ts'
import { expectClose, tolerance } from './tolerance.ts'

export interface FusedProblem {
  layout: TileLayout
  stratum: number
  options: FusedReferenceOptions
  held: ReferenceSlots
  streamed: ReferenceSlots
}

export interface FusedShape {
  factors: number
  shape: TileShape
  entries?: number
  adagrad?: boolean
  biases?: boolean
  bounded?: boolean
}

const ids = (count: number) => new IdTable(Float64Array.from({ length: count }, (_, id) => id))

/** Ratings from 1 to 5 in which one item has a fifth of the entries; a pair may stand twice. */
export function skewedRatings(random: Random, entries: number, users: number, items: number): Ratings {
  return new Ratings({
    users: Uint32Array.from({ length: entries }, () => random.below(users)),
    items: Uint32Array.from({ length: entries }, () => (random.uniform() < 0.2 ? 0 : random.below(items))),
    values: Float32Array.from({ length: entries }, () => 1 + 4 * random.uniform()),
    userIds: ids(users),
    itemIds: ids(items),
  })
}

/** Slots of f32 numbers of the size of a training's. */
export function randomSlots(random: Random, slots: number, factors: number): ReferenceSlots {
  const positive = () => Float64Array.from(normals(random, slots), value => Math.fround(0.5 + Math.abs(value)))
  return {
    factors: Float64Array.from(normals(random, slots * factors, factors ** -0.25)),
    bias: Float64Array.from(normals(random, slots, 0.5)),
    factorSquares: positive(),
    biasSquares: positive(),
    weight: positive(),
  }
}

/** One stratum over random slots. */
export function fusedProblem(random: Random, given: FusedShape): FusedProblem {
  const { factors, shape, entries = 400, adagrad = true, biases = true, bounded = false } = given
  const ratings = skewedRatings(random, entries, 37, 29)
  const layout = packTiles(ratings, shape, { seed: random.uint32() })
  const slots = { users: layout.users.rowOf.length, items: layout.items.rowOf.length }
  const other = layout.held === 'users' ? 'items' : 'users'
  return {
    layout,
    stratum: Math.min(1, shape.strata - 1),
    options: {
      factors,
      adagrad,
      biases,
      bounded,
      mean: Math.fround(bounded ? 0.3 : 3.4),
      minimum: 1,
      maximum: 5,
      heldRate: Math.fround(0.05),
      streamedRate: Math.fround(0.07),
      biasRate: Math.fround(0.03),
      heldPenalty: Math.fround(0.1),
      streamedPenalty: Math.fround(0.2),
      biasPenalty: Math.fround(0.15),
    },
    held: randomSlots(random, slots[layout.held], factors),
    streamed: randomSlots(random, slots[other], factors),
  }
}

/** (bias, sums of squares, weight) of each slot. */
export function packState({ bias, factorSquares, biasSquares, weight }: ReferenceSlots): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: 4 * bias.length }, (_, at) => {
    const slot = Math.floor(at / 4)
    return [bias, factorSquares, biasSquares, weight][at % 4]![slot]!
  })
}

export const packFactors = ({ factors }: ReferenceSlots, k: number) =>
  padRows(Float32Array.from(factors), factors.length / k, k)

/** What a stratum's window holds where it is not in parts. */
export const wholeStratum = {
  entry_place: 0,
  entry_start: 0,
  worker_start: 0,
  worker_end: 0,
  held_start: 0,
  streamed_start: 0,
}

/** What `runKernel` takes for a stratum; factors as f32 unless given as halves. */
export function fusedRun(problem: FusedProblem, halves?: { held: Uint32Array; streamed: Uint32Array }) {
  const { layout, stratum, options, held, streamed } = problem
  const { factors: k } = options
  const { workgroups, subStrata, heldBlocks, streamedBlocks } = gridOf(layout.shape)
  const [heldStart, streamedStart] =
    layout.held === 'users'
      ? [layout.users.blockStart, layout.items.blockStart]
      : [layout.items.blockStart, layout.users.blockStart]
  return {
    constants: {
      FACTOR_BLOCKS: factorBlocks(k),
      SLICES: layout.shape.slices,
      BOUNDED: Number(options.bounded),
      ADAGRAD: Number(options.adagrad),
      BIASES: Number(options.biases),
    },
    workgroups,
    buffers: {
      held_factors: Uint32Array.from(halves?.held ?? words(packFactors(held, k))),
      streamed_factors: Uint32Array.from(halves?.streamed ?? words(packFactors(streamed, k))),
      held_state: packState(held),
      streamed_state: packState(streamed),
      model: modelStruct.pack({
        mean: options.mean,
        minimum: options.minimum,
        maximum: options.maximum,
        users: 0,
        items: 0,
        blocks: factorBlocks(k),
      }),
      partials: { words: 2 * layout.shape.strata * heldBlocks },
      entries: Uint32Array.from(layout.entries),
      tiles: layout.tiles,
      blocks: Uint32Array.from({ length: heldBlocks + streamedBlocks }, (_, block) =>
        block < heldBlocks ? heldStart[Math.min(block, heldStart.length - 1)]! : streamedStart[block - heldBlocks]!,
      ),
      batch: stratumStruct.pack({
        ...wholeStratum,
        stratum,
        tile_start: stratum * workgroups * subStrata,
        partial_start: stratum * heldBlocks,
        entry_place: layout.stratumStart[stratum]!,
        rate: 0.5,
        noise: 12345,
      }),
      options: fusedStruct.pack({
        workgroups,
        strata: layout.shape.strata,
        held_rate: 2 * options.heldRate,
        streamed_rate: 2 * options.streamedRate,
        bias_rate: 2 * options.biasRate,
        held_penalty: options.heldPenalty,
        streamed_penalty: options.streamedPenalty,
        bias_penalty: options.biasPenalty,
        component: 1 / k,
      }),
    },
  }
}

const words = (floats: Float32Array<ArrayBuffer>) => new Uint32Array(floats.buffer)

/** Entries of a stratum in an order in which a serial run may take them. */
export function stratumEntries(layout: TileLayout, stratum: number) {
  return stepsOf(layout)
    .filter(step => step.stratum === stratum)
    .flatMap(({ tiles }) => tiles.flatMap(({ entries }) => entries))
}

export function cloneSlots(slots: ReferenceSlots): ReferenceSlots {
  const { factors, bias, factorSquares, biasSquares, weight } = slots
  return {
    factors: factors.slice(),
    bias: bias.slice(),
    factorSquares: factorSquares.slice(),
    biasSquares: biasSquares.slice(),
    weight: weight.slice(),
  }
}

/**
 * Roundings on the way of one update: the k terms of the score, then the link, rates, gradients and their squares. What
 * an update inherits it passes on about undiminished, so they add up over the updates of a row and of those it met.
 */
export const updateLength = (factors: number): number => factors + 60

/** Compares both sides and the sums with the twin's. */
export function expectStratum(
  result: KernelResult<ReturnType<typeof fusedSgd>['groups']>,
  problem: FusedProblem,
): void {
  const { layout, stratum, options } = problem
  const { factors: k } = options
  const held = cloneSlots(problem.held)
  const streamed = cloneSlots(problem.streamed)
  const entries = stratumEntries(layout, stratum)
  fusedTwin(entries, held, streamed, options)
  const visits = { held: new Map<number, number>(), streamed: new Map<number, number>() }
  for (const entry of entries) {
    for (const side of ['held', 'streamed'] as const)
      visits[side].set(entry[side], (visits[side].get(entry[side]) ?? 0) + 1)
  }
  const most = Math.max(...visits.held.values(), ...visits.streamed.values(), 0)
  for (const [side, slots] of [['held', held] as const, ['streamed', streamed] as const]) {
    const updates = (slot: number) => (visits[side].has(slot) ? most : 0)
    const factors = result.floats(`${side}_factors`).filter((_, at) => at % (4 * factorBlocks(k)) < k)
    expectClose(`${side} factors`, factors, slots.factors, at =>
      tolerance(updates(Math.floor(at / k)) * updateLength(k), 1 + Math.abs(slots.factors[at]!)),
    )
    const state = packState(slots)
    expectClose(`${side} state`, result.floats(`${side}_state`), state, at =>
      tolerance(updates(Math.floor(at / 4)) * updateLength(k), 1 + Math.abs(state[at]!)),
    )
  }
}

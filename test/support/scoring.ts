import type { Random } from '../../src/data/random.ts'
import { factorBlocks } from '../../src/kernels/shared.ts'
import { modelStruct } from '../../src/kernels/structs.ts'
import { packEntries, padRows } from '../../src/layout/padding.ts'
import { prediction, predictionSlope } from '../reference/link.ts'
import type { ReferenceEntry } from '../reference/residuals.ts'
import { type ReferenceModel, score } from '../reference/score.ts'
import { sigmoidLength, tolerance } from './tolerance.ts'

/** Ranks that the kernels are tested at: below, at and beside whole vec4s, and whole cache lines. */
export const ranks = [1, 3, 4, 17, 32, 64, 128] as const

/** Variants of a kernel over rows of parameters: every rank, with biases or without, some with either. */
export const rowVariants = [
  ...ranks.map((factors, index) => ({ factors, biases: index % 2 === 0 })),
  { factors: 4, biases: false },
  { factors: 17, biases: true },
]

/** Variants of a kernel that scores: every rank, every number of lanes that may share a score, either link. */
export const scoreVariants = [
  { factors: 1, lanes: 1, bounded: false },
  { factors: 1, lanes: 8, bounded: true },
  { factors: 3, lanes: 1, bounded: true },
  { factors: 4, lanes: 2, bounded: false },
  { factors: 17, lanes: 1, bounded: false },
  { factors: 17, lanes: 4, bounded: true },
  { factors: 32, lanes: 1, bounded: true },
  { factors: 32, lanes: 8, bounded: false },
  { factors: 64, lanes: 1, bounded: true },
  { factors: 64, lanes: 2, bounded: true },
  { factors: 64, lanes: 8, bounded: false },
  { factors: 128, lanes: 1, bounded: false },
  { factors: 128, lanes: 4, bounded: true },
  { factors: 128, lanes: 8, bounded: false },
]

/** Two of these, at rank 17, for tests of what does not depend on the rank. */
export const fewVariants = [
  { lanes: 1, bounded: false },
  { lanes: 4, bounded: true },
]

/** Dense index of a user or an item that is in no table. */
export const unknown = 0xffffffff

export interface ModelSizes {
  users: number
  items: number
  factors: number
  bounded?: boolean
  /** Ratings lie between these; 1 and 5 if not given. */
  minimum?: number
  maximum?: number
}

/** `length` numbers from N(0, sd), in single precision. */
export function normals(random: Random, length: number, sd = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, () => sd * random.normal())
}

/** A model of f32 numbers whose scores are of the size of 1. */
export function randomModel(random: Random, sizes: ModelSizes): ReferenceModel {
  const { users, items, factors, bounded = false, minimum = 1, maximum = 5 } = sizes
  const sd = factors ** -0.25
  return {
    factors,
    users,
    items,
    userFactors: normals(random, users * factors, sd),
    itemFactors: normals(random, items * factors, sd),
    userBias: normals(random, users, 0.5),
    itemBias: normals(random, items, 0.5),
    mean: Math.fround(bounded ? 0.3 : 3.4),
    bounded,
    minimum,
    maximum,
  }
}

/** Entries of users and items drawn evenly, or with some that the model does not know. */
export function randomEntries(
  random: Random,
  { users, items }: Pick<ReferenceModel, 'users' | 'items'>,
  count: number,
  unknownShare = 0,
): ReferenceEntry[] {
  const draw = (bound: number) => (random.uniform() < unknownShare ? unknown : random.below(bound))
  return Array.from({ length: count }, () => ({
    user: draw(users),
    item: draw(items),
    value: Math.fround(1 + 4 * random.uniform()),
  }))
}

/** The buffers of a model, as bind group 0 of the scoring kernels takes them. */
export function modelBuffers(model: ReferenceModel) {
  const { users, items, factors, mean, minimum, maximum } = model
  return {
    user_factors: padRows(Float32Array.from(model.userFactors), users, factors),
    item_factors: padRows(Float32Array.from(model.itemFactors), items, factors),
    user_bias: Float32Array.from(model.userBias),
    item_bias: Float32Array.from(model.itemBias),
    model: modelStruct.pack({ mean, minimum, maximum, users, items, blocks: factorBlocks(factors) }),
  }
}

/** The `override` constants of the kernels that score. */
export function scoreConstants(model: ReferenceModel, lanes: number) {
  return { FACTOR_BLOCKS: factorBlocks(model.factors), LANES: lanes }
}

/** The `override` constants of the kernels that score and predict. */
export function predictionConstants(model: ReferenceModel, lanes: number) {
  return { ...scoreConstants(model, lanes), BOUNDED: Number(model.bounded) }
}

export function entriesBuffer(entries: readonly ReferenceEntry[]): Uint32Array<ArrayBuffer> {
  return packEntries(
    Uint32Array.from(entries, entry => entry.user),
    Uint32Array.from(entries, entry => entry.item),
    Float32Array.from(entries, entry => entry.value),
  )
}

const magnitudes = new WeakMap<ReferenceModel, ReferenceModel>()

/** The sum of the absolute terms of a score: the score of the model of absolute numbers. */
export function scoreMagnitude(model: ReferenceModel, user: number, item: number): number {
  let absolute = magnitudes.get(model)
  if (absolute === undefined) {
    const { userFactors, itemFactors, userBias, itemBias, mean } = model
    absolute = {
      ...model,
      mean: Math.abs(mean),
      userFactors: Float64Array.from(userFactors).map(Math.abs),
      itemFactors: Float64Array.from(itemFactors).map(Math.abs),
      userBias: Float64Array.from(userBias).map(Math.abs),
      itemBias: Float64Array.from(itemBias).map(Math.abs),
    }
    magnitudes.set(model, absolute)
  }
  return score(absolute, user, item)
}

/** Tolerance of a score in f32: k products, mu and two biases. */
export function scoreTolerance(model: ReferenceModel, user: number, item: number): number {
  return tolerance(model.factors + 4, scoreMagnitude(model, user, item))
}

/** Tolerance of r_hat: that of the score, passed through the link, and the link's own. */
export function predictionTolerance(model: ReferenceModel, user: number, item: number): number {
  const s = score(model, user, item)
  const passed = scoreTolerance(model, user, item) * (model.bounded ? (model.maximum - model.minimum) / 4 : 1)
  const own = model.bounded ? tolerance(sigmoidLength(s) + 2, Math.abs(model.minimum) + prediction(model, s)) : 0
  return passed + own
}

/** Tolerance of an entry's residual, an error times a slope. */
export function residualTolerance(model: ReferenceModel, entry: ReferenceEntry): number {
  const { user, item, value } = entry
  const s = score(model, user, item)
  const error = Math.abs(value) + Math.abs(prediction(model, s))
  const ofError = predictionTolerance(model, user, item) * predictionSlope(model, s) + tolerance(2, error)
  if (!model.bounded) return ofError
  // The slope is range * sigma (1 - sigma), which changes no faster with the score than range / 10 a unit.
  const range = model.maximum - model.minimum
  const ofSlope = scoreTolerance(model, user, item) * (range / 10) + tolerance(2 * sigmoidLength(s), range)
  return ofError + error * ofSlope
}

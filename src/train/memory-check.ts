import { LimitExceededError } from '../errors.ts'
import type { Capabilities } from '../gpu/capabilities.ts'
import { memoryOf, type TrainingMemory, type TrainingShape } from './memory.ts'
import type { ResolvedOptions } from './options.ts'
import { trainerOf } from './options-schema.ts'

export interface MemoryBounds {
  /** Whether the solver's tables are kept a second time whatever the options say. */
  resumable?: boolean | undefined
  /** Bytes of buffers that the training may hold at once; without a bound by default. */
  bytes?: number | undefined
}

/**
 * What a training takes on a device, where it fits there: each table its bindings, and all of it `bytes`, with entries that
 * are streamed where there is no room for all of them.
 * @throws LimitExceededError that tells what is needed, what there is, and with how many factors it would fit
 */
export function checkMemory(
  shape: TrainingShape,
  options: ResolvedOptions,
  capabilities: Capabilities,
  bounds: MemoryBounds = {},
): TrainingMemory {
  const fitted = (changed: Partial<ResolvedOptions>) => fit(shape, { ...options, ...changed }, capabilities, bounds)
  const found = fitted({})
  if (!(found instanceof LimitExceededError)) return found
  const { what, limit, needed, available } = found
  const fits = (changed: Partial<ResolvedOptions>) => !(fitted(changed) instanceof LimitExceededError)
  const factors = largestFactors(options.factors, fits)
  const batchSize = smallerBatch(options, fits)
  const ways = [
    ...(factors === undefined ? [] : [`take ${factors} factors at most`]),
    ...(halves(options) && fits({ precision: 'f16' }) ? ['take the precision f16'] : []),
    ...(batchSize === undefined ? [] : [`take batches of ${batchSize}`]),
    ...(hasGrid(options) && fits({ workers: undefined, strata: undefined })
      ? ['choose neither workers nor strata']
      : []),
  ]
  const none = 'even a single factor is too much: train on fewer users and items'
  throw new LimitExceededError(what, limit, needed, available, ways.length === 0 ? none : ways.join(', or '), factors)
}

/** The memory, or what does not suffice. */
function fit(
  shape: TrainingShape,
  options: ResolvedOptions,
  capabilities: Capabilities,
  { resumable, bytes = Number.POSITIVE_INFINITY }: MemoryBounds,
): TrainingMemory | LimitExceededError {
  try {
    const memory = memoryOf(shape, options, capabilities, { resumable })
    if (memory.least <= bytes) return memory
    return new LimitExceededError('the training', 'memory', memory.least, bytes)
  } catch (error) {
    if (error instanceof LimitExceededError) return error
    throw error
  }
}

/** The largest rank below `factors` that fits, of those that make whole vec4s where there is one. */
function largestFactors(factors: number, fits: (changed: { factors: number }) => boolean): number | undefined {
  let most = 0
  for (let low = 1, high = Math.ceil(factors / 4) - 1; low <= high; ) {
    const middle = (low + high) >> 1
    if (fits({ factors: 4 * middle })) {
      most = 4 * middle
      low = middle + 1
    } else {
      high = middle - 1
    }
  }
  return most > 0 ? most : undefined
}

/** The first of half the batch, half of that and so on that fits; undefined where none does, or there are no batches. */
function smallerBatch(options: ResolvedOptions, fits: (changed: { batchSize: number }) => boolean): number | undefined {
  if (trainerOf(options) !== 'minibatch') return undefined
  for (let size = options.batchSize >> 1; size > 0; size >>= 1) if (fits({ batchSize: size })) return size
  return undefined
}

const halves = (options: ResolvedOptions): boolean => options.precision === 'f32' && trainerOf(options) === 'sgd'

const hasGrid = ({ workers, strata }: ResolvedOptions): boolean => workers !== undefined || strata !== undefined

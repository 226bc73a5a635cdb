import type { Ratings } from '../data/ratings.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { threadsBytes } from '../layout/pack-on-threads.ts'
import type { BufferKind } from '../model/buffer-plan.ts'
import type { SolverFigures } from '../solvers/solver-memory.ts'
import { calibrate } from './calibration.ts'
import { drawingBytes } from './draw-parameters.ts'
import { type HostBytes, hostBytesOf } from './host-memory.ts'
import { shapeOf } from './memory.ts'
import { checkMemory } from './memory-check.ts'
import type { ResolvedOptions, TrainOptions } from './options.ts'
import { bytesOf, roomIn } from './room.ts'
import { setUp } from './training-setup.ts'
import type { TrainingExtras } from './training-types.ts'

/** What a training would take. */
export interface TrainingPlan extends Pick<SolverFigures, 'shards' | 'steps' | 'passes' | 'dispatches'> {
  options: ResolvedOptions
  users: number
  items: number
  entries: { train: number; validation: number }
  /**
   * Bytes of buffers on the GPU by what they are for, the most that they are together, and the least that would do, where
   * entries are streamed.
   */
  gpuBytes: Record<BufferKind | 'total' | 'least', number>
  /** Whether the entries are streamed in each epoch, since `memory` has no room for all of them. */
  streamed: boolean
  /** Bytes of arrays on the host. */
  hostBytes: HostBytes
  /** Of an epoch, by a calibration on this GPU; undefined without one. */
  secondsPerEpoch: number | undefined
}

export interface PlanOptions extends TrainOptions, Omit<TrainingExtras, 'resume' | 'reopen'> {
  /** Whether epochs of samples are timed on the GPU, which takes some seconds. Default true. */
  calibrate?: boolean | undefined
}

/**
 * What `fit` with these options would take, before it does: memory, how the work is cut, and the time of an epoch.
 * @throws OptionError, InputError as a training would; LimitExceededError for one that does not fit, with what would
 */
export async function planTraining(gpu: Gpu, ratings: Ratings, options: PlanOptions = {}): Promise<TrainingPlan> {
  const { calibrate: calibrates = true, signal, validation, keepSeen, from, resumable, memory, ...own } = options
  const setup = setUp(ratings, own, { validation, from })
  const shape = shapeOf(setup)
  const bytes = bytesOf(memory)
  const needed = checkMemory(shape, setup.options, gpu.capabilities, { resumable, bytes })
  const { shards, steps, passes, dispatches, least, stepBytes } = needed
  const { entryBytes, pieceByPiece } = roomIn(needed, bytes ?? Number.POSITIVE_INFINITY)
  const held = {
    ...needed.bytes,
    entries: Math.min(entryBytes, needed.bytes.entries),
    ...(pieceByPiece ? { validation: needed.validationPiece } : {}),
  }
  // The fused solver alone packs on several threads.
  const threads =
    (steps.kind === 'strata' ? threadsBytes(gpu.threads, setup.train.length) : 0) +
    drawingBytes(gpu.threads, setup.options.factors * (setup.train.userCount + setup.train.itemCount))
  const packingBytes = needed.packingBytes + threads
  const total = Object.values(held).reduce((sum, part) => sum + part, 0)
  const streamed = entryBytes < needed.bytes.entries ? { entryBytes, leastBytes: 2 * stepBytes } : undefined
  return {
    options: setup.options,
    users: setup.train.userCount,
    items: setup.train.itemCount,
    entries: { train: setup.train.length, validation: setup.validation?.length ?? 0 },
    gpuBytes: { ...held, total, least },
    streamed: streamed !== undefined,
    hostBytes: hostBytesOf(ratings, setup, { packingBytes }, { keepSeen }),
    shards,
    steps,
    passes,
    dispatches,
    secondsPerEpoch: calibrates ? await calibrate(gpu, setup, { resumable, streamed, signal }) : undefined,
  }
}

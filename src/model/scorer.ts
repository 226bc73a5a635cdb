import type { Ratings } from '../data/ratings.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { errorSums, errorSumsSpan } from '../kernels/error_sums.ts'
import { errors, errorsSpan } from '../kernels/errors.ts'
import { predictions } from '../kernels/predictions.ts'
import { factorBlocks, lanesFor, scoreWorkgroups } from '../kernels/shared.ts'
import { packEntries } from '../layout/padding.ts'
import { PairScores, ShardGroups, scoringBuffers } from './pair-scores.ts'
import { PairSums } from './sums.ts'
import { type FactorTables, type ModelScale, packModel } from './tables.ts'

/** Root of the mean squared error, and mean absolute error, in units of the ratings. */
export interface RatingErrors {
  rmse: number
  mae: number
}

/** Entries in one upload at most: 24 MiB of entries, far below any device's binding limit. */
export const pieceLength = 2 * 2 ** 20

/** Bytes of an entry on its way to the GPU. */
export const entryBytes = 12

/** Scores tables on the GPU: errors over ratings, predictions of pairs. */
export class Scorer {
  readonly #gpu: Gpu
  readonly #tables: FactorTables
  readonly #scale: ModelScale
  readonly #buffers: BufferOwner
  readonly #lanes: number
  readonly #pieceLength: number
  /** `override` constants of `errors` and `predictions`. */
  readonly #constants: Record<string, number>
  #modelBuffer: GPUBuffer | undefined
  #groups: ShardGroups | undefined

  constructor(gpu: Gpu, tables: FactorTables, scale: ModelScale) {
    this.#gpu = gpu
    this.#tables = tables
    this.#scale = scale
    this.#buffers = gpu.buffers()
    this.#lanes = lanesFor(tables.shape.factors, gpu.capabilities.adapter)
    this.#pieceLength = Math.min(pieceLength, this.#buffers.mostRows('entries', entryBytes))
    this.#constants = {
      ...predictionConstants(tables.shape.factors, this.#lanes, scale.link),
      CLIP: Number(scale.clip),
    }
  }

  /**
   * Measures errors over ratings again and again. Unknown users and items are allowed.
   * @param pieceByPiece whether no more than a piece of many ratings lies on the GPU at once, and goes there each time;
   *   otherwise they are uploaded once
   */
  async prepareErrors(ratings: Ratings, { pieceByPiece = false } = {}): Promise<ErrorMeter> {
    const buffers = this.#gpu.buffers()
    try {
      const measures: MeasurePiece[] = []
      const single = ratings.length <= this.#pieceLength
      for (let start = 0; start < ratings.length; start += this.#pieceLength) {
        const entries = slice(ratings, start, Math.min(ratings.length, start + this.#pieceLength))
        if (pieceByPiece && !single) {
          measures.push(() => this.#measureOnce(entries))
          continue
        }
        const piece = await this.#piece(buffers, entries)
        measures.push(() => measure(this.#gpu, piece))
      }
      await this.#gpu.settle(buffers)
      return new ErrorMeter(buffers, measures, ratings.length)
    } catch (error) {
      buffers.destroy()
      throw error
    }
  }

  async #measureOnce(entries: EntrySlice): Promise<PieceSums> {
    const buffers = this.#gpu.buffers()
    try {
      const piece = await this.#piece(buffers, entries)
      await this.#gpu.settle(buffers)
      return await measure(this.#gpu, piece)
    } finally {
      buffers.destroy()
    }
  }

  #piece(buffers: BufferOwner, entries: EntrySlice): Promise<MeterPiece> {
    return this.#isWhole ? this.#wholePiece(buffers, entries) : this.#shardedPiece(buffers, entries)
  }

  get #isWhole(): boolean {
    const { users, items } = this.#tables
    return users.shards.length * items.shards.length === 1
  }

  async #wholePiece(buffers: BufferOwner, entries: EntrySlice): Promise<MeterPiece> {
    const { length } = entries[0]
    const pipeline = await this.#gpu.pipeline(errors, this.#constants)
    const workgroups = scoreWorkgroups(length, this.#lanes)
    const packed = buffers.upload('entries to evaluate', packEntries(...entries))
    const sums = await PairSums.create(this.#gpu, buffers, 'errors', workgroups)
    const bound = [
      pipeline.bind(0, scoringBuffers(this.#tables, this.#model())),
      pipeline.bind(1, {
        entries: packed,
        partials: sums.pairs,
        span: buffers.uniform('errors span', errorsSpan.pack({ entry_count: length })),
      }),
    ]
    return {
      sums,
      encode: pass => {
        pipeline.dispatch(pass, bound, workgroups)
        sums.encode(pass)
      },
    }
  }

  /** Predictions first, shard by shard; then their errors, in the order of the entries, whatever the shards. */
  async #shardedPiece(buffers: BufferOwner, [users, items, values]: EntrySlice): Promise<MeterPiece> {
    const { length } = users
    const scores = await this.#pairScores(buffers, users, items)
    const pipeline = await this.#gpu.pipeline(errorSums, { LANES: this.#lanes })
    const workgroups = scoreWorkgroups(length, this.#lanes)
    const told = {
      places: buffers.upload('places of predictions', scores.places),
      values: buffers.upload('values to evaluate', Float32Array.from(values)),
    }
    const sums = await PairSums.create(this.#gpu, buffers, 'errors', workgroups)
    const group = pipeline.bind(0, {
      predicted: scores.predicted,
      ...told,
      partials: sums.pairs,
      span: buffers.uniform('errors span', errorSumsSpan.pack({ entry_count: length })),
    })
    return {
      sums,
      encode: pass => {
        scores.encode(pass)
        pipeline.dispatch(pass, [group], workgroups)
        sums.encode(pass)
      },
    }
  }

  #model(): GPUBuffer {
    this.#modelBuffer ??= this.#buffers.uniform('model', packModel(this.#tables.shape, this.#scale))
    return this.#modelBuffer
  }

  async #pairScores(buffers: BufferOwner, users: Uint32Array, items: Uint32Array): Promise<PairScores> {
    const pipeline = await this.#gpu.pipeline(predictions, this.#constants)
    this.#groups ??= new ShardGroups(this.#buffers, this.#tables, this.#scale, pipeline)
    return await PairScores.create(this.#gpu, buffers, {
      pipeline,
      tables: this.#tables,
      groups: this.#groups,
      lanes: this.#lanes,
      users,
      items,
    })
  }

  /** RMSE and MAE over ratings; NaN over none. */
  async errors(ratings: Ratings): Promise<RatingErrors> {
    const meter = await this.prepareErrors(ratings, { pieceByPiece: true })
    try {
      return await meter.measure()
    } finally {
      meter.destroy()
    }
  }

  /** r_hat of each pair of dense indices, clipped where the model clips. */
  async predictions(users: Uint32Array, items: Uint32Array): Promise<Float32Array<ArrayBuffer>> {
    const result = new Float32Array(users.length)
    for (let start = 0; start < users.length; start += this.#pieceLength) {
      const end = Math.min(users.length, start + this.#pieceLength)
      const buffers = this.#gpu.buffers()
      try {
        const scores = await this.#pairScores(buffers, users.subarray(start, end), items.subarray(start, end))
        await this.#gpu.checked('predictions', () => {
          const encoder = this.#gpu.device.createCommandEncoder({ label: 'predictions' })
          const pass = encoder.beginComputePass({ label: 'predictions' })
          scores.encode(pass)
          pass.end()
          this.#gpu.device.queue.submit([encoder.finish()])
        })
        await this.#gpu.settle(buffers)
        const predicted = new Float32Array(await this.#gpu.read(scores.predicted, 4 * (end - start)))
        scores.places.forEach((place, at) => {
          result[start + at] = predicted[place]!
        })
      } finally {
        buffers.destroy()
      }
    }
    return result
  }

  /** Frees what the scorer holds; the tables stay. */
  destroy(): void {
    this.#buffers.destroy()
  }
}

interface MeterPiece {
  sums: PairSums
  encode(pass: GPUComputePassEncoder): void
}

/** Sums of squared and of absolute errors. */
type PieceSums = [squared: number, absolute: number]

type MeasurePiece = () => Promise<PieceSums>

async function measure(gpu: Gpu, piece: MeterPiece): Promise<PieceSums> {
  await gpu.checked('errors', () => {
    const encoder = gpu.device.createCommandEncoder({ label: 'errors' })
    const pass = encoder.beginComputePass({ label: 'errors' })
    piece.encode(pass)
    pass.end()
    gpu.device.queue.submit([encoder.finish()])
  })
  return await piece.sums.read()
}

/** Measures errors over ratings, piece after piece. */
export class ErrorMeter {
  readonly #buffers: BufferOwner
  readonly #pieces: readonly MeasurePiece[]
  readonly #length: number

  constructor(buffers: BufferOwner, pieces: readonly MeasurePiece[], length: number) {
    this.#buffers = buffers
    this.#pieces = pieces
    this.#length = length
  }

  /** RMSE and MAE of the tables as they are now; NaN over no ratings. */
  async measure(): Promise<RatingErrors> {
    let squares = 0
    let absolutes = 0
    for (const measurePiece of this.#pieces) {
      const [squared, absolute] = await measurePiece()
      squares += squared
      absolutes += absolute
    }
    return { rmse: Math.sqrt(squares / this.#length), mae: absolutes / this.#length }
  }

  destroy(): void {
    this.#buffers.destroy()
  }
}

/** The `override` constants of the kernels that predict: those that score, and the link. */
export function predictionConstants(factors: number, lanes: number, link: ModelScale['link']) {
  return { ...scoreConstants(factors, lanes), BOUNDED: Number(link === 'bounded') }
}

function scoreConstants(factors: number, lanes: number) {
  return { FACTOR_BLOCKS: factorBlocks(factors), LANES: lanes }
}

type EntrySlice = [users: Uint32Array, items: Uint32Array, values: Float32Array]

function slice(ratings: Ratings, start: number, end: number): EntrySlice {
  return [ratings.users.subarray(start, end), ratings.items.subarray(start, end), ratings.values.subarray(start, end)]
}

import type { Ratings } from '../data/ratings.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { errors, errorsSpan } from '../kernels/errors.ts'
import { predictions, predictionsSpan } from '../kernels/predictions.ts'
import { factorBlocks, lanesFor, scoreWorkgroups } from '../kernels/shared.ts'
import { packEntries, packPairs } from '../layout/padding.ts'
import { PairSums } from './sums.ts'
import { type FactorTables, type ModelScale, packModel } from './tables.ts'

/** Root of the mean squared error, and mean absolute error, in units of the ratings. */
export interface RatingErrors {
  rmse: number
  mae: number
}

/** Entries in one upload at most: 24 MiB of entries, far below any device's binding limit. */
const pieceLength = 2 * 2 ** 20

/** Scores tables on the GPU: errors over ratings, predictions of pairs. */
export class Scorer {
  readonly #gpu: Gpu
  readonly #tables: FactorTables
  readonly #model: GPUBuffer
  readonly #buffers: BufferOwner
  readonly #lanes: number
  /** `override` constants of `errors` and `predictions`. */
  readonly #constants: Record<string, number>

  constructor(gpu: Gpu, tables: FactorTables, scale: ModelScale) {
    this.#gpu = gpu
    this.#tables = tables
    this.#buffers = gpu.buffers()
    this.#model = this.#buffers.uniform('model', packModel(tables.shape, scale))
    this.#lanes = lanesFor(tables.shape.factors, gpu.capabilities.adapter)
    this.#constants = {
      ...predictionConstants(tables.shape.factors, this.#lanes, scale.link),
      CLIP: Number(scale.clip),
    }
  }

  /** Uploads ratings once, to measure errors over them again and again. Unknown users and items are allowed. */
  async prepareErrors(ratings: Ratings): Promise<ErrorMeter> {
    const pipeline = await this.#gpu.pipeline(errors, this.#constants)
    const buffers = this.#gpu.buffers()
    try {
      const group0 = pipeline.bind(0, scoringBuffers(this.#tables, this.#model))
      const pieces: MeterPiece[] = []
      for (let start = 0; start < ratings.length; start += pieceLength) {
        const end = Math.min(ratings.length, start + pieceLength)
        const workgroups = scoreWorkgroups(end - start, this.#lanes)
        const sums = await PairSums.create(this.#gpu, buffers, 'errors', workgroups)
        const group1 = pipeline.bind(1, {
          entries: buffers.upload('entries to evaluate', packEntries(...slice(ratings, start, end))),
          partials: sums.pairs,
          span: buffers.uniform('errors span', errorsSpan.pack({ entry_count: end - start })),
        })
        pieces.push({
          sums,
          encode: pass => {
            pipeline.dispatch(pass, [group0, group1], workgroups)
            sums.encode(pass)
          },
        })
      }
      await this.#gpu.settle(buffers)
      return new ErrorMeter(this.#gpu, buffers, pieces, ratings.length)
    } catch (error) {
      buffers.destroy()
      throw error
    }
  }

  /** RMSE and MAE over ratings; NaN over none. */
  async errors(ratings: Ratings): Promise<RatingErrors> {
    const meter = await this.prepareErrors(ratings)
    try {
      return await meter.measure()
    } finally {
      meter.destroy()
    }
  }

  /** r_hat of each pair of dense indices, clipped where the model clips. */
  async predictions(users: Uint32Array, items: Uint32Array): Promise<Float32Array<ArrayBuffer>> {
    const pipeline = await this.#gpu.pipeline(predictions, this.#constants)
    const group0 = pipeline.bind(0, scoringBuffers(this.#tables, this.#model))
    const result = new Float32Array(users.length)
    for (let start = 0; start < users.length; start += pieceLength) {
      const end = Math.min(users.length, start + pieceLength)
      const pairs = packPairs(users.subarray(start, end), items.subarray(start, end))
      result.set(
        await this.#compute('predictions', 4 * (end - start), buffers => {
          const predicted = buffers.storage('predicted', 4 * (end - start))
          const span = buffers.uniform('predictions span', predictionsSpan.pack({ pair_count: end - start }))
          const group1 = pipeline.bind(1, { pairs: buffers.upload('pairs', pairs), predicted, span })
          const workgroups = scoreWorkgroups(end - start, this.#lanes)
          return { result: predicted, encode: pass => pipeline.dispatch(pass, [group0, group1], workgroups) }
        }),
        start,
      )
    }
    return result
  }

  /** Frees what the scorer holds; the tables stay. */
  destroy(): void {
    this.#buffers.destroy()
  }

  async #compute(
    what: string,
    bytes: number,
    prepare: (buffers: BufferOwner) => { result: GPUBuffer; encode: (pass: GPUComputePassEncoder) => void },
  ): Promise<Float32Array<ArrayBuffer>> {
    const buffers = this.#gpu.buffers()
    try {
      const result = await this.#gpu.checked(what, () => {
        const work = prepare(buffers)
        const encoder = this.#gpu.device.createCommandEncoder({ label: what })
        const pass = encoder.beginComputePass({ label: what })
        work.encode(pass)
        pass.end()
        this.#gpu.device.queue.submit([encoder.finish()])
        return work.result
      })
      await this.#gpu.settle(buffers)
      return new Float32Array(await this.#gpu.read(result, bytes))
    } finally {
      buffers.destroy()
    }
  }
}

interface MeterPiece {
  sums: PairSums
  encode(pass: GPUComputePassEncoder): void
}

/** Measures errors over ratings that lie on the GPU. */
export class ErrorMeter {
  readonly #gpu: Gpu
  readonly #buffers: BufferOwner
  readonly #pieces: readonly MeterPiece[]
  readonly #length: number

  constructor(gpu: Gpu, buffers: BufferOwner, pieces: readonly MeterPiece[], length: number) {
    this.#gpu = gpu
    this.#buffers = buffers
    this.#pieces = pieces
    this.#length = length
  }

  /** RMSE and MAE of the tables as they are now; NaN over no ratings. */
  async measure(): Promise<RatingErrors> {
    let squares = 0
    let absolutes = 0
    for (const piece of this.#pieces) {
      await this.#gpu.checked('errors', () => {
        const encoder = this.#gpu.device.createCommandEncoder({ label: 'errors' })
        const pass = encoder.beginComputePass({ label: 'errors' })
        piece.encode(pass)
        pass.end()
        this.#gpu.device.queue.submit([encoder.finish()])
      })
      const [squared, absolute] = await piece.sums.read()
      squares += squared
      absolutes += absolute
    }
    return { rmse: Math.sqrt(squares / this.#length), mae: absolutes / this.#length }
  }

  destroy(): void {
    this.#buffers.destroy()
  }
}

/** The buffers of bind group 0 of the kernels that score. */
export function scoringBuffers(tables: FactorTables, model: GPUBuffer) {
  return {
    user_factors: tables.userFactors,
    item_factors: tables.itemFactors,
    user_bias: tables.userBias,
    item_bias: tables.itemBias,
    model,
  }
}

/** The `override` constants of the kernels that predict: those that score, and the link. */
export function predictionConstants(factors: number, lanes: number, link: ModelScale['link']) {
  return { ...scoreConstants(factors, lanes), BOUNDED: Number(link === 'bounded') }
}

function scoreConstants(factors: number, lanes: number) {
  return { FACTOR_BLOCKS: factorBlocks(factors), LANES: lanes }
}

function slice(ratings: Ratings, start: number, end: number): [Uint32Array, Uint32Array, Float32Array] {
  return [ratings.users.subarray(start, end), ratings.items.subarray(start, end), ratings.values.subarray(start, end)]
}

import { type IdTable, type RawId, UNKNOWN } from '../data/ids.ts'
import type { Ratings } from '../data/ratings.ts'
import type { SeenItems } from '../data/seen.ts'
import { GpuUnavailableError, InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { deniedRows } from './denied.ts'
import { decodeModel, encodeModel } from './file.ts'
import type { ModelParts } from './parts.ts'
import { predictionOf, scoreOf } from './predict.ts'
import type { PositiveRanks } from './rank-counts.ts'
import { type RankedBlock, Ranker, type RankingMask, type RankOptions } from './ranker.ts'
import { type RatingErrors, Scorer } from './scorer.ts'
import { type SimilarityMeasure, similarRows } from './similar.ts'
import { FactorTables } from './tables.ts'

export interface Recommendation {
  item: RawId
  /** Predicted rating; the order is that of the unclipped scores. */
  prediction: number
}

export interface RecommendOptions {
  /** Items asked for; fewer come back where fewer are left. Default 10. */
  k?: number | undefined
  /** Items to leave out, beside those seen. */
  exclude?: Iterable<RawId> | undefined
  /** Only these items may appear; ids that the model does not know are passed over. */
  include?: Iterable<RawId> | undefined
  /** Whether items of the user's training entries may appear. Default false. */
  includeSeen?: boolean | undefined
  signal?: AbortSignal | undefined
}

export interface SimilarOptions {
  /** Default 10. */
  k?: number | undefined
  /** Default cosine. */
  measure?: SimilarityMeasure | undefined
  /** Ids to leave out, beside the one asked about. */
  exclude?: Iterable<RawId> | undefined
  /** Only these ids may appear; those that the model does not know are passed over. */
  include?: Iterable<RawId> | undefined
}

export interface Similar {
  id: RawId
  similarity: number
}

export interface Evaluation extends RatingErrors {
  /** Entries, and those among them whose user or item the model does not know. */
  entries: number
  unknownUsers: number
  unknownItems: number
}

/** A trained model. Predictions of single pairs need no GPU; everything in bulk runs on the one given. */
export class Model {
  readonly parts: Readonly<ModelParts>
  readonly #gpu: Gpu | undefined
  #uploading: Promise<Uploaded> | undefined
  #uploaded: Uploaded | undefined

  constructor(parts: ModelParts, gpu?: Gpu) {
    this.parts = parts
    this.#gpu = gpu
  }

  /**
   * A model from the bytes of a model file.
   * @param file its name, for errors
   * @throws InputError where the bytes are damaged or no model
   */
  static decode(bytes: Uint8Array, gpu?: Gpu, file?: string): Model {
    return new Model(decodeModel(bytes, file), gpu)
  }

  /** The bytes of a model file (safetensors), in pieces. The same model always gives the same bytes. */
  encode(): Uint8Array[] {
    return encodeModel(this.parts)
  }

  get userCount(): number {
    return this.parts.userIds.size
  }

  get itemCount(): number {
    return this.parts.itemIds.size
  }

  /**
   * Predicted rating of an item by a user, both by raw id. Unknown ones are predicted from what is known: the mean and
   * the other side's bias.
   */
  predict(user: RawId, item: RawId): number {
    const { parts } = this
    return predictionOf(parts, scoreOf(parts, parts.userIds.indexOf(user), parts.itemIds.indexOf(item)))
  }

  /** Predictions of pairs of raw ids, on the GPU. */
  async predictMany(users: ArrayLike<RawId>, items: ArrayLike<RawId>): Promise<Float32Array> {
    if (users.length !== items.length)
      throw new InputError(`${users.length} users do not pair with ${items.length} items`)
    const { userIds, itemIds } = this.parts
    const { scorer } = await this.#prepare()
    return await scorer.predictions(
      Uint32Array.from(users, user => userIds.indexOf(user)),
      Uint32Array.from(items, item => itemIds.indexOf(item)),
    )
  }

  /** RMSE and MAE over ratings, on the GPU; ids are matched by their raw values. */
  async evaluate(ratings: Ratings): Promise<Evaluation> {
    const aligned = ratings.alignTo(this.parts.userIds, this.parts.itemIds)
    const { scorer } = await this.#prepare()
    return {
      ...(await scorer.errors(aligned)),
      entries: ratings.length,
      unknownUsers: count(aligned.users, UNKNOWN),
      unknownItems: count(aligned.items, UNKNOWN),
    }
  }

  /**
   * The items with the highest scores for a user, best first, ties by item index; by default without the user's
   * training items.
   * @throws InputError for a user that the model does not know
   */
  async recommend(user: RawId, options: RecommendOptions = {}): Promise<Recommendation[]> {
    for await (const { items } of this.recommendMany([user], options)) return items
    return []
  }

  /** `recommend` for many users, in their order, a block of users at a time. */
  async *recommendMany(
    users: ArrayLike<RawId>,
    options: RecommendOptions = {},
  ): AsyncGenerator<{ user: RawId; items: Recommendation[] }, void, undefined> {
    const { userIds, itemIds } = this.parts
    const k = checkedK(options.k ?? 10)
    const rows = Uint32Array.from(users, user => this.#known('user', userIds, user))
    const denied = deniedRows(itemIds, options)
    const seen = options.includeSeen ? nothingSeen(userIds.size) : undefined
    for await (const block of this.rankUsers(rows, { k, seen, denied, signal: options.signal })) {
      for (const [place, row] of block.users.entries()) {
        const start = place * block.k
        const items = Array.from({ length: block.counts[place]! }, (_, at) => ({
          item: itemIds.at(block.items[start + at]!),
          prediction: predictionOf(this.parts, block.scores[start + at]!),
        }))
        yield { user: userIds.at(row), items }
      }
    }
  }

  /**
   * The best items of each user, by dense indices, in the order of `users`, a block at a time.
   * @throws InputError for a user that is none, or a score that is not a number
   */
  async *rankUsers(users: Uint32Array, options: RankOptions): AsyncGenerator<RankedBlock, void, undefined> {
    checkedK(options.k)
    const ranker = (await this.#prepare()).ranker
    yield* ranker.rank(users, { ...options, seen: options.seen ?? this.parts.seen })
  }

  /**
   * How many of the items that a user is ranked against have a higher score than each of its positives, and how many the
   * same: what the area under the ROC curve takes.
   * @param positives of each user by its position in `users`: offsets, and items strictly ascending
   */
  async rankPositives(users: Uint32Array, positives: SeenItems, options: RankingMask = {}): Promise<PositiveRanks> {
    const ranker = (await this.#prepare()).ranker
    return await ranker.positives(users, positives, { ...options, seen: options.seen ?? this.parts.seen })
  }

  /**
   * The items whose factors are most like an item's, best first, ties by item index.
   * @throws InputError for an item that the model does not know
   */
  similarItems(item: RawId, options: SimilarOptions = {}): Similar[] {
    return this.#similar('item', item, options)
  }

  /**
   * The users whose factors are most like a user's, best first, ties by user index.
   * @throws InputError for a user that the model does not know
   */
  similarUsers(user: RawId, options: SimilarOptions = {}): Similar[] {
    return this.#similar('user', user, options)
  }

  /** Frees what the model holds on the GPU. */
  destroy(): void {
    this.#uploaded?.destroy()
    this.#uploaded = undefined
    this.#uploading = undefined
  }

  #similar(side: 'user' | 'item', id: RawId, options: SimilarOptions): Similar[] {
    const { parts } = this
    const [table, ids] = side === 'user' ? [parts.userFactors, parts.userIds] : [parts.itemFactors, parts.itemIds]
    const row = this.#known(side, ids, id)
    const { measure = 'cosine' } = options
    if (measure !== 'cosine' && measure !== 'dot') {
      throw new InputError(`"measure" must be cosine or dot, not ${String(measure)}`)
    }
    const denied = deniedRows(ids, options)
    const best = similarRows(table, parts.factors, row, {
      k: checkedK(options.k ?? 10),
      measure,
      allowed: other => denied?.[other] !== 1,
    })
    return best.map(({ row: other, similarity }) => ({ id: ids.at(other), similarity }))
  }

  #known(side: 'user' | 'item', ids: IdTable, id: RawId): number {
    const index = ids.indexOf(id)
    if (index === UNKNOWN) throw new InputError(`the model does not know the ${side} ${JSON.stringify(id)}`)
    return index
  }

  /** What runs on the GPU, uploaded once however many ask for it at a time. */
  async #prepare(): Promise<Uploaded> {
    if (this.#gpu === undefined) {
      throw new GpuUnavailableError('this model was loaded without a GPU', 'Give one to Model.decode, or call predict.')
    }
    this.#uploading ??= this.#upload(this.#gpu)
    return await this.#uploading
  }

  async #upload(gpu: Gpu): Promise<Uploaded> {
    try {
      const uploaded = await upload(gpu, this.parts)
      this.#uploaded = uploaded
      return uploaded
    } catch (error) {
      this.#uploading = undefined
      throw error
    }
  }
}

interface Uploaded {
  scorer: Scorer
  ranker: Ranker
  destroy(): void
}

async function upload(gpu: Gpu, parts: ModelParts): Promise<Uploaded> {
  const { userFactors, itemFactors, userIds, itemIds, factors } = parts
  const buffers = gpu.buffers()
  let tables: FactorTables
  try {
    tables = new FactorTables(buffers, { users: userIds.size, items: itemIds.size, factors })
    await gpu.settle(buffers)
  } catch (error) {
    buffers.destroy()
    throw error
  }
  tables.write(gpu, {
    userFactors,
    itemFactors,
    userBias: parts.userBias ?? new Float32Array(userIds.size),
    itemBias: parts.itemBias ?? new Float32Array(itemIds.size),
  })
  const scorer = new Scorer(gpu, tables, parts)
  return {
    scorer,
    ranker: new Ranker(gpu, tables, parts),
    destroy() {
      scorer.destroy()
      buffers.destroy()
    },
  }
}

function count(list: Uint32Array, wanted: number): number {
  let found = 0
  for (let at = 0; at < list.length; at++) if (list[at] === wanted) found++
  return found
}

export function checkedK(k: number): number {
  if (!Number.isInteger(k) || k < 1) throw new InputError(`"k" must be a positive integer, not ${k}`)
  return k
}

const nothingSeen = (users: number): SeenItems => ({ offsets: new Uint32Array(users + 1), items: new Uint32Array(0) })

import { type RawId, UNKNOWN } from '../data/ids.ts'
import type { Ratings } from '../data/ratings.ts'
import { GpuUnavailableError, InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { decodeModel, encodeModel } from './file.ts'
import type { ModelParts } from './parts.ts'
import { type RatingErrors, Scorer } from './scorer.ts'
import { FactorTables } from './tables.ts'
import { topK } from './top-k.ts'

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
  /** Whether items of the user's training entries may appear. Default false. */
  includeSeen?: boolean | undefined
}

export interface Evaluation extends RatingErrors {
  /** Entries, and those among them whose user or item the model does not know. */
  entries: number
  unknownUsers: number
  unknownItems: number
}

/** Scores that a block of users takes on the GPU at most: 64 MiB. */
const blockScores = 16 * 2 ** 20

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
    return this.#predictionOf(scoreOf(parts, parts.userIds.indexOf(user), parts.itemIds.indexOf(item)))
  }

  /** Predictions of pairs of raw ids, on the GPU. */
  async predictMany(users: ArrayLike<RawId>, items: ArrayLike<RawId>): Promise<Float32Array> {
    if (users.length !== items.length)
      throw new InputError(`${users.length} users do not pair with ${items.length} items`)
    const { userIds, itemIds } = this.parts
    const scorer = await this.#prepare()
    return await scorer.predictions(
      Uint32Array.from(users, user => userIds.indexOf(user)),
      Uint32Array.from(items, item => itemIds.indexOf(item)),
    )
  }

  /** RMSE and MAE over ratings, on the GPU; ids are matched by their raw values. */
  async evaluate(ratings: Ratings): Promise<Evaluation> {
    const aligned = ratings.alignTo(this.parts.userIds, this.parts.itemIds)
    const scorer = await this.#prepare()
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
    const k = options.k ?? 10
    if (!Number.isInteger(k) || k < 1) throw new InputError(`"k" must be a positive integer, not ${k}`)
    const rows = Uint32Array.from(users, user => this.#knownUser(user))
    const excluded = Uint8Array.from({ length: itemIds.size }, () => 0)
    for (const item of options.exclude ?? []) {
      const index = itemIds.indexOf(item)
      if (index !== UNKNOWN) excluded[index] = 1
    }
    const scorer = await this.#prepare()
    const block = Math.max(1, Math.floor(blockScores / itemIds.size))
    for (let start = 0; start < rows.length; start += block) {
      const blockRows = rows.slice(start, start + block)
      const scores = await scorer.scores(blockRows)
      for (const [place, row] of blockRows.entries()) {
        const own = scores.subarray(place * itemIds.size, (place + 1) * itemIds.size)
        const seen = options.includeSeen ? new Set() : this.#seenBy(row)
        const best = topK(own, k, item => excluded[item] === 0 && !seen.has(item))
        const items = Array.from(best, item => ({ item: itemIds.at(item), prediction: this.#predictionOf(own[item]!) }))
        yield { user: userIds.at(row), items }
      }
    }
  }

  /** Frees what the model holds on the GPU. */
  destroy(): void {
    this.#uploaded?.destroy()
    this.#uploaded = undefined
    this.#uploading = undefined
  }

  #knownUser(user: RawId): number {
    const index = this.parts.userIds.indexOf(user)
    if (index === UNKNOWN) throw new InputError(`the model does not know the user ${JSON.stringify(user)}`)
    return index
  }

  #seenBy(user: number): Set<number> {
    const { seen } = this.parts
    return new Set(seen?.items.subarray(seen.offsets[user]!, seen.offsets[user + 1]!))
  }

  #predictionOf(score: number): number {
    const { link, range, clip } = this.parts
    const value = link === 'bounded' ? range.min + (range.max - range.min) / (1 + Math.exp(-score)) : score
    return clip ? Math.min(range.max, Math.max(range.min, value)) : value
  }

  /** The scorer, uploaded once however many ask for it at a time. */
  async #prepare(): Promise<Scorer> {
    if (this.#gpu === undefined) {
      throw new GpuUnavailableError('this model was loaded without a GPU', 'Give one to Model.decode, or call predict.')
    }
    this.#uploading ??= this.#upload(this.#gpu)
    return (await this.#uploading).scorer
  }

  async #upload(gpu: Gpu): Promise<Uploaded> {
    try {
      const uploaded = await uploadScorer(gpu, this.parts)
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
  destroy(): void
}

async function uploadScorer(gpu: Gpu, parts: ModelParts): Promise<Uploaded> {
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
    destroy() {
      scorer.destroy()
      buffers.destroy()
    },
  }
}

/** score = mu + b_u + b_i + p_u . q_i, in double precision, from what is known of the pair. */
function scoreOf(parts: ModelParts, user: number, item: number): number {
  const { factors, userFactors, itemFactors, userBias, itemBias } = parts
  let score = parts.mean
  if (user !== UNKNOWN) score += userBias?.[user] ?? 0
  if (item !== UNKNOWN) score += itemBias?.[item] ?? 0
  if (user === UNKNOWN || item === UNKNOWN) return score
  for (let j = 0; j < factors; j++) score += userFactors[user * factors + j]! * itemFactors[item * factors + j]!
  return score
}

function count(list: Uint32Array, wanted: number): number {
  let found = 0
  for (const value of list) if (value === wanted) found++
  return found
}

import { mergeDuplicates } from '../data/duplicates.ts'
import { IdTable, type RawId, UNKNOWN } from '../data/ids.ts'
import { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { deniedRows } from '../model/denied.ts'
import { checkedK, type Model, type Recommendation, type RecommendOptions } from '../model/model.ts'
import type { ModelParts } from '../model/parts.ts'
import { predictionOf } from '../model/predict.ts'
import { Ranker } from '../model/ranker.ts'
import { FactorTables } from '../model/tables.ts'
import { RowSolver } from '../solvers/solve-rows.ts'
import { checkFoldIn, type FoldInOptions } from './fold-in.ts'
import { foldInSettings } from './fold-in-settings.ts'
import { implicitOptions, type ResolvedOptions } from './options.ts'
import { rankRows } from './rank-rows.ts'

export type NewUserOptions = Omit<FoldInOptions, 'side' | 'signal'>

/** The row of the new user, found anew for each set of entries. */
interface Row {
  tables: FactorTables
  /** Leaves the row of the entries in the tables. */
  find(entries: Ratings, signal: AbortSignal | undefined): Promise<void>
  destroy(): void
}

const nobody = { offsets: new Uint32Array(2), items: new Uint32Array(0) }

/**
 * Recommendations for one user whom a model has not seen and whose entries change from call to call, as those of somebody
 * who rates in a page: what `foldIn` and `recommend` give, fast, because the items lie on the GPU once. Holds them there,
 * beside those of the model, until `destroy`; the model's users are not needed.
 */
export class NewUser {
  readonly #parts: ModelParts
  readonly #row: Row
  readonly #ranker: Ranker
  /** Calls share the row: one after another. */
  #before: Promise<unknown> = Promise.resolve()

  private constructor(gpu: Gpu, parts: ModelParts, row: Row) {
    this.#parts = parts
    this.#row = row
    this.#ranker = new Ranker(gpu, row.tables, { mean: parts.mean, userIds: newId, itemIds: parts.itemIds })
  }

  /** @throws OptionError, InputError where the model's options are none, GPU errors */
  static async create(gpu: Gpu, model: Model, options: NewUserOptions = {}): Promise<NewUser> {
    checkFoldIn(model, options)
    const settings = foldInSettings(model.parts, options)
    const parts = { ...model.parts, seen: settings.model === 'bpr' ? model.parts.seen : undefined }
    const row = settings.model === 'bpr' ? await rankedRow(gpu, parts, settings) : await solvedRow(gpu, parts, settings)
    return new NewUser(gpu, parts, row)
  }

  /**
   * The items with the highest scores for a user with these entries, best first, ties by item index. Items of the entries
   * are left out unless `includeSeen`; those that the model does not know are passed over. Without entries: by what is
   * known of the items alone.
   * @param items raw ids
   * @param values a rating each, in units of the model's; implicit models: 1, or a strength, and -1 for a dislike
   * @throws InputError where lengths differ, a value is not finite, or the entries have no finite solution; GPU errors
   */
  async recommend(
    items: ArrayLike<RawId>,
    values: ArrayLike<number>,
    options: RecommendOptions = {},
  ): Promise<Recommendation[]> {
    const k = checkedK(options.k ?? 10)
    const entries = this.#entriesOf(items, values)
    const denied = this.#denied(entries, options)
    const turn = this.#before.then(() => this.#ranked(entries, { k, denied, signal: options.signal }))
    this.#before = turn.catch(() => {})
    return await turn
  }

  async #ranked(
    entries: Ratings,
    options: { k: number; denied: Uint8Array; signal: AbortSignal | undefined },
  ): Promise<Recommendation[]> {
    await this.#row.find(entries, options.signal)
    for await (const block of this.#ranker.rank(new Uint32Array(1), { ...options, seen: nobody })) {
      return Array.from({ length: block.counts[0]! }, (_, at) => ({
        item: this.#parts.itemIds.at(block.items[at]!),
        prediction: predictionOf(this.#parts, block.scores[at]!),
      }))
    }
    return []
  }

  #entriesOf(items: ArrayLike<RawId>, values: ArrayLike<number>): Ratings {
    if (items.length !== values.length)
      throw new InputError(`${items.length} items do not pair with ${values.length} values`)
    const { itemIds } = this.#parts
    const rows = Array.from(items, item => itemIds.indexOf(item))
    const known = [...rows.keys()].filter(e => rows[e] !== UNKNOWN)
    return new Ratings({
      users: new Uint32Array(known.length),
      items: Uint32Array.from(known, e => rows[e]!),
      values: Float32Array.from(known, e => values[e]!),
      userIds: newId,
      itemIds,
    })
  }

  #denied({ items }: Ratings, options: RecommendOptions): Uint8Array {
    const { itemIds } = this.#parts
    const denied = deniedRows(itemIds, options) ?? new Uint8Array(itemIds.size)
    if (options.includeSeen !== true) for (const item of items) denied[item] = 1
    return denied
  }

  /** Frees what this holds on the GPU. */
  destroy(): void {
    this.#row.destroy()
  }
}

const newId = new IdTable(['new'])

async function solvedRow(gpu: Gpu, parts: ModelParts, settings: ResolvedOptions): Promise<Row> {
  const implicit = implicitOptions(settings)
  const solver = await RowSolver.create(gpu, parts, { ...settings, side: 'users', count: 1, implicit })
  return {
    tables: solver.tables,
    async find(entries, signal) {
      const merged = implicit === undefined ? entries : mergeDuplicates(entries, 'sum')
      const { unsolved } = await solver.solve(merged, signal)
      if (unsolved.length > 0) {
        throw new InputError('the entries of the new user have no finite solution; a larger regularization may help')
      }
    },
    destroy: () => solver.destroy(),
  }
}

async function rankedRow(gpu: Gpu, parts: ModelParts, settings: ResolvedOptions): Promise<Row> {
  const { factors } = parts
  const { tables, destroy } = await itemTables(gpu, parts)
  return {
    tables,
    async find(entries, signal) {
      const found =
        entries.length === 0
          ? new Float32Array(factors)
          : (await rankRows(gpu, parts, entries, 'users', { ...settings, signal })).factors
      tables.users.write(gpu, found, new Float32Array(1))
    },
    destroy,
  }
}

/** The items on the GPU, and one user of zeros. */
async function itemTables(
  gpu: Gpu,
  { factors, itemFactors, itemIds, itemBias }: ModelParts,
): Promise<{ tables: FactorTables; destroy(): void }> {
  const buffers = gpu.buffers()
  try {
    const tables = new FactorTables(buffers, { users: 1, items: itemIds.size, factors })
    await gpu.settle(buffers)
    tables.write(gpu, {
      userFactors: new Float32Array(factors),
      itemFactors,
      userBias: new Float32Array(1),
      itemBias: itemBias ?? new Float32Array(itemIds.size),
    })
    return { tables, destroy: () => buffers.destroy() }
  } catch (error) {
    buffers.destroy()
    throw error
  }
}

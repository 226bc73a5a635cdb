import { foldIn, type Gpu, IdTable, Model, type ModelParts, Ratings } from '../../src/index.ts'
import type { Catalog } from './catalog.ts'
import { absent } from './faults.ts'
import type { FoldInAnswer, FoldInRequest, Recommended } from './messages.ts'
import { valueOfStars } from './stars.ts'
import { listed } from './users.ts'

/** Folds a visitor's stars into a model and ranks its items for them. */
export async function foldInStars(
  gpu: Gpu,
  model: Model,
  catalog: Catalog,
  { ratings, hidden, k }: FoldInRequest,
): Promise<FoldInAnswer> {
  const began = performance.now()
  for (const item of [...ratings.map(({ item }) => item), ...hidden]) {
    if (!Number.isInteger(item) || item < 0 || item >= model.itemCount) throw absent(`The model has no item ${item}.`)
  }
  const toValue = valueOfStars(model)
  const entries = ratings.flatMap(({ item, stars }) => {
    const value = toValue(stars)
    return value === undefined ? [] : [{ item, value }]
  })
  const left = new Set([...ratings.map(({ item }) => item), ...hidden])
  const best =
    entries.length === 0
      ? mostPopular(model, catalog, left, k)
      : await recommended(gpu, model, catalog, entries, left, k)
  return { best, milliseconds: performance.now() - began }
}

async function recommended(
  gpu: Gpu,
  model: Model,
  catalog: Catalog,
  entries: readonly { item: number; value: number }[],
  left: ReadonlySet<number>,
  k: number,
): Promise<Recommended[]> {
  const { itemIds } = model.parts
  const visitor = 'visitor'
  const ratings = new Ratings({
    users: new Uint32Array(entries.length),
    items: Uint32Array.from(entries, ({ item }) => item),
    values: Float32Array.from(entries, ({ value }) => value),
    userIds: new IdTable([visitor]),
    itemIds,
  })
  const { model: folded, added } = await foldIn(gpu, new Model(withoutUsers(model.parts)), ratings)
  if (added.length === 0) throw absent('These ratings have no finite solution in this model.')
  try {
    return listed(catalog, await folded.recommend(visitor, { k, exclude: Array.from(left, item => itemIds.at(item)) }))
  } finally {
    folded.destroy()
  }
}

/** The same items, and nobody who has rated them. */
function withoutUsers(parts: ModelParts): ModelParts {
  return {
    ...parts,
    userIds: new IdTable([]),
    userFactors: new Float32Array(0),
    ...(parts.userBias === undefined ? {} : { userBias: new Float32Array(0) }),
    seen: undefined,
  }
}

/** What is recommended to somebody of whom nothing is known. */
function mostPopular(model: Model, catalog: Catalog, left: ReadonlySet<number>, k: number): Recommended[] {
  const items = [...catalog.byPopularity].filter(item => !left.has(item)).slice(0, k)
  return items.map(item => ({ ...catalog.line(item), prediction: model.predict('', catalog.ids.at(item)) }))
}

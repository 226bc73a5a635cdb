import type { Model } from '../../src/index.ts'
import type { Catalog } from './catalog.ts'
import { absent } from './faults.ts'
import type { HeldModel } from './held-model.ts'
import type { FoldInAnswer, FoldInRequest, Recommended } from './messages.ts'
import { valueOfStars } from './stars.ts'
import { listed } from './users.ts'

/** Folds a visitor's stars into a model and ranks its items for them. */
export async function foldInStars(
  held: HeldModel,
  catalog: Catalog,
  { ratings, hidden, k }: FoldInRequest,
): Promise<FoldInAnswer> {
  const began = performance.now()
  const { model } = held
  // Ratings that the model can make nothing of are ratings still.
  const left = new Set([...ratings.map(({ item }) => item), ...hidden])
  for (const item of left) {
    if (!Number.isInteger(item) || item < 0 || item >= model.itemCount) throw absent(`The model has no item ${item}.`)
  }
  const toValue = valueOfStars(model)
  const entries = ratings.flatMap(({ item, stars }) => {
    const value = toValue(stars)
    return value === undefined ? [] : [{ item, value }]
  })
  const best =
    entries.length === 0 ? mostPopular(model, catalog, left, k) : await recommended(held, catalog, entries, { left, k })
  return { best, milliseconds: performance.now() - began }
}

async function recommended(
  held: HeldModel,
  catalog: Catalog,
  entries: readonly { item: number; value: number }[],
  { left, k }: { left: ReadonlySet<number>; k: number },
): Promise<Recommended[]> {
  const { ids } = catalog
  const visitor = await held.visitor()
  const best = await visitor.recommend(
    entries.map(({ item }) => ids.at(item)),
    entries.map(({ value }) => value),
    { k, exclude: Array.from(left, item => ids.at(item)) },
  )
  return listed(catalog, best)
}

/** What is recommended to somebody of whom nothing is known. */
function mostPopular(model: Model, catalog: Catalog, left: ReadonlySet<number>, k: number): Recommended[] {
  const items = [...catalog.byPopularity].filter(item => !left.has(item)).slice(0, k)
  return items.map(item => ({ ...catalog.line(item), prediction: model.predict('', catalog.ids.at(item)) }))
}

import { type IdTable, type Model, type Ratings, UNKNOWN } from '../../src/index.ts'
import { countsOf } from './data.ts'
import type { ItemLine } from './messages.ts'
import { TitleSearch } from './title-search.ts'
import type { Titles } from './title-table.ts'

/** The items of a model as lists show them: titles, counts, by popularity. */
export class Catalog {
  readonly ids: IdTable
  /** Entries of each item in the data at hand; undefined where there is none. */
  readonly counts: Uint32Array | undefined
  /** All items, the most popular first: by the data at hand, else by the entries of the model's own training. */
  readonly byPopularity: Uint32Array
  readonly #titles: Titles | undefined
  #search: TitleSearch | undefined

  constructor({ parts }: Model, ratings: Ratings | undefined, titles: Titles | undefined) {
    this.ids = parts.itemIds
    this.counts = ratings && itemCounts(this.ids, ratings)
    const popularity = this.counts ?? countsOf(parts.seen?.items ?? new Uint32Array(0), this.ids.size)
    this.byPopularity = Uint32Array.from(popularity.keys()).sort((a, b) => popularity[b]! - popularity[a]! || a - b)
    this.#titles = titles
  }

  line(item: number): ItemLine {
    const id = this.ids.at(item)
    const movie = this.#titles?.of(id)
    return {
      item,
      id: String(id),
      title: movie?.title ?? `Item ${id}`,
      genres: movie?.genres.map(genre => this.#titles!.genres[genre]!) ?? [],
      ...(this.counts === undefined ? {} : { count: this.counts[item]! }),
    }
  }

  /** Items whose titles or ids match, best first, and of equal ones the most popular; without words the most popular. */
  search(words: string, limit: number): ItemLine[] {
    this.#search ??= new TitleSearch(
      Array.from(this.byPopularity, item => {
        const id = this.ids.at(item)
        return { id: String(id), title: this.#titles?.of(id)?.title }
      }),
    )
    return this.#search.find(words, limit).map(place => this.line(this.byPopularity[place]!))
  }
}

/** Entries of each of the items of a table, whose ids may stand in another order than those of the ratings. */
export function itemCounts(ids: IdTable, { items, itemIds, itemCount }: Ratings): Uint32Array {
  const own = countsOf(items, itemCount)
  if (ids === itemIds) return own
  const counts = new Uint32Array(ids.size)
  own.forEach((count, item) => {
    const index = ids.indexOf(itemIds.at(item))
    if (index !== UNKNOWN) counts[index] = count
  })
  return counts
}

import { InputError, type Model } from '../../src/index.ts'
import type { ItemMap } from './messages.ts'
import { projectItems } from './projection.ts'
import type { Titles } from './title-table.ts'

/** Points of a map. */
export const MOST_POINTS = 20_000

/** Rank above which no map is made: the covariance has as many elements as its square. */
const MOST_FACTORS = 4096

/** A genre is a byte, and this one means none. */
const NO_GENRE = 255

/**
 * The map of a model's items: principal components of the factors of the most popular ones, each counted by its number of
 * entries. Genres come by number of points, the most frequent first; a point has its item's main genre.
 * @param counts entries of each item by dense index of the model; undefined where there are no data, and then all items
 *   count alike, and of more than `MOST_POINTS` the first ones are taken
 * @throws InputError for a model of more than 4,096 factors
 */
export function itemMap(model: Model, counts: Uint32Array | undefined, titles: Titles | undefined): ItemMap {
  const { factors, itemFactors, itemIds } = model.parts
  if (factors > MOST_FACTORS) {
    throw new InputError(`a map is made of at most ${MOST_FACTORS} factors; this model has ${factors}`)
  }
  const items = mostPopularLast(itemIds.size, counts)
  const count = Uint32Array.from(items, item => counts?.[item] ?? 0)
  const { x, y, explained } = projectItems(gather(itemFactors, factors, items), items.length, factors, count)
  const movies = Array.from(items, item => titles?.of(itemIds.at(item)))
  const { genres, genre } = byFrequency(
    movies.map(movie => movie?.genres[0]),
    titles?.genres ?? [],
  )
  return {
    items,
    ...fittedToSquare(x, y),
    titles: movies.map((movie, at) => movie?.title ?? `Item ${itemIds.at(items[at]!)}`),
    genre,
    genres,
    count,
    total: itemIds.size,
    explained,
  }
}

/** At most `MOST_POINTS` items, ascending by count; of equal ones the lower index is the more popular. */
function mostPopularLast(size: number, counts: Uint32Array | undefined): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, item) => item)
  if (counts !== undefined) order.sort((a, b) => counts[b]! - counts[a]! || a - b)
  return order.slice(0, MOST_POINTS).reverse()
}

function gather(table: Float32Array, k: number, rows: Uint32Array): Float32Array {
  const gathered = new Float32Array(rows.length * k)
  for (const [at, row] of rows.entries()) gathered.set(table.subarray(row * k, (row + 1) * k), at * k)
  return gathered
}

/** Moves and scales points, the same way in both directions, so that they fill [-1, 1] in the wider one. */
function fittedToSquare(x: Float64Array, y: Float64Array): { x: Float32Array; y: Float32Array } {
  const [left, right] = extent(x)
  const [bottom, top] = extent(y)
  const half = Math.max(right - left, top - bottom) / 2
  const fitted = (values: Float64Array, middle: number) =>
    Float32Array.from(values, value => (half > 0 ? (value - middle) / half : 0))
  return { x: fitted(x, (left + right) / 2), y: fitted(y, (bottom + top) / 2) }
}

function extent(values: Float64Array): [least: number, most: number] {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return [least, most]
}

/** Numbers genres anew, the most frequent first; those beyond a byte become none. */
function byFrequency(main: (number | undefined)[], names: readonly string[]): { genres: string[]; genre: Uint8Array } {
  const points = new Uint32Array(names.length)
  for (const genre of main) if (genre !== undefined) points[genre]!++
  const order = Array.from(points.keys())
    .filter(genre => points[genre]! > 0)
    .sort((a, b) => points[b]! - points[a]! || a - b)
    .slice(0, NO_GENRE)
  const place = new Map(order.map((genre, at) => [genre, at]))
  return {
    genres: order.map(genre => names[genre]!),
    genre: Uint8Array.from(main, genre => (genre === undefined ? NO_GENRE : (place.get(genre) ?? NO_GENRE))),
  }
}

import { type PlantedOptions, type PlantedSet, plantedRatings } from '../../src/index.ts'
import { titleDraws } from './movie-titles.ts'
import { genreNames, kindred } from './movie-words.ts'
import { type Titles, TitleTable } from './title-table.ts'

export interface PlantedMovies {
  planted: PlantedSet
  titles: Titles
}

/** Share of the movies with a second genre. */
const SECOND_GENRE = 0.35

/**
 * Planted ratings whose items are movies with made-up titles. The main genre of a movie is its planted group; a second
 * one, where there is one, is a related genre by chance, and the ratings know nothing of it.
 *
 * The noise and the shape are such that from 100,000 entries on, 20 epochs of the default solver come within a tenth of
 * the noise floor on entries held out, and that the first two principal components of the trained item factors tell the
 * genres apart.
 * @throws OptionError where `entries` or `seed` is not what `plantedRatings` takes.
 */
export function plantMovies({ entries, seed }: { entries: number; seed: number }): PlantedMovies {
  const planted = plantedRatings({ ...movieShape(entries), seed })
  const { itemIds } = planted.ratings
  const titles = new TitleTable('Planted movies', genreNames)
  const draws = titleDraws(seed)
  const byRank = Array.from(planted.itemGroups, (genre, item) => ({ genre, id: itemIds.at(item) as number }))
  for (const { genre, id } of byRank.sort((a, b) => a.id - b.id)) {
    const genres = draws.chance(SECOND_GENRE) ? [genre, draws.pick(kindred(genre))] : [genre]
    const names = genres.map(at => genreNames[at]!)
    titles.add(id, draws.title(genre), names)
  }
  return { planted, titles }
}

/**
 * About the shape of MovieLens sets: users grow faster than movies, and both have more entries in a larger set. 100,000
 * entries are of 1,000 users and 800 movies, a million of 6,000 and 3,700.
 */
export function movieShape(entries: number): Omit<PlantedOptions, 'seed'> {
  const size = entries / 100_000
  const items = Math.max(2 * genreNames.length, Math.round(800 * size ** 0.665))
  // No more than a quarter of all pairs, so that small sets have something left to recommend.
  const users = Math.max(Math.round(1000 * size ** 0.778), Math.ceil((4 * entries) / items))
  return {
    users,
    items,
    entries,
    rank: 4,
    noise: 0.75,
    interactionSd: 0.6,
    groups: genreNames.length,
    groupShare: 0.9,
    taste: 1.2,
    itemExponent: 1,
    userExponent: 0.6,
  }
}

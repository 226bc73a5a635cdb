import { describe, expect, it } from 'vitest'
import { titleDraws } from '../../demo/engine/movie-titles.ts'
import { genreNames, genreWords, kindred } from '../../demo/engine/movie-words.ts'
import { movieShape, type PlantedMovies, plantMovies } from '../../demo/engine/movies.ts'
import { OptionError } from '../../src/errors.ts'

const moviesOf = ({ planted, titles }: PlantedMovies) =>
  Array.from(planted.itemGroups, (group, item) => {
    const id = planted.ratings.itemIds.at(item)
    return { id, group, movie: titles.of(id)! }
  })

describe('plantMovies', () => {
  it('gives every item a readable title of its own, with a year', () => {
    const movies = moviesOf(plantMovies({ entries: 20_000, seed: 1 }))
    for (const { movie } of movies) {
      expect(movie.title).toMatch(/^[A-Z][A-Za-z' -]+(?: \d+)? \((?:19[3-9]\d|20[01]\d|202[0-4])\)$/)
    }
    expect(new Set(movies.map(({ movie }) => movie.title)).size).toBe(movies.length)
  })

  it('takes the planted group as the main genre, and a related one as the second', () => {
    const set = plantMovies({ entries: 20_000, seed: 4 })
    expect(set.titles.genres).toEqual(genreNames)
    expect(set.titles.size).toBe(set.planted.ratings.itemCount)
    const movies = moviesOf(set)
    for (const { group, movie } of movies) {
      const [main, second, ...more] = movie.genres
      expect(main).toBe(group)
      if (second !== undefined) expect(kindred(group)).toContain(second)
      expect(more).toEqual([])
    }
    const seconds = movies.filter(({ movie }) => movie.genres.length === 2).length
    expect(seconds / movies.length).toBeGreaterThan(0.2)
    expect(seconds / movies.length).toBeLessThan(0.5)
  })

  it('is the same for the same seed, another for another', () => {
    const all = (seed: number) => {
      const set = plantMovies({ entries: 5000, seed })
      return { movies: moviesOf(set), values: set.planted.ratings.values }
    }
    expect(all(7)).toEqual(all(7))
    expect(all(7).movies.map(({ movie }) => movie.title)).not.toEqual(all(8).movies.map(({ movie }) => movie.title))
  })

  it('takes ids as numbers and as strings, and knows no other', () => {
    const { planted, titles } = plantMovies({ entries: 5000, seed: 2 })
    const id = planted.ratings.itemIds.at(0)
    expect(titles.of(String(id))).toBe(titles.of(id))
    expect(titles.of(0)).toBeUndefined()
    expect(titles.of('toString')).toBeUndefined()
  })

  it('has a shape that grows with the entries and always holds them', () => {
    expect(movieShape(100_000)).toMatchObject({ users: 1000, items: 800 })
    let last = { users: 0, items: 0 }
    for (const entries of [1, 50, 3000, 100_000, 1_000_000, 25_000_000]) {
      const { users, items } = movieShape(entries)
      expect(users * items).toBeGreaterThanOrEqual(4 * entries)
      expect(users).toBeGreaterThanOrEqual(last.users)
      expect(items).toBeGreaterThanOrEqual(last.items)
      last = { users, items }
    }
    expect(plantMovies({ entries: 1, seed: 0 }).titles.size).toBe(1)
    expect(() => plantMovies({ entries: 0, seed: 0 })).toThrow(OptionError)
    expect(() => plantMovies({ entries: 100, seed: -1 })).toThrow(OptionError)
  })
})

describe('titleDraws', () => {
  it('does not run out of names', () => {
    const draws = titleDraws(3)
    const titles = Array.from({ length: 20_000 }, () => draws.title(5))
    expect(new Set(titles).size).toBe(titles.length)
  })

  it('has words for every genre, and genres that go with it', () => {
    genreWords.forEach((words, genre) => {
      for (const list of [words.adjectives, words.nouns, words.people, words.events]) {
        expect(new Set(list).size).toBe(list.length)
        expect(list.length).toBeGreaterThanOrEqual(6)
      }
      expect(kindred(genre).length).toBeGreaterThan(0)
      for (const other of kindred(genre)) {
        expect(other).not.toBe(genre)
        expect(genreNames[other]).toBeDefined()
      }
    })
  })
})

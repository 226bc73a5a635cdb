import type { RawId } from '../../src/index.ts'

export interface Movie {
  title: string
  /** Indices into `Titles.genres`, the main one first; empty where none is known. */
  genres: readonly number[]
}

/** Titles of items, by raw id. */
export interface Titles {
  /** The file they come from, or what they are. */
  name: string
  genres: readonly string[]
  /** Number of titles. */
  size: number
  /** Ids of ratings are integers or strings as a whole: 7 and '7' name the same item. */
  of(id: RawId): Movie | undefined
}

/** Genres that a table tells apart; a file may have a word of its own for every item. */
const MOST_GENRES = 256

export class TitleTable implements Titles {
  readonly genres: string[] = []
  readonly #movies = new Map<string, Movie>()
  readonly #genreOf = new Map<string, number>()

  /** @param genres that stand first, in this order, whether a title has them or not */
  constructor(
    readonly name: string,
    genres: readonly string[] = [],
  ) {
    for (const genre of genres) this.#genre(genre)
  }

  get size(): number {
    return this.#movies.size
  }

  of(id: RawId): Movie | undefined {
    return this.#movies.get(String(id))
  }

  /** Adds the title of an id that has none yet; genres by name, those after the first `MOST_GENRES` left out. */
  add(id: RawId, title: string, genres: readonly string[]): void {
    const key = String(id)
    if (this.#movies.has(key)) return
    const known = [...new Set(genres)].map(genre => this.#genre(genre)).filter(genre => genre !== undefined)
    this.#movies.set(key, { title, genres: known })
  }

  #genre(name: string): number | undefined {
    const known = this.#genreOf.get(name)
    if (known !== undefined || this.genres.length === MOST_GENRES) return known
    this.#genreOf.set(name, this.genres.length)
    return this.genres.push(name) - 1
  }
}

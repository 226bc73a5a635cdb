import { ratingProblem } from './bad-rows.ts'
import { BlankReader } from './blank-reader.ts'
import type { IdReader } from './entry-reader.ts'
import { type Fields, parseNumberBytes, parseTimeBytes } from './fields.ts'
import { IdColumn } from './id-column.ts'
import { indexProblem } from './libmf-reader.ts'
import type { ReadSettings } from './options.ts'
import type { SampleLine } from './sample.ts'
import { decodeLoosely } from './text.ts'

const COLON = 0x3a
const COMMA = 0x2c

/** A movie whose line was read, without an entry so far. */
const UNNUMBERED = -1

/**
 * Text of the Netflix prize: a line `movie:`, then lines `user,rating,date` of that movie, up to the next such line. Ids
 * are integers from 0, dates (ISO) become seconds since 1970. A movie without ratings is no item.
 */
export class NetflixReader extends BlankReader implements IdReader {
  readonly layout = 'lines of user, rating and date below a line for each movie'
  readonly users = new IdColumn()
  readonly items = new IdColumn()
  /** The id of the movie at hand; empty where there is none. */
  #movie = new Uint8Array(0)
  #movieLine = 0
  #item = UNNUMBERED

  constructor(file: string, settings: ReadSettings) {
    super(file, settings, true)
  }

  protected row({ bytes, starts, ends, count }: Fields): string | undefined {
    const start = starts[0]!
    const end = ends[0]!
    if (count !== 1) return EXPECTED
    if (bytes[end - 1] === COLON) return this.#begin(bytes.slice(start, end - 1))
    const first = bytes.indexOf(COMMA, start)
    const second = first < 0 || first >= end ? -1 : bytes.indexOf(COMMA, first + 1)
    if (second < 0 || second >= end) return EXPECTED
    if (this.#movie.length === 0) return 'the row stands below no line of a movie'
    const value = parseNumberBytes(bytes, first + 1, second)
    if (!Number.isFinite(Math.fround(value))) return ratingProblem(value, bytes.subarray(first + 1, second))
    const time = parseTimeBytes(bytes, second + 1, end)
    if (!Number.isFinite(time)) return 'expected an ISO date behind the rating'
    let user = this.users.find(bytes, start, first)
    if (user < 0) {
      const id = bytes.subarray(start, first)
      const problem = indexProblem('user', id)
      if (problem !== undefined) return problem
      user = this.users.add(id, this.line)
    }
    if (this.#item === UNNUMBERED) this.#item = this.#numbered()
    this.entries.push(user, this.#item, value, time)
    return undefined
  }

  /** Takes the line of a movie; rows below a bad one belong to none. */
  #begin(movie: Uint8Array<ArrayBuffer>): string | undefined {
    const problem = indexProblem('movie', movie)
    this.#movie = problem === undefined ? movie : new Uint8Array(0)
    this.#movieLine = this.line
    this.#item = UNNUMBERED
    return problem
  }

  #numbered(): number {
    const known = this.items.find(this.#movie, 0, this.#movie.length)
    return known >= 0 ? known : this.items.add(this.#movie, this.#movieLine)
  }
}

const EXPECTED = 'expected user,rating,date or a line of a movie such as 8:'

/** Whether the first line is that of a movie, and the next one a rating of it. */
export function isNetflix(sample: readonly SampleLine[]): boolean {
  const [movie, row] = sample.slice(0, 2).map(({ bytes }) => decodeLoosely(bytes.subarray(0, 100)).trim())
  return /^\d+:$/.test(movie ?? '') && /^\d+,[^,]+,[^,]+$/.test(row ?? '')
}

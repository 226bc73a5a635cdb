import { Ratings } from '../../data/ratings.ts'
import { InputError, LowrankError } from '../../errors.ts'
import type { ByteBlob } from '../blob.ts'
import { Entries } from '../entries.ts'
import type { ReadCounts, ReadSettings } from '../options.ts'
import type { ReadResult } from '../report.ts'
import { shownText } from '../text.ts'
import { BAD_ROW, columnsLayout, DAMAGED, OUT_OF_MEMORY, roleColumns } from './column-types.ts'
import { IdCursor, NumberCursor } from './cursors.ts'
import { type Footer, readFooter } from './footer.ts'
import { IdCodes } from './id-codes.ts'
import { PageReader } from './pages.ts'
import { RowNumbers } from './row-numbers.ts'
import { shownNumber } from './shown-number.ts'

/**
 * Ratings from the bytes of a Parquet file, page by page, only the columns of the roles. Columns of integers give
 * integer ids, columns of text string ids.
 * @throws InputError where the file is damaged, its columns do not suit, or a row is bad; `line` is then the row's number.
 */
export async function readParquet(blob: ByteBlob, file: string, settings: ReadSettings): Promise<ReadResult> {
  try {
    const table = new Table(blob, file, settings, await readFooter(blob, file))
    return await table.read()
  } catch (error) {
    settings.signal?.throwIfAborted()
    if (error instanceof LowrankError || !(error instanceof Error)) throw error
    const memory = error instanceof RangeError && /allocation|memory|array length/i.test(error.message)
    throw new InputError(memory ? OUT_OF_MEMORY : DAMAGED, { file }, { cause: error })
  }
}

class Table implements ReadCounts {
  skipped = 0
  firstSkipped: InputError | undefined
  readonly #file: string
  readonly #size: number
  readonly #layout: string
  readonly #settings: ReadSettings
  readonly #rows: number
  readonly #users: IdCursor
  readonly #items: IdCursor
  readonly #ratings: NumberCursor | undefined
  readonly #times: NumberCursor | undefined
  readonly #userNumbers: RowNumbers
  readonly #itemNumbers: RowNumbers
  readonly #entries: Entries

  constructor(blob: ByteBlob, file: string, settings: ReadSettings, footer: Footer) {
    const { user, item, rating, time } = roleColumns(footer.columns, settings, file)
    const pages = (column: typeof user) => new PageReader(blob, file, footer, column)
    this.#file = file
    this.#size = blob.size
    this.#layout = columnsLayout(footer.columns)
    this.#settings = settings
    this.#rows = footer.rows
    this.#users = new IdCursor(pages(user), new IdCodes(user, 'user', settings.ids, file))
    this.#items = new IdCursor(pages(item), new IdCodes(item, 'item', settings.ids, file))
    this.#ratings = rating === undefined ? undefined : new NumberCursor(pages(rating), rating)
    this.#times = time === undefined ? undefined : new NumberCursor(pages(time), time)
    this.#userNumbers = new RowNumbers(this.#users.ids)
    this.#itemNumbers = new RowNumbers(this.#items.ids)
    this.#entries = new Entries(time !== undefined)
  }

  async read(): Promise<ReadResult> {
    const file = this.#file
    if (this.#rows === 0 && !this.#settings.part) throw new InputError('the file holds no ratings', { file })
    const cursors = [this.#users, this.#items, this.#ratings, this.#times].filter(cursor => cursor !== undefined)
    for (let row = 0; row < this.#rows; ) {
      this.#settings.signal?.throwIfAborted()
      for (const cursor of cursors) if (cursor.left === 0) await cursor.advance()
      const count = Math.min(...cursors.map(cursor => cursor.left))
      this.#take(row, count)
      for (const cursor of cursors) cursor.at += count
      row += count
      this.#settings.onProgress(Math.floor((row / this.#rows) * this.#size), this.#size)
    }
    const { skipped, firstSkipped } = this
    if (firstSkipped !== undefined && this.#entries.length === 0) {
      const problem = `no row holds a rating; the first: ${firstSkipped.message}`
      throw new InputError(problem, { file }, { cause: firstSkipped })
    }
    const userIds = this.#userNumbers.table('user', file)
    const itemIds = this.#itemNumbers.table('item', file)
    const ratings = new Ratings({ ...this.#entries.take(), userIds, itemIds })
    return { ratings, skipped, firstSkipped, layout: this.#layout }
  }

  /** Takes the entries of some rows, which all columns have decoded; `first` is the number of the first, from 0. */
  #take(first: number, count: number): void {
    this.#userNumbers.grow()
    this.#itemNumbers.grow()
    const { codes: users, at: userAt } = this.#users
    const { codes: items, at: itemAt } = this.#items
    const ratings = this.#ratings?.numbers
    const times = this.#times?.numbers
    const ratingAt = this.#ratings?.at ?? 0
    const timeAt = this.#times?.at ?? 0
    for (let k = 0; k < count; k++) {
      const user = users[userAt + k]!
      const item = items[itemAt + k]!
      const rating = ratings === undefined ? 1 : ratings[ratingAt + k]!
      const time = times === undefined ? 0 : times[timeAt + k]!
      if (user < 0 || item < 0 || !Number.isFinite(Math.fround(rating)) || !Number.isFinite(time)) {
        this.#reject(k, first + k + 1)
        continue
      }
      const line = first + k + 1
      this.#entries.push(this.#userNumbers.of(user, line), this.#itemNumbers.of(item, line), rating, time)
    }
  }

  /** Throws or counts a bad row. */
  #reject(k: number, line: number): void {
    const skips = this.#settings.onBadRow === 'skip'
    if (skips) this.skipped++
    if (this.firstSkipped !== undefined) return
    const id = ({ ids, codes, at }: IdCursor) => (codes[at + k]! < 0 ? 'none' : ids.text(codes[at + k]!))
    const number = (cursor: NumberCursor | undefined, otherwise: string) => {
      const value = cursor?.numberAt(cursor.at + k)
      return cursor === undefined ? otherwise : value === undefined ? 'none' : shownNumber(value)
    }
    const ids = `user ${id(this.#users)}, item ${id(this.#items)}`
    const text = shownText(`${ids}, rating ${number(this.#ratings, '1.0')}, timestamp ${number(this.#times, '0.0')}`)
    const error = new InputError(BAD_ROW, { file: this.#file, line, text })
    if (!skips) throw error
    this.firstSkipped = error
  }
}

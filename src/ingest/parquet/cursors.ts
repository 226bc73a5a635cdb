import { type IdCodes, NO_ID } from './id-codes.ts'
import { type Numbers, numbersOf } from './numbers.ts'
import type { Indices, Page, PageReader } from './pages.ts'
import type { FlatColumn } from './schema.ts'
import type { Values } from './values.ts'

/** Walks over the rows of one column; `at` is the row at hand within its page, of which `rows` are decoded. */
abstract class Cursor {
  at = 0
  rows = 0
  readonly #pages: PageReader
  #dictionary: Values | undefined

  constructor(pages: PageReader) {
    this.#pages = pages
  }

  get left(): number {
    return this.rows - this.at
  }

  /** Decodes the next page. @throws Error where it is not as it should be. */
  async advance(): Promise<void> {
    const page = await this.#pages.next()
    this.at = 0
    this.rows = page.rows
    const indices = 'indices' in page.values ? page.values : undefined
    if (indices === undefined) this.decode(page.values as Values, page)
    else {
      if (indices.dictionary !== this.#dictionary) {
        this.#dictionary = indices.dictionary
        this.begin(indices.dictionary)
      }
      this.look(indices, page)
    }
  }

  /** Decodes a dictionary. */
  protected abstract begin(dictionary: Values): void
  /** Decodes rows by the dictionary. */
  protected abstract look(indices: Indices, page: Page): void
  /** Decodes rows without one. */
  protected abstract decode(values: Values, page: Page): void
}

/** A column of ids. */
export class IdCursor extends Cursor {
  /** The code of each row, or `NO_ID`. */
  codes: Int32Array = new Int32Array(0)
  readonly ids: IdCodes
  #ofDictionary: Int32Array = new Int32Array(0)

  constructor(pages: PageReader, ids: IdCodes) {
    super(pages)
    this.ids = ids
  }

  protected begin(dictionary: Values): void {
    this.#ofDictionary = this.ids.of(dictionary)
  }

  protected look({ indices }: Indices, { rows, present }: Page): void {
    const codes = new Int32Array(indices.length)
    for (let k = 0; k < codes.length; k++) codes[k] = this.#ofDictionary[indices[k]!]!
    this.codes = spread(codes, present, new Int32Array(present === undefined ? 0 : rows), NO_ID)
  }

  protected decode(values: Values, { rows, present }: Page): void {
    this.codes = spread(this.ids.of(values), present, new Int32Array(present === undefined ? 0 : rows), NO_ID)
  }
}

/** A column of ratings or times. */
export class NumberCursor extends Cursor {
  /** The number of each row, NaN where it has none. */
  numbers: Float64Array = new Float64Array(0)
  #missing: Uint8Array | undefined
  readonly #column: FlatColumn
  #ofDictionary: Numbers = { numbers: new Float64Array(0), missing: undefined }

  constructor(pages: PageReader, column: FlatColumn) {
    super(pages)
    this.#column = column
  }

  /** The number of a row of the page at hand, undefined where it has none. */
  numberAt(row: number): number | undefined {
    return this.#missing?.[row] === 1 ? undefined : this.numbers[row]
  }

  protected begin(dictionary: Values): void {
    this.#ofDictionary = numbersOf(this.#column, dictionary)
  }

  protected look({ indices }: Indices, page: Page): void {
    const { numbers, missing } = this.#ofDictionary
    const looked = new Float64Array(indices.length)
    for (let k = 0; k < looked.length; k++) looked[k] = numbers[indices[k]!]!
    const lacking = missing === undefined ? undefined : Uint8Array.from(indices, index => missing[index]!)
    this.#set({ numbers: looked, missing: lacking }, page)
  }

  protected decode(values: Values, page: Page): void {
    this.#set(numbersOf(this.#column, values), page)
  }

  #set({ numbers, missing }: Numbers, { rows, present }: Page): void {
    if (present === undefined) {
      this.numbers = numbers
      this.#missing = missing
      return
    }
    this.numbers = spread(numbers, present, new Float64Array(rows), Number.NaN)
    this.#missing = spread(missing ?? new Uint8Array(numbers.length), present, new Uint8Array(rows), 1)
  }
}

/** Values at the rows that have one, `none` at the others; the values themselves where all have one. */
function spread<Column extends Int32Array | Float64Array | Uint8Array>(
  values: Column,
  present: Uint8Array | undefined,
  rows: Column,
  none: number,
): Column {
  if (present === undefined) return values
  for (let row = 0, k = 0; row < rows.length; row++) rows[row] = present[row] === 1 ? values[k++]! : none
  return rows
}

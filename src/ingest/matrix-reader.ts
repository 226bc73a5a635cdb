import { IdTable } from '../data/ids.ts'
import { InputError } from '../errors.ts'
import { ratingProblem } from './bad-rows.ts'
import { BlankReader } from './blank-reader.ts'
import { type Fields, parseNumberBytes } from './fields.ts'
import { decodeLoosely } from './text.ts'

const PERCENT = 0x25

/** Dense indices end below the one that marks an unknown user or item. */
const LARGEST_SIZE = 2 ** 32 - 2

/**
 * Rows and columns that are believed whatever the file holds, and for each of its entries: an id table takes eight bytes
 * a row, so that a size line alone costs no more than 128 MiB.
 */
const BELIEVED = { anyway: 2 ** 24, perEntry: 16 }

interface Sizes {
  rows: number
  columns: number
  entries: number
  /** Where they stand. */
  line: number
  text: string
}

/**
 * Matrix Market coordinate format: a banner, comments, a size line, then an entry a line with indices from 1. Rows are
 * users and columns are items, whether they have entries or not; their numbers are the ids.
 */
export class MatrixReader extends BlankReader {
  readonly layout = 'a Matrix Market matrix'
  #field: 'real' | 'integer' | 'pattern' | undefined
  #sizes: Sizes | undefined

  protected row(fields: Fields): string | undefined {
    if (this.#field === undefined) {
      this.#field = this.#banner(fields)
      return undefined
    }
    if (this.#sizes !== undefined) return this.#entry(fields, this.#sizes, this.#field)
    if (fields.bytes[fields.starts[0]!] !== PERCENT) this.#sizes = this.#sizeLine(fields)
    return undefined
  }

  /**
   * The ids of all rows and columns, when the whole file is read.
   * @throws InputError where the file holds another number of entries than it says, or too few for its size.
   */
  idTables(): { userIds: IdTable; itemIds: IdTable } {
    const sizes = this.#sizes
    if (sizes === undefined) {
      const missing = this.#field === undefined ? 'banner' : 'size line'
      throw new InputError(`the file ends before its ${missing}`, { file: this.file })
    }
    const { rows, columns, entries, line, text } = sizes
    const place = { file: this.file, line, text }
    const found = this.entries.length + this.bad.skipped
    if (found !== entries) {
      throw new InputError(`the size line promises ${entries} entries, but the file holds ${found}`, place)
    }
    if (rows + columns > BELIEVED.anyway + BELIEVED.perEntry * found) {
      const problem = `the size line promises ${rows} rows and ${columns} columns for ${found} entries`
      throw new InputError(`${problem}; expected at most ${BELIEVED.perEntry} for each entry beyond 2^24`, place)
    }
    return { userIds: this.#idsTo(rows), itemIds: this.#idsTo(columns) }
  }

  #banner(fields: Fields): 'real' | 'integer' | 'pattern' {
    const fail = (problem: string) => this.failure(problem, fields)
    const [banner = '', object, format, field = '', symmetry] = texts(fields).map(text => text.toLowerCase())
    if (banner !== '%%matrixmarket' || object !== 'matrix') {
      throw fail('expected the banner "%%MatrixMarket matrix coordinate real general"')
    }
    if (format !== 'coordinate') throw fail(`the matrix is in the format ${format}; expected coordinate`)
    if (field !== 'real' && field !== 'integer' && field !== 'pattern') {
      throw fail(`the values are ${field}; expected real, integer or pattern`)
    }
    if (symmetry !== 'general') {
      throw fail(`the matrix is ${symmetry}, which holds one half of its entries; expected general: write them all`)
    }
    return field
  }

  #sizeLine(fields: Fields): Sizes {
    const fail = (problem: string) => this.failure(problem, fields)
    const { bytes, starts, ends, count } = fields
    const numbers = Array.from({ length: count }, (_, field) => wholeNumber(bytes, starts[field]!, ends[field]!))
    const [rows, columns, entries] = numbers
    if (count !== 3 || numbers.some(Number.isNaN)) throw fail('expected the numbers of rows, columns and entries')
    if (rows! > LARGEST_SIZE || columns! > LARGEST_SIZE) {
      throw fail(`expected at most ${LARGEST_SIZE} rows and as many columns`)
    }
    return { rows: rows!, columns: columns!, entries: entries!, line: this.line, text: texts(fields).join(' ') }
  }

  #entry({ bytes, starts, ends, count }: Fields, { rows, columns }: Sizes, field: string): string | undefined {
    const values = field === 'pattern' ? 0 : 1
    if (count !== 2 + values) {
      return `expected row${values === 0 ? ' and column' : ', column and value'}, found ${count} fields`
    }
    const row = wholeNumber(bytes, starts[0]!, ends[0]!)
    const column = wholeNumber(bytes, starts[1]!, ends[1]!)
    if (!(row >= 1 && row <= rows)) return `expected a row from 1 to ${rows}`
    if (!(column >= 1 && column <= columns)) return `expected a column from 1 to ${columns}`
    const value = values === 0 ? 1 : parseNumberBytes(bytes, starts[2]!, ends[2]!)
    if (!Number.isFinite(Math.fround(value))) return ratingProblem(value, bytes.subarray(starts[2], ends[2]))
    if (field === 'integer' && !Number.isInteger(value)) return 'expected an integer as value'
    this.entries.push(row - 1, column - 1, value, 0)
    return undefined
  }

  #idsTo(size: number): IdTable {
    if (this.settings.ids === 'string') return new IdTable(Array.from({ length: size }, (_, at) => String(at + 1)))
    const ids = new Float64Array(size)
    for (let at = 0; at < size; at++) ids[at] = at + 1
    return new IdTable(ids)
  }
}

/** The number that digits alone spell out, up to 2^53 - 1; otherwise NaN. */
function wholeNumber(bytes: Uint8Array, from: number, to: number): number {
  let number = 0
  for (let p = from; p < to; p++) {
    const digit = bytes[p]! - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    number = number * 10 + digit
  }
  return from < to && Number.isSafeInteger(number) ? number : Number.NaN
}

function texts({ bytes, starts, ends, count }: Fields): string[] {
  return Array.from({ length: count }, (_, field) => decodeLoosely(bytes.subarray(starts[field], ends[field])))
}

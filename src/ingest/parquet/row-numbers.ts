import type { IdTable } from '../../data/ids.ts'
import { InputError } from '../../errors.ts'
import { unsafeInteger } from '../options.ts'
import type { IdCodes } from './id-codes.ts'

const UNNUMBERED = -1

/** Numbers ids in order of first appearance among the rows that count, which are fewer than those with a code. */
export class RowNumbers {
  readonly #ids: IdCodes
  /** By code. */
  #numbers = new Int32Array(0)
  /** By number. */
  #codes = new Int32Array(1 << 10)
  #lines = new Float64Array(1 << 10)
  #size = 0

  constructor(ids: IdCodes) {
    this.#ids = ids
  }

  /** Makes room for the codes given since. */
  grow(): void {
    if (this.#ids.size <= this.#numbers.length) return
    const grown = new Int32Array(2 * this.#ids.size).fill(UNNUMBERED)
    grown.set(this.#numbers)
    this.#numbers = grown
  }

  /** The number of a code; `line` is the row at hand, counted from 1. */
  of(code: number, line: number): number {
    const known = this.#numbers[code]!
    return known === UNNUMBERED ? this.#add(code, line) : known
  }

  /** @throws InputError where an integer is beyond 2^53 - 1. */
  table(role: string, file: string): IdTable {
    const codes = this.#codes.subarray(0, this.#size)
    const table = this.#ids.table(codes)
    if (table.kind === 'integer') {
      const unsafe = (table.values as Float64Array).findIndex(id => !Number.isSafeInteger(id))
      if (unsafe >= 0) {
        throw new InputError(unsafeInteger(role, this.#ids.text(codes[unsafe]!)), { file, line: this.#lines[unsafe] })
      }
    }
    return table
  }

  #add(code: number, line: number): number {
    const number = this.#size++
    if (number === this.#codes.length) {
      const codes = new Int32Array(2 * number)
      codes.set(this.#codes)
      this.#codes = codes
      const lines = new Float64Array(2 * number)
      lines.set(this.#lines)
      this.#lines = lines
    }
    this.#codes[number] = code
    this.#lines[number] = line
    this.#numbers[code] = number
    return number
  }
}

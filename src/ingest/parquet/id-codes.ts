import { IdTable } from '../../data/ids.ts'
import { integerKind } from '../fields.ts'
import { IdColumn } from '../id-column.ts'
import type { ReadSettings } from '../options.ts'
import { idContent } from './column-types.ts'
import { IntegerCodes } from './integer-codes.ts'
import { numbersOf, unscaledDecimal } from './numbers.ts'
import type { FlatColumn } from './schema.ts'
import type { Values } from './values.ts'

/** Integers beyond those of 128 bits are none, as in DuckDB. */
const LARGEST = 2n ** 127n

/** The code of a value that is no id. */
export const NO_ID = -1

/**
 * Gives the distinct ids of a column codes from 0 in the order in which they are met. Integers are told apart by their
 * halves, text by its bytes, and other numbers by the digits of the integers that they are.
 */
export class IdCodes {
  readonly #codes = new IdColumn()
  readonly #integers = new IntegerCodes()
  readonly #column: FlatColumn
  readonly #wanted: ReadSettings['ids']
  readonly #content: 'text' | 'integer' | 'fraction'
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  constructor(column: FlatColumn, role: string, wanted: ReadSettings['ids'], file: string) {
    this.#column = column
    this.#wanted = wanted
    this.#content = idContent(column, role, file)
  }

  /** Codes given so far. */
  get size(): number {
    return this.#content === 'integer' ? this.#integers.size : this.#codes.size
  }

  /** The code of each value, or `NO_ID`. @throws Error where text is no UTF-8. */
  of(values: Values): Int32Array {
    const codes = new Int32Array(values.count)
    if (this.#content === 'integer') return this.#ofIntegers(values, codes)
    if (this.#content === 'fraction') {
      const digits = this.#digits(values)
      const encoder = new TextEncoder()
      for (let k = 0; k < values.count; k++) {
        const integer = digits(k)
        const bytes = integer === undefined ? undefined : encoder.encode(integer)
        codes[k] = bytes === undefined ? NO_ID : this.#code(bytes, 0, bytes.length)
      }
      return codes
    }
    const { bytes, width, starts, ends } = values
    for (let k = 0; k < values.count; k++) {
      const from = width === 0 ? starts[k]! : k * width
      const to = width === 0 ? ends[k]! : from + width
      codes[k] = from === to ? NO_ID : this.#code(bytes, from, to)
    }
    return codes
  }

  /** The id of a code as text: that of an integer in canonical notation, however large. */
  text(code: number): string {
    if (this.#content === 'integer') return this.#integers.text(code, this.#column.content === 'signed')
    const bytes = this.#codes.bytesAt(code)
    return this.#column.content === 'uuid' ? uuid(bytes) : this.#decoder.decode(bytes)
  }

  /** The ids of some codes, in their order; those of a column of integers may be beyond what a number holds. */
  table(codes: Int32Array): IdTable {
    const signed = this.#column.content === 'signed'
    if (this.#content === 'integer' && this.#wanted !== 'string') {
      return new IdTable(Float64Array.from(codes, code => this.#integers.number(code, signed)))
    }
    const texts = Array.from(codes, code => this.text(code))
    const strings = this.#wanted === 'string' || (this.#content === 'text' && this.#wanted !== 'integer')
    return new IdTable(strings ? texts : Float64Array.from(texts, Number))
  }

  #ofIntegers({ bytes, width }: Values, codes: Int32Array): Int32Array {
    const integers = this.#integers
    const words = new Int32Array(bytes.slice().buffer)
    if (width === 8) {
      for (let k = 0; k < codes.length; k++) codes[k] = integers.of(words[2 * k]!, words[2 * k + 1]!)
      return codes
    }
    const signed = this.#column.content === 'signed'
    for (let k = 0; k < codes.length; k++) codes[k] = integers.of(words[k]!, signed ? words[k]! >> 31 : 0)
    return codes
  }

  #code(bytes: Uint8Array, from: number, to: number): number {
    const known = this.#codes.find(bytes, from, to)
    if (known >= 0) return known
    const id = bytes.subarray(from, to)
    if (this.#content === 'text' && !this.#isText(id)) return NO_ID
    return this.#codes.add(id, 0)
  }

  /** Whether bytes of a column of text are an id. */
  #isText(id: Uint8Array): boolean {
    if (this.#column.content === 'uuid') return this.#wanted !== 'integer'
    const text = this.#decoder.decode(id)
    if (this.#wanted !== 'integer') return true
    return integerKind(text) !== 'none' && text.length < 50 && BigInt.asIntN(128, BigInt(text)) === BigInt(text)
  }

  /** The integers among numbers that may have fractions. */
  #digits(values: Values): (k: number) => string | undefined {
    const column = this.#column
    if (column.content === 'decimal') {
      const power = 10n ** BigInt(column.scale)
      return k => {
        const unscaled = unscaledDecimal(column, values, k)
        return unscaled % power === 0n ? String(unscaled / power) : undefined
      }
    }
    const { numbers } = numbersOf(column, values)
    return k => {
      const number = numbers[k]!
      if (!Number.isInteger(number) || Math.abs(number) >= Number(LARGEST)) return undefined
      return Number.isSafeInteger(number) ? String(number) : String(BigInt(number))
    }
  }
}

function uuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

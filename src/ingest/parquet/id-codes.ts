import { IdTable } from '../../data/ids.ts'
import { integerKind } from '../fields.ts'
import { IdColumn } from '../id-column.ts'
import type { ReadSettings } from '../options.ts'
import { idContent } from './column-types.ts'
import { numbersOf, unscaledDecimal } from './numbers.ts'
import type { FlatColumn } from './schema.ts'
import type { Values } from './values.ts'

/** Integers beyond those of 128 bits are none, as in DuckDB. */
const LARGEST = 2n ** 127n

/** The code of a value that is no id. */
export const NO_ID = -1

/**
 * Gives the distinct ids of a column codes from 0 in the order in which they are met. What tells them apart are bytes:
 * those of the file for text and integers, otherwise the digits of an integer.
 */
export class IdCodes {
  readonly #codes = new IdColumn()
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
    return this.#codes.size
  }

  /** The code of each value, or `NO_ID`. @throws Error where text is no UTF-8. */
  of(values: Values): Int32Array {
    const codes = new Int32Array(values.count)
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
    const bytes = this.#codes.bytesAt(code)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    switch (this.#column.content) {
      case 'uuid':
        return uuid(bytes)
      case 'signed':
        return bytes.length === 4 ? String(view.getInt32(0, true)) : String(view.getBigInt64(0, true))
      case 'unsigned':
        return bytes.length === 4 ? String(view.getUint32(0, true)) : String(view.getBigUint64(0, true))
      default:
        return this.#decoder.decode(bytes)
    }
  }

  /** The ids of some codes, in their order; those of a column of integers may be beyond what a number holds. */
  table(codes: Int32Array): IdTable {
    const texts = Array.from(codes, code => this.text(code))
    const strings = this.#wanted === 'string' || (this.#content === 'text' && this.#wanted !== 'integer')
    return new IdTable(strings ? texts : Float64Array.from(texts, Number))
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

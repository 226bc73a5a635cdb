import { InputError, type InputPlace } from '../errors.ts'
import { IdNumbers, type RawId } from './id-numbers.ts'
import { IntegerIndex } from './integer-index.ts'

export type { RawId } from './id-numbers.ts'

/** Marks a user or an item that the id table does not hold. */
export const UNKNOWN = 0xffffffff

/**
 * Raw ids by dense index and back. Ids are either all safe integers or all strings; in an integer table the number 7
 * and the string '7' name the same row, so that ids may come from a command line.
 */
export class IdTable {
  readonly kind: 'integer' | 'string'
  readonly #ids: Float64Array | readonly string[]
  #index: { get(id: RawId): number | undefined } | undefined

  constructor(ids: Float64Array | readonly string[]) {
    this.kind = ids instanceof Float64Array ? 'integer' : 'string'
    this.#ids = ids
  }

  /** Ids 0 to size - 1, for data that is dense already. */
  static range(size: number): IdTable {
    return new IdTable(Float64Array.from({ length: size }, (_, index) => index))
  }

  get size(): number {
    return this.#ids.length
  }

  /** The underlying list, for writing it out. */
  get values(): Float64Array | readonly string[] {
    return this.#ids
  }

  at(index: number): RawId {
    const id = this.#ids[index]
    if (id === undefined) throw new RangeError(`index ${index} is outside of ${this.size} ids`)
    return id
  }

  /** The dense index of a raw id, or `UNKNOWN`. */
  indexOf(id: RawId): number {
    this.#index ??= this.#build()
    return this.#index.get(this.#normalize(id)) ?? UNKNOWN
  }

  #normalize(id: RawId): RawId {
    if (this.kind === 'string') return String(id)
    if (typeof id === 'number') return id
    return /^-?\d+$/.test(id) ? Number(id) : id
  }

  #build(): { get(id: RawId): number | undefined } {
    const twice = (id: RawId) => new InputError(`the id ${JSON.stringify(id)} stands twice in an id table`)
    if (this.#ids instanceof Float64Array) {
      const index = new IntegerIndex(this.#ids)
      if (index.repeated >= 0) throw twice(this.#ids[index.repeated]!)
      return { get: id => (typeof id === 'number' ? index.get(id) : undefined) }
    }
    const index = new IdNumbers()
    for (const id of this.#ids) {
      if (index.get(id) !== undefined) throw twice(id)
      index.add(id)
    }
    return index
  }
}

/** @throws InputError where an id stands twice. */
export function checkUnique(side: 'user' | 'item', table: IdTable, place: InputPlace): void {
  const ids = table.values
  const fail = (id: RawId) => new InputError(`the ${side} id ${JSON.stringify(id)} stands twice`, place)
  if (ids instanceof Float64Array) {
    const { repeated } = new IntegerIndex(ids)
    if (repeated >= 0) throw fail(ids[repeated]!)
    return
  }
  const seen = new IdNumbers()
  for (const id of ids) {
    if (seen.get(id) !== undefined) throw fail(id)
    seen.add(id)
  }
}

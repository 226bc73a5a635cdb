import { InputError } from '../errors.ts'

/** A user or an item as its owner names it. */
export type RawId = number | string

/** Marks a user or an item that the id table does not hold. */
export const UNKNOWN = 0xffffffff

/**
 * Raw ids by dense index and back. Ids are either all safe integers or all strings; in an integer table the number 7
 * and the string '7' name the same row, so that ids may come from a command line.
 */
export class IdTable {
  readonly kind: 'integer' | 'string'
  readonly #ids: Float64Array | readonly string[]
  #index: Map<RawId, number> | undefined

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

  #build(): Map<RawId, number> {
    const index = new Map<RawId, number>()
    for (let i = 0; i < this.#ids.length; i++) {
      const id = this.#ids[i]!
      if (index.has(id)) throw new InputError(`the id ${JSON.stringify(id)} stands twice in an id table`)
      index.set(id, i)
    }
    return index
  }
}

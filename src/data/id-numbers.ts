/** A user or an item as its owner names it. */
export type RawId = number | string

/** A `Map` of V8 holds 2^24 keys at most. */
const KEYS_A_MAP = 2 ** 23

/** Numbers distinct ids from 0 in the order in which they are added, however many there are. */
export class IdNumbers {
  size = 0
  readonly #full: Map<RawId, number>[] = []
  #last = new Map<RawId, number>()
  readonly #keysAMap: number

  constructor(keysAMap = KEYS_A_MAP) {
    this.#keysAMap = keysAMap
  }

  /** The number of an id, undefined where it has none. */
  get(id: RawId): number | undefined {
    const number = this.#last.get(id)
    if (number !== undefined || this.#full.length === 0) return number
    for (const map of this.#full) {
      const found = map.get(id)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Adds an id that has no number yet. */
  add(id: RawId): number {
    if (this.#last.size === this.#keysAMap) {
      this.#full.push(this.#last)
      this.#last = new Map()
    }
    this.#last.set(id, this.size)
    return this.size++
  }

  /** The number of an id, a new one where it has none. */
  of(id: RawId): number {
    return this.get(id) ?? this.add(id)
  }

  /** The ids in the order of their numbers. */
  *keys(): Generator<RawId> {
    for (const map of [...this.#full, this.#last]) yield* map.keys()
  }
}

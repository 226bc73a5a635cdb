const TWO_32 = 2 ** 32

/**
 * Finds integers in a list: an open-addressing hash table of their positions (linear probing, at most half full), of
 * four to eight bytes an integer and as many integers as a list holds. The hash is seeded anew each time, so that no list
 * can be made to collide.
 */
export class IntegerIndex {
  /** Position of the first integer that stands in front of it already; -1 where all differ. */
  readonly repeated: number = -1
  readonly #ids: Float64Array
  readonly #slots: Int32Array
  readonly #seed = Math.trunc(Math.random() * TWO_32)

  constructor(ids: Float64Array) {
    this.#ids = ids
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * ids.length + 2))).fill(-1)
    for (let at = 0; at < ids.length; at++) {
      const slot = this.#slotOf(ids[at]!)
      if (this.#slots[slot]! >= 0) {
        this.repeated = at
        return
      }
      this.#slots[slot] = at
    }
  }

  /** The position of an integer, undefined where the list does not hold it. */
  get(id: number): number | undefined {
    const at = this.#slots[this.#slotOf(id)]!
    return at < 0 ? undefined : at
  }

  /** The slot that holds an integer, or the empty one where it would stand. */
  #slotOf(id: number): number {
    const slots = this.#slots
    const ids = this.#ids
    const mask = slots.length - 1
    let hash = Math.imul((id | 0) ^ this.#seed, 0x9e3779b1)
    hash = Math.imul(hash ^ (hash >>> 15) ^ Math.floor(id / TWO_32), 0x2c1b3c6d)
    hash = Math.imul(hash ^ (hash >>> 13) ^ this.#seed, 0x85ebca6b)
    let slot = (hash ^ (hash >>> 16)) & mask
    while (slots[slot]! >= 0 && ids[slots[slot]!] !== id) slot = (slot + 1) & mask
    return slot
  }
}

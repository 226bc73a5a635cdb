/** Numbers a slot holds: code, low half, high half; together in one cache line. */
const SLOT = 4

/**
 * Codes of distinct 64-bit integers in the order in which they are met, from their 32-bit halves: an open-addressing
 * hash table (linear probing, at most half full).
 */
export class IntegerCodes {
  size = 0
  #slots = new Int32Array(SLOT << 12).fill(-1)
  #low = new Int32Array(1 << 10)
  #high = new Int32Array(1 << 10)

  of(low: number, high: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (hashOf(low, high) * SLOT) & mask
    for (let code = slots[slot]!; code >= 0; code = slots[slot]!) {
      if (slots[slot + 1] === low && slots[slot + 2] === high) return code
      slot = (slot + SLOT) & mask
    }
    return this.#add(low, high, slot)
  }

  /** The nearest number of an integer. */
  number(code: number, signed: boolean): number {
    const high = this.#high[code]!
    return (signed ? high : high >>> 0) * 2 ** 32 + (this.#low[code]! >>> 0)
  }

  text(code: number, signed: boolean): string {
    const number = this.number(code, signed)
    if (Number.isSafeInteger(number)) return String(number)
    const high = this.#high[code]!
    return String((BigInt(signed ? high : high >>> 0) << 32n) | BigInt(this.#low[code]! >>> 0))
  }

  #add(low: number, high: number, slot: number): number {
    const code = this.size++
    if (code === this.#low.length) {
      this.#low = doubled(this.#low)
      this.#high = doubled(this.#high)
    }
    this.#low[code] = low
    this.#high[code] = high
    this.#slots[slot] = code
    this.#slots[slot + 1] = low
    this.#slots[slot + 2] = high
    if (this.size * 2 * SLOT > this.#slots.length) this.#rehash()
    return code
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 4).fill(-1)
    const mask = slots.length - 1
    for (let code = 0; code < this.size; code++) {
      let slot = (hashOf(this.#low[code]!, this.#high[code]!) * SLOT) & mask
      while (slots[slot]! >= 0) slot = (slot + SLOT) & mask
      slots[slot] = code
      slots[slot + 1] = this.#low[code]!
      slots[slot + 2] = this.#high[code]!
    }
    this.#slots = slots
  }
}

function hashOf(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 12)
}

function doubled(column: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * column.length)
  longer.set(column)
  return longer
}

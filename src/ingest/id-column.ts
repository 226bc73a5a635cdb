/** Numbers a slot holds: index, hash, first byte in the pool, bytes; together in one cache line. */
const SLOT = 4

/** Bytes that a 32-bit slot can address. */
const LARGEST_POOL = 2 ** 31 - 1

/**
 * Numbers the ids of a column in order of first appearance, straight from the bytes of a file: an open-addressing hash
 * table (FNV-1a with a final mix, linear probing, at most half full) over one pool of id bytes.
 */
export class IdColumn {
  size = 0
  #slots = new Int32Array(SLOT << 12).fill(-1)
  /** First byte of each id in the pool; each ends where the next one starts. */
  #starts = new Float64Array(1 << 10)
  #lines = new Float64Array(1 << 10)
  #pool = new Uint8Array(1 << 14)
  #poolEnd = 0
  /** Hash and slot of the id that `find` has missed last, for `add`. */
  #missedHash = 0
  #missedSlot = 0

  /** Dense index of the id in `bytes[from]` to `bytes[to - 1]`, or -1. */
  find(bytes: Uint8Array, from: number, to: number): number {
    let hash = 0x811c9dc5 | 0
    for (let p = from; p < to; p++) hash = Math.imul(hash ^ bytes[p]!, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash ^= hash >>> 12
    const slots = this.#slots
    const pool = this.#pool
    const mask = slots.length - 1
    let slot = (hash * SLOT) & mask
    for (let index = slots[slot]!; index >= 0; index = slots[slot]!) {
      if (slots[slot + 1] === hash && slots[slot + 3] === to - from) {
        let p = from
        let q = slots[slot + 2]!
        while (p < to && bytes[p] === pool[q]) {
          p++
          q++
        }
        if (p === to) return index
      }
      slot = (slot + SLOT) & mask
    }
    this.#missedHash = hash
    this.#missedSlot = slot
    return -1
  }

  /** Adds the id that `find` has just missed; `line` is where it stands. */
  add(bytes: Uint8Array, line: number): number {
    const index = this.size++
    const start = this.#poolEnd
    this.#poolEnd += bytes.length
    if (this.#poolEnd > LARGEST_POOL) throw new RangeError('the ids of a column take more than 2 GiB')
    if (index === this.#lines.length) {
      this.#starts = grown(this.#starts, new Float64Array(index * 2))
      this.#lines = grown(this.#lines, new Float64Array(index * 2))
    }
    while (this.#poolEnd > this.#pool.length) this.#pool = grown(this.#pool, new Uint8Array(this.#pool.length * 2))
    this.#pool.set(bytes, start)
    this.#starts[index] = start
    this.#lines[index] = line
    this.#slots.set([index, this.#missedHash, start, bytes.length], this.#missedSlot)
    if (this.size * 2 * SLOT > this.#slots.length) this.#rehash()
    return index
  }

  /** The bytes of an id. */
  bytesAt(index: number): Uint8Array {
    return this.#pool.subarray(this.#starts[index], index + 1 < this.size ? this.#starts[index + 1] : this.#poolEnd)
  }

  /** The line in which an id appeared first. */
  lineOf(index: number): number {
    return this.#lines[index]!
  }

  #rehash(): void {
    const old = this.#slots
    const slots = new Int32Array(old.length * 4).fill(-1)
    const mask = slots.length - 1
    for (let from = 0; from < old.length; from += SLOT) {
      if (old[from]! < 0) continue
      let to = (old[from + 1]! * SLOT) & mask
      while (slots[to]! >= 0) to = (to + SLOT) & mask
      slots.set(old.subarray(from, from + SLOT), to)
    }
    this.#slots = slots
  }
}

function grown<Column extends Uint8Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from)
  return to
}

/**
 * Numbers the ids of a column in order of first appearance, straight from the bytes of a file: an open-addressing hash
 * table (FNV-1a with a final mix, linear probing, at most half full) over one pool of id bytes.
 */
export class IdColumn {
  #slots = new Int32Array(1 << 12).fill(-1)
  #hashes = new Uint32Array(1 << 10)
  #ends = new Uint32Array(1 << 10)
  #lines = new Float64Array(1 << 10)
  #pool = new Uint8Array(1 << 14)
  /** Hash and slot of the id that `find` has missed last, for `add`. */
  #missedHash = 0
  #missedSlot = 0
  size = 0

  /** Dense index of the id in `bytes[from]` to `bytes[to - 1]`, or -1. */
  find(bytes: Uint8Array, from: number, to: number): number {
    let hash = 0x811c9dc5
    for (let p = from; p < to; p++) hash = Math.imul(hash ^ bytes[p]!, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash = (hash ^ (hash >>> 12)) >>> 0
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    for (let index = slots[slot]!; index >= 0; index = slots[slot]!) {
      if (this.#hashes[index] === hash && this.#equals(index, bytes, from, to)) return index
      slot = (slot + 1) & mask
    }
    this.#missedHash = hash
    this.#missedSlot = slot
    return -1
  }

  /** Adds the id that `find` has just missed; `line` is where it stands. */
  add(bytes: Uint8Array, from: number, to: number, line: number): number {
    const index = this.size++
    const start = this.#start(index)
    const end = start + to - from
    if (index === this.#hashes.length) {
      this.#hashes = grown(this.#hashes, new Uint32Array(index * 2))
      this.#ends = grown(this.#ends, new Uint32Array(index * 2))
      this.#lines = grown(this.#lines, new Float64Array(index * 2))
    }
    if (end > this.#pool.length) this.#pool = grown(this.#pool, new Uint8Array(Math.max(this.#pool.length * 2, end)))
    for (let p = from, q = start; p < to; p++, q++) this.#pool[q] = bytes[p]!
    this.#hashes[index] = this.#missedHash
    this.#ends[index] = end
    this.#lines[index] = line
    this.#slots[this.#missedSlot] = index
    if (this.size * 2 > this.#slots.length) this.#rehash()
    return index
  }

  /** The bytes of an id. */
  bytesAt(index: number): Uint8Array {
    return this.#pool.subarray(this.#start(index), this.#ends[index])
  }

  /** The line in which an id appeared first. */
  lineOf(index: number): number {
    return this.#lines[index]!
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!
  }

  #equals(index: number, bytes: Uint8Array, from: number, to: number): boolean {
    const pool = this.#pool
    const start = this.#start(index)
    if (this.#ends[index]! - start !== to - from) return false
    for (let p = from, q = start; p < to; p++, q++) if (bytes[p] !== pool[q]) return false
    return true
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 4).fill(-1)
    const mask = slots.length - 1
    for (let index = 0; index < this.size; index++) {
      let slot = this.#hashes[index]! & mask
      while (slots[slot]! >= 0) slot = (slot + 1) & mask
      slots[slot] = index
    }
    this.#slots = slots
  }
}

function grown<Column extends Uint8Array | Uint32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from)
  return to
}

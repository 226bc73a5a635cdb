/** Bits of a digit at most: its counts stay in the first cache. */
const mostDigitBits = 11

/** Entries of a tile up to which it is sorted by insertion. */
const fewEntries = 32

/**
 * Sorts each tile of `entries`, pairs of words (bits of the rating, place), by place and bits; returns the number of runs
 * of one held row. Linear in the entries: a radix sort by the bits of a place that the blocks' slots take.
 * @param tileStart first entry of each tile, and the end
 * @param slots of the largest held and of the largest streamed block
 */
export function sortTiles(
  entries: Uint32Array<ArrayBuffer>,
  tileStart: Uint32Array,
  slots: { held: number; streamed: number },
): number {
  const sorter = new RadixSorter(entries, bitsFor(slots.held), bitsFor(slots.streamed))
  let runs = 0
  for (let tile = 0; tile + 1 < tileStart.length; tile++) {
    const start = tileStart[tile]!
    const end = tileStart[tile + 1]!
    if (end - start <= fewEntries) insert(entries, start, end)
    else {
      sorter.sort(start, end)
      sortTies(entries, start, end)
    }
    let previous = -1
    for (let at = 2 * start + 1; at < 2 * end; at += 2) {
      const held = entries[at]! >>> 16
      if (held !== previous) runs++
      previous = held
    }
  }
  return runs
}

/** Bits that tell so many places apart. */
const bitsFor = (places: number) => Math.ceil(Math.log2(Math.max(1, places)))

/** Stable, least significant digit first. */
class RadixSorter {
  readonly #entries: Uint32Array
  readonly #heldBits: number
  readonly #streamedBits: number
  readonly #next = new Uint32Array(2 ** mostDigitBits)
  #scratch = new Uint32Array(0)

  constructor(entries: Uint32Array, heldBits: number, streamedBits: number) {
    this.#entries = entries
    this.#heldBits = heldBits
    this.#streamedBits = streamedBits
  }

  /** Sorts entries `start` to `end - 1` by place. */
  sort(start: number, end: number): void {
    const length = end - start
    if (this.#scratch.length < 2 * length) this.#scratch = new Uint32Array(2 * length)
    const bits = this.#heldBits + this.#streamedBits
    const passes = Math.ceil(bits / Math.min(mostDigitBits, Math.floor(Math.log2(length))))
    const digitBits = Math.ceil(bits / passes)
    for (let pass = 0; pass < passes; pass++) {
      const shift = pass * digitBits
      if (pass % 2 === 0) this.#pass(this.#entries, start, this.#scratch, 0, length, shift, digitBits)
      else this.#pass(this.#scratch, 0, this.#entries, start, length, shift, digitBits)
    }
    if (passes % 2 === 1) this.#entries.set(this.#scratch.subarray(0, 2 * length), 2 * start)
  }

  /** Puts `length` entries of `from` into `to` by the digit of `bits` bits above `shift`. */
  #pass(
    from: Uint32Array,
    first: number,
    to: Uint32Array,
    target: number,
    length: number,
    shift: number,
    bits: number,
  ): void {
    const next = this.#next
    const streamedBits = this.#streamedBits
    const mask = 2 ** bits - 1
    next.fill(0, 0, mask + 1)
    const end = 2 * (first + length)
    for (let at = 2 * first + 1; at < end; at += 2) next[digitOf(from[at]!, streamedBits, shift) & mask]!++
    let place = target
    for (let digit = 0; digit <= mask; digit++) {
      const count = next[digit]!
      next[digit] = place
      place += count
    }
    for (let at = 2 * first; at < end; at += 2) {
      const word = from[at + 1]!
      const into = 2 * next[digitOf(word, streamedBits, shift) & mask]!++
      to[into] = from[at]!
      to[into + 1] = word
    }
  }
}

/** A place without the bits that no slot takes, and without those below the digit. */
const digitOf = (word: number, streamedBits: number, shift: number) =>
  (((word >>> 16) << streamedBits) | (word & 0xffff)) >>> shift

function insert(entries: Uint32Array, start: number, end: number): void {
  for (let from = 2 * start + 2; from < 2 * end; from += 2) {
    const bits = entries[from]!
    const word = entries[from + 1]!
    let at = from
    for (; at > 2 * start; at -= 2) {
      const before = entries[at - 1]!
      if (before < word || (before === word && entries[at - 2]! <= bits)) break
      entries[at] = entries[at - 2]!
      entries[at + 1] = before
    }
    entries[at] = bits
    entries[at + 1] = word
  }
}

/** Sorts entries of one place, which follow one another, by the bits of their ratings. */
function sortTies(entries: Uint32Array<ArrayBuffer>, start: number, end: number): void {
  for (let entry = start + 1; entry < end; entry++) {
    if (entries[2 * entry + 1] !== entries[2 * entry - 1]) continue
    const first = entry - 1
    while (entry < end && entries[2 * entry + 1] === entries[2 * first + 1]) entry++
    // As little-endian 64-bit numbers, the equal places are the high words.
    new BigUint64Array(entries.buffer, 8 * first, entry - first).sort()
  }
}
